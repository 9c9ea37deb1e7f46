// The captions of a caption study, clip by clip.
"use strict";
(() => {
  const { raw, id, make, text } = gapkit;
  if (!id("captions-list")) return;
  const own = raw.captioned;
  if (!own.parts.length) return;
  const part = () => own.parts[Number(id("captions-part").value)];
  const chosen = () => part().rows[Number(id("captions-bridge").value)];
  const score = () => Number(id("captions-score").value);
  const bare = () => part().rows.find((row) => row.bridge.split(" ")[0] === "identity") ?? part().rows[0];
  const value = (row, clip) => row.values[score()]?.[clip] ?? null;

  const keys = {
    best: (clip) => -value(chosen(), clip),
    worst: (clip) => value(chosen(), clip),
    gained: (clip) => value(bare(), clip) - value(chosen(), clip),
    lost: (clip) => value(chosen(), clip) - value(bare(), clip),
  };

  /** Clips that the search finds, in the order that is asked for; those without the score last. */
  function found() {
    const words = id("captions-search").value.trim().toLowerCase();
    const told = (clip) => [own.ids[clip], ...own.references[clip], ...part().rows.map((row) => row.captions[clip])];
    const key = keys[id("captions-order").value];
    const missing = (clip) => (value(chosen(), clip) === null ? 1 : 0);
    return own.ids.map((_, clip) => clip)
      .filter((clip) => !words || told(clip).some((line) => line.toLowerCase().includes(words)))
      .sort((a, b) => missing(a) - missing(b) || key(a) - key(b) || a - b);
  }

  function card(clip) {
    const item = make("li", "");
    item.append(make("h3", own.ids[clip]));
    const said = make("ul", "", { className: "said" });
    said.append(...own.references[clip].map((line) => make("li", line)));
    const table = make("table", "");
    const body = table.createTBody();
    part().rows.forEach((row) => {
      const line = body.insertRow();
      if (row === chosen()) line.className = "chosen";
      line.append(make("th", row.bridge, { scope: "row", className: "first" }), make("td", row.captions[clip]));
      const number = value(row, clip);
      line.append(make("td", number === null ? "–" : text(number), { className: "number" }));
    });
    item.append(said, table);
    return item;
  }

  function show() {
    const clips = found();
    const shown = clips.slice(0, Number(id("captions-number").value));
    id("captions-told").textContent = `${clips.length} clips; shows ${shown.length}, numbers are ${own.labels[score()] ?? "not of single clips"}`;
    id("captions-list").replaceChildren(...shown.map(card));
  }

  /** The bridges of a part; the one that was chosen stays so where it is there. */
  function fill() {
    const before = id("captions-bridge").selectedOptions[0]?.textContent.split(" ")[0] ?? "diffusion-link";
    id("captions-bridge").replaceChildren(...part().rows.map((row, k) => make("option", row.bridge, { value: String(k) })));
    const place = part().rows.findIndex((row) => row.bridge.split(" ")[0] === before);
    id("captions-bridge").value = String(Math.max(place, 0));
    show();
  }

  /** A field of a CSV file; a spreadsheet takes none for a formula. */
  function field(content) {
    const plain = typeof content === "number" ? String(content) : String(content ?? "").replace(/^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/, "'$&");
    return `"${plain.replaceAll('"', '""')}"`;
  }

  function save() {
    const lines = [["id", "bridge", "caption", ...own.scores]];
    own.ids.forEach((name, clip) => part().rows.forEach((row) => {
      lines.push([name, row.bridge, row.captions[clip], ...row.values.map((values) => values[clip])]);
    }));
    const address = URL.createObjectURL(new Blob([`${lines.map((l) => l.map(field).join(",")).join("\n")}\n`], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: address, download: "captions.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  id("captions-part").addEventListener("change", fill);
  ["captions-bridge", "captions-score", "captions-order", "captions-number"].forEach((name) => id(name).addEventListener("change", show));
  id("captions-search").addEventListener("input", show);
  id("captions-save").addEventListener("click", save);
  fill();
})();
