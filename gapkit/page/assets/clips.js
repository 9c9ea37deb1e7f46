// The clips that a bridge moved most and least.
"use strict";
(() => {
  const { raw, id, make, text } = gapkit;
  if (!id("clips-table")) return;
  const keys = {
    rose: ({ change }) => -change,
    fell: ({ change }) => change,
    far: ({ turned }) => -turned,
    near: ({ turned }) => turned,
  };

  function rows(bridge) {
    const last = gapkit.way(bridge).states.length - 1;
    const [before, after, turned] = [gapkit.cosine(bridge, 0), gapkit.cosine(bridge, last), gapkit.turned(bridge)];
    return raw.ids.map((name, clip) => ({
      clip, name, before: before[clip], after: after[clip], change: after[clip] - before[clip], turned: turned[clip],
    }));
  }

  function sorted() {
    const key = keys[id("clips-order").value];
    return rows(id("clips-bridge").value).sort((a, b) => key(a) - key(b) || a.clip - b.clip);
  }

  /** Show a clip in the migration view, moved by the same bridge. */
  function follow(clip) {
    const bridge = id("bridge");
    if (bridge && bridge.value !== id("clips-bridge").value) {
      bridge.value = id("clips-bridge").value;
      bridge.dispatchEvent(new Event("change"));
    }
    gapkit.pick(clip);
    id("migration").scrollIntoView({ behavior: gapkit.calm.matches ? "auto" : "smooth" });
  }

  function show() {
    id("clips-note").textContent = gapkit.way(id("clips-bridge").value).note;
    id("clips-table").tBodies[0].replaceChildren(...sorted().slice(0, Number(id("clips-number").value)).map((r) => {
      const row = make("tr", "");
      const captions = raw.captions[r.clip];
      const name = make("th", "", { className: "first", scope: "row" });
      const button = make("button", gapkit.short(r.clip), { type: "button", className: "link", title: r.name });
      button.addEventListener("click", () => follow(r.clip));
      name.append(button);
      const words = make("td", captions[0] ?? "–");
      if (captions.length > 1) words.append(make("span", ` +${captions.length - 1}`, { className: "soft", title: captions.slice(1).join("\n") }));
      const sign = r.change > 0 ? "+" : "";
      row.append(name, words, make("td", text(r.before)), make("td", text(r.after)), make("td", sign + text(r.change)), make("td", `${r.turned.toFixed(1)}°`));
      return row;
    }));
  }

  /** A field of a CSV file; a spreadsheet takes none for a formula. */
  function field(value) {
    const plain = typeof value === "number" ? String(value) : String(value).replace(/^[=+\-@\t\r]/, "'$&");
    return `"${plain.replaceAll('"', '""')}"`;
  }

  function save() {
    const bridge = id("clips-bridge").value;
    const lines = [["id", "caption", "cosine_before", "cosine_after", "change", "turned_degrees"]];
    rows(bridge).forEach((r) => lines.push([r.name, raw.captions[r.clip][0] ?? "", ...[r.before, r.after, r.change, r.turned].map((v) => Number(v.toFixed(4)))]));
    const address = URL.createObjectURL(new Blob([`${lines.map((l) => l.map(field).join(",")).join("\n")}\n`], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: address, download: `clips-${bridge}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  ["clips-bridge", "clips-order", "clips-number"].forEach((name) => id(name).addEventListener("change", show));
  id("clips-save").addEventListener("click", save);
  show();
})();
