// Figures by Plotly, drawn when they come near the screen and again when the colours change.
"use strict";
(() => {
  const { raw, id, text, colour } = gapkit;
  const { metrics, rows } = raw.table;
  const metric = (name) => metrics.findIndex((own) => own.name === name);
  const BLOCK = { anchor: "before", unpaired: "target", paired: "moved" };
  const SYMBOL = { anchor: "circle-open", unpaired: "diamond", paired: "circle" };
  const named = { anchor: "anchors", unpaired: "unpaired bridges", paired: "paired bridges" };

  function layout(extra) {
    const axis = { gridcolor: colour("line"), zeroline: false, linecolor: colour("line"), automargin: true, title: { standoff: 10, font: { size: 13 } } };
    const { xaxis = {}, yaxis = {}, ...rest } = extra;
    return {
      margin: { l: 12, r: 16, t: 8, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false, height: 380,
      font: { color: colour("ink"), family: gapkit.font(), size: 13 }, hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("line"), font: { color: colour("ink") } },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: colour("soft") } },
      ...rest, xaxis: { ...axis, ...xaxis, title: { ...axis.title, text: xaxis.title } }, yaxis: { ...axis, ...yaxis, title: { ...axis.title, text: yaxis.title } },
    };
  }

  const heading = (own) => [own.label, own.scale !== 1 && !own.label.includes("×") ? `×${own.scale}` : "", own.arrow].filter(Boolean).join(" ");
  const known = (k) => rows.filter((row) => row.values[k] && row.values[k][0] !== null);
  // Names of bridges are text, though Plotly reads a few tags: none of theirs may pass.
  const plain = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  function bars() {
    const k = metric(id("bars-metric").value);
    const own = metrics[k];
    const sign = own.better === "lower" ? -1 : 1;
    const order = known(k).sort((a, b) => sign * (a.values[k][0] - b.values[k][0]));
    const of = (block) => order.filter((row) => row.block === block);
    const traces = Object.keys(named).filter((block) => of(block).length).map((block) => {
      const these = of(block);
      const value = these.map((row) => row.values[k][0] * own.scale);
      const side = (end, s) => these.map((row, i) => (row.values[k][end] === null ? 0 : s * (row.values[k][end] * own.scale - value[i])));
      return {
        x: value, y: these.map((row) => plain(row.bridge)), type: "scatter", mode: "markers", name: named[block],
        marker: { color: colour(BLOCK[block]), symbol: SYMBOL[block], size: 9, line: { width: block === "anchor" ? 2 : 0 } },
        error_x: { type: "data", array: side(2, 1), arrayminus: side(1, -1), color: colour(BLOCK[block]), thickness: 1.5, width: 0 },
        hovertemplate: these.map((row) => `${plain(row.bridge)}: ${row.values[k].map((v) => (v === null ? "–" : text(v * own.scale, own.digits))).join(", ").replace(", ", " (").replace(/$/, ")")}<extra></extra>`),
      };
    });
    const dtick = { type: "category", tickmode: "linear", categoryorder: "array", categoryarray: order.map((row) => plain(row.bridge)), showgrid: true };
    return [traces, layout({ xaxis: { title: heading(own) }, yaxis: dtick, height: Math.max(260, 120 + 23 * order.length) })];
  }

  const SIDES = { "top center": [0, -1], "bottom center": [0, 1], "middle right": [1, 0], "middle left": [-1, 0], "top right": [1, -1], "top left": [-1, -1], "bottom right": [1, 1], "bottom left": [-1, 1] };

  /** A side of its dot for each name where it lies on no dot and no other name; nothing for one that has no room. */
  function beside(points, names, turned) {
    const [wide, high] = [Math.max(200, id("plot-trade").clientWidth - 100), 290]; // about the room that dots have
    const ends = (values) => [Math.min(...values), Math.max(...values)];
    const [[x0, x1], [y0, y1]] = [ends(points.x), ends(points.y)];
    const px = points.x.map((v) => ((turned.x ? x1 - v : v - x0) / (x1 - x0 || 1)) * wide);
    const py = points.y.map((v) => ((turned.y ? v - y0 : y1 - v) / (y1 - y0 || 1)) * high);
    const taken = px.map((x, i) => [x - 6, x + 6, py[i] - 6, py[i] + 6]);
    const free = (box, own) => taken.every(([a, b, c, d], i) => i === own || box[1] < a || box[0] > b || box[3] < c || box[2] > d);
    return names.map((name, i) => {
      if (!name) return null;
      const half = 3.2 * name.length;
      const found = Object.keys(SIDES).find((side) => {
        const [dx, dy] = SIDES[side];
        const [cx, cy] = [px[i] + dx * (half + 8), py[i] + dy * 13];
        const box = [cx - half, cx + half, cy - 7, cy + 7];
        // A name may leave the frame upwards and downwards a little, sideways less: there it would be cut.
        return box[0] > -16 && box[1] < wide + 24 && free(box, i) && taken.push(box);
      });
      return found ?? null;
    });
  }

  function trade() {
    const [i, j] = [metric(id("trade-x").value), metric(id("trade-y").value)];
    const [x, y] = [metrics[i], metrics[j]];
    const both = known(i).filter((row) => row.values[j] && row.values[j][0] !== null);
    const merit = (row, k) => (metrics[k].better === "lower" ? -1 : 1) * row.values[k][0];
    const rivals = both.filter((row) => row.block !== "anchor");
    const best = rivals.filter((row) => !rivals.some((other) => other !== row && merit(other, i) >= merit(row, i) && merit(other, j) >= merit(row, j) && (merit(other, i) > merit(row, i) || merit(other, j) > merit(row, j))));
    best.sort((a, b) => a.values[i][0] - b.values[i][0]);
    const at = (list) => ({ x: list.map((row) => row.values[i][0] * x.scale), y: list.map((row) => row.values[j][0] * y.scale) });
    const traces = [{ ...at(best), type: "scatter", mode: "lines", line: { color: colour("soft"), width: 1.5, dash: "dot" }, hoverinfo: "skip", showlegend: false }];
    const turned = { x: x.better === "lower", y: y.better === "lower" };
    // Those on the line are named first, then the anchors, then whoever has room.
    const rank = (row) => (best.includes(row) ? 0 : row.block === "anchor" ? 1 : 2);
    const ranked = [...both].sort((a, b) => rank(a) - rank(b));
    const sides = new Map(beside(at(ranked), ranked.map((row) => row.bridge), turned).map((side, k) => [ranked[k], side]));
    Object.keys(named).forEach((block) => {
      const these = both.filter((row) => row.block === block);
      if (!these.length) return;
      traces.push({
        ...at(these), type: "scatter", mode: "markers+text", name: named[block], cliponaxis: false,
        text: these.map((row) => (sides.get(row) ? plain(row.bridge) : "")), textposition: these.map((row) => sides.get(row) ?? "top center"), textfont: { size: 11, color: colour("soft") },
        marker: { color: colour(BLOCK[block]), symbol: SYMBOL[block], size: 10, line: { width: block === "anchor" ? 2 : 0 } },
        hovertemplate: these.map((row) => `${plain(row.bridge)}<br>${plain(x.label)} ${text(row.values[i][0] * x.scale, x.digits)}<br>${plain(y.label)} ${text(row.values[j][0] * y.scale, y.digits)}<extra></extra>`),
      });
    });
    // Better is right and up, whatever the metric.
    const turn = (reversed) => (reversed ? { autorange: "reversed" } : {});
    return [traces, layout({ xaxis: { title: heading(x), ...turn(turned.x) }, yaxis: { title: heading(y), ...turn(turned.y) }, height: 420 })];
  }

  function cosines() {
    const { counts } = gapkit.way(id("cosines-bridge").value);
    const bins = counts.before.length;
    const middle = counts.before.map((_, k) => -1 + (2 * (k + 0.5)) / bins);
    const used = middle.filter((_, k) => Object.values(counts).some((own) => own[k] > 0));
    const line = (name, title, ink, dash) => {
      const total = counts[name].reduce((sum, v) => sum + v, 0);
      return { x: middle, y: counts[name].map((v) => (100 * v) / total), type: "scatter", mode: "lines", name: title, line: { color: colour(ink), width: 2, shape: "hvh", dash }, hovertemplate: `${title}: %{y:.1f} %<extra></extra>` };
    };
    const traces = [
      line("strangers before", "strangers before", "before", "dot"), line("before", "pairs before", "before", "solid"),
      line("strangers after", "strangers after", "moved", "dot"), line("after", "pairs after", "moved", "solid"),
    ];
    const range = [used[0] - 0.05, used.at(-1) + 0.05];
    return [traces, layout({ xaxis: { title: "Cosine", range }, yaxis: { title: "Clips, %", rangemode: "tozero" }, hovermode: "x" })];
  }

  function path() {
    const kind = id("path-metric").value;
    const long = raw.ways.filter((way) => way.states.length > 2);
    const inks = ["moved", "target", "green", "picked", "violet", "brown", "soft"];
    const dashes = ["solid", "dash", "dot"];
    const traces = long.map((way, k) => ({
      x: way.states.map((_, s) => s / (way.states.length - 1)), y: way.states.map((state) => state[kind]), type: "scatter", mode: "lines+markers", name: plain(way.bridge),
      line: { color: colour(inks[k % inks.length]), width: 2, dash: dashes[Math.floor(k / inks.length) % 3] }, marker: { size: 6 },
      hovertemplate: way.states.map((state) => `${plain(way.bridge)}, ${state.label}: ${text(state[kind])}<extra></extra>`),
    }));
    return [traces, layout({ xaxis: { title: "Share of the way", range: [-0.03, 1.03] }, yaxis: { title: id("path-metric").selectedOptions[0].textContent } })];
  }

  const figures = { bars, trade, cosines, path };
  const drawn = new Set();

  function draw(name) {
    drawn.add(name);
    const [traces, own] = figures[name]();
    return Plotly.react(id(`plot-${name}`), traces, own, { displayModeBar: false, responsive: true });
  }

  const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    near.unobserve(entry.target);
    draw(entry.target.id.replace("plot-", ""));
  }), { rootMargin: "600px" });

  Object.keys(figures).filter((name) => id(`plot-${name}`)).forEach((name) => {
    near.observe(id(`plot-${name}`));
    document.querySelectorAll(`select[id^="${name}-"]`).forEach((own) => own.addEventListener("change", () => draw(name)));
  });
  document.addEventListener("theme", () => drawn.forEach(draw));
  window.addEventListener("beforeprint", () => Object.keys(figures).filter((name) => id(`plot-${name}`)).forEach(draw));
})();
