// The migration view: the clips on their way to the captions, in one projection.
"use strict";
(() => {
  const { raw, n, id, make, text } = gapkit;
  if (!id("cloud")) return;
  const [picture, frame, tip, slider, play] = ["picture", "frame", "tip", "slider", "play"].map(id);
  const cloud = gapkit.cloud(id("cloud"));
  const chosen = { clip: null, found: [] };
  const MARGIN = { l: 30, r: 10, t: 10, b: 30 };
  const radius = Math.max(1.6, Math.min(4, 110 / Math.sqrt(n)));
  let moving = null;
  let aim = 0; // the state that the clips are at or on their way to
  let range = null; // what the frame shows: x0, x1, y0, y1

  const map = () => gapkit.map(id("map").value);
  const way = () => gapkit.way(id("bridge").value);
  const goal = () => gapkit.target(map().name, way().bridge);
  const last = () => way().states.length - 1;
  const at = () => Number(slider.value);
  const nearest = () => Math.round(at());

  /** Places of all clips: straight between two states. */
  function moment() {
    const k = Math.min(Math.floor(at()), last() - 1);
    const share = at() - k;
    const [from, to] = [gapkit.place(map().name, way().bridge, k), gapkit.place(map().name, way().bridge, k + 1)];
    const mix = (a, b) => (share === 0 ? a : share === 1 ? b : a.map((v, i) => v + share * (b[i] - v)));
    return { x: mix(from.x, to.x), y: mix(from.y, to.y) };
  }

  /** From the projection to pixels of the picture. */
  function pixels({ x, y }) {
    const [w, h] = [picture.clientWidth - MARGIN.l - MARGIN.r, picture.clientHeight - MARGIN.t - MARGIN.b];
    const [x0, x1, y0, y1] = range;
    const [sx, sy] = [w / (x1 - x0), h / (y1 - y0)];
    return { x: x.map((v) => MARGIN.l + (v - x0) * sx), y: y.map((v) => MARGIN.t + (y1 - v) * sy) };
  }

  /** Everything in view, one unit as long up as across. */
  function whole() {
    const [x0, x1, y0, y1] = gapkit.plane(map().name, way().bridge).span;
    const [w, h] = [picture.clientWidth - MARGIN.l - MARGIN.r, picture.clientHeight - MARGIN.t - MARGIN.b];
    const unit = 1.06 * Math.max((x1 - x0) / w, (y1 - y0) / h) || 1;
    const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
    return [cx - (unit * w) / 2, cx + (unit * w) / 2, cy - (unit * h) / 2, cy + (unit * h) / 2];
  }

  // From low to high: dark blue to yellow, its lightness even, as viridis is.
  const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  // From fallen to risen, grey between.
  const CHANGE = [[178, 24, 43], [239, 138, 98], [150, 150, 150], [103, 169, 207], [33, 102, 172]];

  function between(scale, share) {
    const place = Math.max(0, Math.min(1, share)) * (scale.length - 1);
    const k = Math.min(Math.floor(place), scale.length - 2);
    return scale[k].map((v, i) => v + (place - k) * (scale[k + 1][i] - v));
  }

  const bounds = gapkit.once((bridge) => {
    const all = Float32Array.from([...gapkit.cosine(bridge, 0), ...gapkit.cosine(bridge, gapkit.way(bridge).states.length - 1)]).sort();
    return [all[Math.floor(0.01 * all.length)], all[Math.floor(0.99 * (all.length - 1))]].map((v, i) => (i ? Math.ceil : Math.floor)(v * 10) / 10);
  });

  /** How the clips are coloured: nothing for one colour, otherwise a scale, its ends and the value of each clip. */
  function shade() {
    const [kind, bridge] = [id("shade").value, way().bridge];
    if (kind === "plain") return null;
    const now = gapkit.cosine(bridge, nearest());
    if (kind === "cosine") return { scale: SCALE, ends: bounds(bridge), values: now };
    const before = gapkit.cosine(bridge, 0);
    return { scale: CHANGE, ends: [-0.4, 0.4], values: now.map((v, i) => v - before[i]) };
  }

  const shaded = gapkit.once((bridge, state, kind) => {
    const { scale, ends, values } = shade();
    const bytes = new Uint8Array(3 * n);
    values.forEach((v, i) => bytes.set(between(scale, (v - ends[0]) / (ends[1] - ends[0])), 3 * i));
    return bytes;
  });

  /** Paint the clips where the slider stands. */
  function draw() {
    if (!range || !picture.clientWidth) return;
    const now = pixels(moment());
    const target = pixels(goal());
    const kind = id("shade").value;
    const paints = kind === "plain" ? { colour: gapkit.colour("moved") } : { colours: shaded(way().bridge, nearest(), kind) };
    const layers = [
      { ...target, colour: gapkit.colour("target"), radius, opacity: 0.5 },
      { ...pixels(gapkit.place(map().name, way().bridge, 0)), colour: gapkit.colour("before"), radius: 0.7 * radius, opacity: 0.35 },
      { ...now, ...paints, radius, opacity: kind === "plain" ? 0.75 : 0.95 },
      { ...now, colour: gapkit.colour("picked"), radius: radius + 3.5, ring: 2, opacity: 1, only: chosen.found },
    ];
    const trail = chosen.clip === null ? { dots: [], lines: [] } : follow(chosen.clip, now, target);
    cloud.paint(gapkit.colour("paper"), [...layers, ...trail.dots], trail.lines);
    tell();
  }

  /** The way of one clip so far, itself, and a broken line to its caption. */
  function follow(clip, now, target) {
    const one = ({ x, y }) => ({ x: [x[clip]], y: [y[clip]] });
    const path = [];
    for (let k = 0; k <= Math.floor(at()); k++) {
      const { x, y } = gapkit.place(map().name, way().bridge, k);
      path.push(pixels({ x: [x[clip]], y: [y[clip]] }));
    }
    const corners = [...path.map(({ x, y }) => [x[0], y[0]]), [now.x[clip], now.y[clip]]];
    const [picked, paper] = [gapkit.colour("picked"), gapkit.colour("paper")];
    return {
      lines: [
        { points: corners, colour: picked, dash: [] },
        { points: [corners.at(-1), [target.x[clip], target.y[clip]]], colour: picked, dash: [3, 4] },
      ],
      dots: [
        { ...one(target), colour: paper, radius: 7, opacity: 1 },
        { ...one(target), colour: gapkit.colour("target"), radius: 5.5, opacity: 1 },
        { ...one(target), colour: picked, radius: 7, ring: 2, opacity: 1 },
        { ...one(now), colour: paper, radius: 7, opacity: 1 },
        { ...one(now), colour: picked, radius: 5.5, opacity: 1 },
      ],
    };
  }

  /** The numbers under the picture: those of a state, never of something between two. */
  function tell() {
    const k = nearest();
    const state = way().states[k];
    id("now-label").textContent = at() === k ? state.label : `near ${state.label}`;
    id("now-cosine").textContent = text(state.mean);
    id("now-centroid").textContent = text(state.centroid);
    id("now-risen").textContent = k === 0 ? "–" : `${(100 * state.risen).toFixed(0)} %`;
    slider.setAttribute("aria-valuetext", `${state.label}, mean cosine ${text(state.mean)}`);
    [...id("stops").children].forEach((stop, i) => {
      if (i === k) stop.setAttribute("aria-current", "step");
      else stop.removeAttribute("aria-current");
    });
  }

  function describe() {
    const clip = chosen.clip;
    if (clip === null) return;
    const [k, end] = [nearest(), last()];
    const seen = [...new Set([0, k, end])];
    const row = make("dl", "", { className: "cosines" });
    seen.forEach((state) => {
      const cell = make("div", "");
      cell.append(make("dt", way().states[state].label), make("dd", text(gapkit.cosine(way().bridge, state)[clip])));
      row.append(cell);
    });
    const captions = raw.captions[clip];
    const absent = Number.isNaN(goal().x[clip]);
    id("picked").replaceChildren(
      make("p", gapkit.short(clip), { className: "name", title: raw.ids[clip] }),
      ...captions.slice(0, 5).map((caption) => make("p", caption)),
      make("p", `Cosine to its ${raw.unit}s with ${way().bridge}`, { className: "note" }),
      row,
      ...(absent ? [make("p", "This clip is not in this projection.", { className: "note" })] : []),
    );
  }

  function axes() {
    const axis = (name, low, high) => ({
      title: { text: name, standoff: 8, font: { size: 12 } }, range: [low, high], showgrid: false, zeroline: false, showticklabels: false, ticks: "",
      showline: true, linecolor: gapkit.colour("line"),
    });
    const drag = matchMedia("(pointer: coarse)").matches ? false : "pan";
    const [first, second] = map().axes;
    return {
      xaxis: axis(first, range[0], range[1]), yaxis: axis(second, range[2], range[3]), margin: { ...MARGIN, pad: 0 }, showlegend: false, hovermode: false,
      dragmode: drag, width: picture.clientWidth, height: picture.clientHeight, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: gapkit.colour("soft"), family: gapkit.font(), size: 12 },
    };
  }

  /** Frame and axes by Plotly, which also pans; the dots follow its range. */
  function board({ keep = false } = {}) {
    if (!keep || !range) range = whole();
    return Plotly.react(frame, [{ x: [], y: [], type: "scatter" }], axes(), { displayModeBar: false, scrollZoom: false, doubleClick: false }).then(draw);
  }

  function zoom(factor) {
    const [x0, x1, y0, y1] = range;
    const wide = (a, b) => [(a + b) / 2 - (factor * (b - a)) / 2, (a + b) / 2 + (factor * (b - a)) / 2];
    range = [...wide(x0, x1), ...wide(y0, y1)];
    board({ keep: true });
  }

  /** Another bridge: its own states on the slider, in the same share of the way. */
  function ride() {
    stop();
    const share = Number(slider.max) ? at() / Number(slider.max) : 0;
    slider.max = last();
    slider.value = aim = Math.round(share * last());
    id("way-note").textContent = way().note;
    id("stops").replaceChildren(...way().states.map((state, k) => {
      const button = make("button", state.label, { type: "button" });
      button.addEventListener("click", () => go(k));
      return button;
    }));
    settle();
  }

  function settle() {
    const key = id("shade-key");
    const own = shade();
    key.hidden = own === null;
    const ramp = own ? `linear-gradient(to right, ${own.scale.map((c) => `rgb(${c})`).join(", ")})` : "";
    document.querySelector(".key .dot-moved").style.setProperty("--dot", ramp);
    if (own) {
      const bar = make("span", "", { className: "bar" });
      bar.style.background = ramp;
      key.replaceChildren(make("span", text(own.ends[0], 1)), bar, make("span", text(own.ends[1], 1)));
    }
    draw();
    describe();
  }

  function stop() {
    if (moving !== null) cancelAnimationFrame(moving);
    moving = null;
    play.textContent = "Play";
  }

  /** Glide to a state; where motion is unwelcome, be there. */
  function go(end, pace = 450) {
    stop();
    aim = end;
    return new Promise((arrived) => {
      if (gapkit.calm.matches || end === at()) {
        slider.value = end;
        settle();
        arrived();
        return;
      }
      const [from, began] = [at(), performance.now()];
      const long = Math.min(pace * Math.abs(end - from), 900) || 1;
      const step = (now) => {
        const share = Math.min(1, (now - began) / long);
        slider.value = from + (end - from) * share;
        if (share < 1) {
          draw();
          moving = requestAnimationFrame(step);
          return;
        }
        slider.value = end;
        moving = null;
        settle();
        arrived();
      };
      moving = requestAnimationFrame(step);
    });
  }

  let playing = 0;
  async function start() {
    const own = (playing += 1);
    if (at() >= last()) slider.value = 0;
    for (let k = Math.floor(at()) + 1; k <= last() && own === playing; k++) {
      const arrived = go(k, 800);
      play.textContent = "Pause";
      await arrived;
      await new Promise((rest) => setTimeout(rest, gapkit.calm.matches ? 700 : 150));
    }
    if (own === playing) stop();
  }

  function pause() {
    playing += 1;
    stop();
    settle();
  }

  /** The clip or target under the pointer, within twelve pixels. */
  function under(event) {
    const box = picture.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let best = { distance: 144, clip: null };
    for (const [kind, points] of [["clip", pixels(moment())], [raw.unit, pixels(goal())]]) {
      for (let i = 0; i < n; i++) {
        const distance = (points.x[i] - px) ** 2 + (points.y[i] - py) ** 2;
        if (distance < best.distance) best = { distance, clip: i, kind };
      }
    }
    return best;
  }

  function hover(event) {
    const { clip, kind } = under(event);
    tip.hidden = clip === null;
    if (clip === null) return;
    const cosine = text(gapkit.cosine(way().bridge, nearest())[clip]);
    const what = kind === "clip" ? `clip ${gapkit.short(clip)}` : `${kind} of ${gapkit.short(clip)}`;
    tip.replaceChildren(make("div", raw.captions[clip][0] ?? raw.ids[clip]), make("div", `${what} · cosine of the pair ${cosine}`, { className: "soft" }));
    const box = picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    tip.style.left = `${Math.max(4, Math.min(x + 14, box.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > box.height ? Math.max(4, y - tip.offsetHeight - 12) : y + 18}px`;
  }

  const hay = gapkit.once(() => raw.ids.map((name, i) => [name, ...raw.captions[i]].join("\n").toLocaleLowerCase()));

  function search() {
    const words = id("search").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    chosen.found = words.length ? [...raw.ids.keys()].filter((i) => words.every((word) => hay()[i].includes(word))) : [];
    const shown = chosen.found.slice(0, 50);
    const rest = chosen.found.length > shown.length ? `; the first ${shown.length} are listed` : "";
    id("found-told").textContent = words.length ? `${chosen.found.length} of ${n} clips${rest}${shown.length ? ", ringed in the picture" : ""}.` : "";
    id("found").replaceChildren(...shown.map((i) => {
      // The caption that holds the words, not only the first one.
      const caption = raw.captions[i].find((own) => words.some((word) => own.toLocaleLowerCase().includes(word))) ?? raw.captions[i][0] ?? raw.ids[i];
      const button = make("button", caption, { type: "button" });
      button.addEventListener("click", () => gapkit.pick(i));
      const item = make("li", "");
      item.append(button);
      return item;
    }));
    draw();
  }

  function key(event) {
    const among = chosen.found.length ? chosen.found : [...raw.ids.keys()];
    const place = among.indexOf(chosen.clip);
    const acts = {
      ArrowRight: () => gapkit.pick(among[(place + 1) % among.length]),
      ArrowLeft: () => gapkit.pick(among[(place - 1 + among.length + (place < 0)) % among.length]),
      "+": () => zoom(0.7), "-": () => zoom(1 / 0.7), 0: () => board(),
      Escape: () => { tip.hidden = true; },
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** Arrow keys move by whole states. */
  function slide(event) {
    const to = { ArrowRight: aim + 1, ArrowUp: aim + 1, ArrowLeft: aim - 1, ArrowDown: aim - 1, Home: 0, End: last() }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    playing += 1;
    go(Math.max(0, Math.min(last(), to)), 250);
  }

  slider.addEventListener("keydown", slide);
  slider.addEventListener("input", () => { playing += 1; stop(); draw(); });
  slider.addEventListener("change", () => { go(nearest()); });
  play.addEventListener("click", () => (play.textContent === "Play" ? start() : pause()));
  id("bridge").addEventListener("change", () => {
    playing += 1;
    ride();
    if (!map().span) board(); // a plane of its own
  });
  id("map").addEventListener("change", () => { id("map-note").textContent = map().note; board(); describe(); });
  id("shade").addEventListener("change", settle);
  id("search").addEventListener("input", search);
  id("zoom-in").addEventListener("click", () => zoom(0.7));
  id("zoom-out").addEventListener("click", () => zoom(1 / 0.7));
  id("whole").addEventListener("click", () => board());
  picture.addEventListener("keydown", key);
  picture.addEventListener("pointermove", hover);
  picture.addEventListener("pointerleave", () => { tip.hidden = true; });
  document.addEventListener("pick", (event) => { chosen.clip = event.detail; draw(); describe(); });
  document.addEventListener("theme", () => board({ keep: true }));

  // A press without a drag chooses; with one it pans.
  let from = null;
  picture.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; }, true);
  window.addEventListener("pointerup", (event) => {
    if (from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < 4) {
      const { clip } = under(event);
      if (clip !== null) gapkit.pick(clip);
    }
    from = null;
  }, true);

  id("map-note").textContent = map().note;
  gapkit.ready = board().then(() => {
    ride();
    const panned = (event) => {
      const read = (axis, k, old) => event[`${axis}.range[${k}]`] ?? event[`${axis}.range`]?.[k] ?? old;
      range = [read("xaxis", 0, range[0]), read("xaxis", 1, range[1]), read("yaxis", 0, range[2]), read("yaxis", 1, range[3])].map(Number);
      draw();
    };
    frame.on("plotly_relayouting", panned);
    frame.on("plotly_relayout", panned);
    new ResizeObserver(() => board()).observe(picture);
  });
  gapkit.view = { where: (clip) => { const p = pixels(moment()); return [p.x[clip], p.y[clip]]; }, chosen };
})();
