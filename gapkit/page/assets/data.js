// What the page was written from: read once, unpacked where it is first needed.
"use strict";
const gapkit = (() => {
  const raw = JSON.parse(document.getElementById("data").textContent);
  const n = raw.ids.length;

  /** Two bytes a number, low as 0 and high as 65535. */
  function unpack(text, low, high) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => low + (view.getUint16(2 * i, true) / 65535) * (high - low));
  }

  /** The same function, each answer computed once. */
  function once(compute) {
    const known = new Map();
    return (...key) => {
      const name = key.join("\u0000");
      if (!known.has(name)) known.set(name, compute(...key));
      return known.get(name);
    };
  }

  const way = (bridge) => raw.ways.find((own) => own.bridge === bridge);
  const map = (name) => raw.maps.find((own) => own.name === name);

  // Bridges share a plane, or each has one of its own with its own clips before and targets.
  const plane = (name, bridge) => ({ clips: map(name).clips, ...(map(name).ways[bridge].span ? map(name).ways[bridge] : map(name)) });

  /** Coordinates of every clip; NaN for one that is not in this projection. */
  function spread(packed, { span: [x0, x1, y0, y1], clips }) {
    const [x, y] = [unpack(packed[0], x0, x1), unpack(packed[1], y0, y1)];
    if (!clips) return { x, y };
    const whole = { x: new Float32Array(n).fill(NaN), y: new Float32Array(n).fill(NaN) };
    clips.forEach((clip, k) => { whole.x[clip] = x[k]; whole.y[clip] = y[k]; });
    return whole;
  }

  const place = once((name, bridge, state) => {
    const own = plane(name, bridge);
    return spread(state === 0 ? own.before : map(name).ways[bridge].states[state - 1], own);
  });
  const before = once(() => unpack(raw.before, -1, 1));
  const cosine = once((bridge, state) => (state === 0 ? before() : unpack(way(bridge).states[state].cosine, -1, 1)));

  return {
    raw, n, way, map, place, cosine, once,
    plane,
    target: once((name, bridge) => spread(plane(name, bridge).target, plane(name, bridge))),
    turned: once((bridge) => unpack(way(bridge).turned, 0, 180)),
    id: (name) => document.getElementById(name),
    /** An element with text in it: what comes from the data is never read as markup. */
    make: (name, content, properties = {}) => Object.assign(document.createElement(name), { textContent: content }, properties),
    /** The last part of a name that is a path: the whole one is told where there is room. */
    short: (clip) => raw.ids[clip].split("/").at(-1) || raw.ids[clip],
    /** A number as the table prints it: no zero before the point. */
    text: (value, digits = 3) => value.toFixed(digits).replace(/^-(0?\.?0*)$/, "$1").replace(/^(-?)0\./, "$1."),
    /** One clip, chosen anywhere on the page: every view listens. */
    pick: (clip) => document.dispatchEvent(new CustomEvent("pick", { detail: clip })),
    calm: matchMedia("(prefers-reduced-motion: reduce)"),
  };
})();
