// Dots on a canvas, blended by hand: twenty thousand take a few milliseconds with no graphics card at all.
"use strict";
gapkit.cloud = (canvas) => {
  const context = canvas.getContext("2d");
  let [image, width, height, scale] = [null, 0, 0, 1];

  /** As many pixels as the screen has in the box of the canvas. */
  function fit() {
    scale = Math.min(window.devicePixelRatio || 1, 2);
    [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (canvas.width === width && canvas.height === height && image) return;
    [canvas.width, canvas.height] = [width, height];
    image = width && height ? context.createImageData(width, height) : null;
  }

  const rgb = gapkit.once((colour) => {
    const own = /^#(..)(..)(..)$/.exec(colour);
    return own ? own.slice(1).map((part) => parseInt(part, 16)) : [128, 128, 128];
  });

  /** Pixels of a dot or a ring with soft edges: where, seen from its middle, and how much of the colour. */
  const stamp = gapkit.once((radius, opacity, ring, row) => {
    const reach = Math.ceil(radius + 1);
    const found = { reach, offset: [], share: [] };
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const far = Math.hypot(dx, dy);
        const inside = Math.min(1, radius + 0.5 - far);
        const share = opacity * (ring ? Math.min(inside, far - radius + ring + 0.5) : inside);
        if (share > 0) {
          found.offset.push(4 * (dy * row + dx));
          found.share.push(Math.min(share, 1));
        }
      }
    }
    return found;
  });

  /**
   * Paint layers, the first undermost.
   * A layer: x, y (in pixels of the box, NaN leaves a dot out), radius, opacity, and colour ("#rrggbb") or
   * colours (three bytes a dot); ring: width of an open circle; only: the dots to draw.
   * Lines lie over them: points, colour, dash.
   */
  function paint(paper, layers, lines = []) {
    fit();
    if (!image) return;
    const data = image.data;
    const [r0, g0, b0] = rgb(paper);
    new Uint32Array(data.buffer).fill(((255 << 24) | (b0 << 16) | (g0 << 8) | r0) >>> 0);
    for (const { x, y, radius, opacity, colour, colours, ring = 0, only } of layers) {
      const { reach, offset, share } = stamp(radius * scale, opacity, ring * scale, width);
      const pixels = offset.length;
      const count = only ? only.length : x.length;
      let [r, g, b] = colour ? rgb(colour) : [0, 0, 0];
      for (let k = 0; k < count; k++) {
        const i = only ? only[k] : k;
        const [px, py] = [Math.round(x[i] * scale), Math.round(y[i] * scale)];
        if (!(px >= reach && py >= reach && px < width - reach && py < height - reach)) continue;
        if (colours) [r, g, b] = [colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]];
        const at = 4 * (py * width + px);
        for (let j = 0; j < pixels; j++) {
          const q = at + offset[j];
          const a = share[j];
          data[q] += (r - data[q]) * a;
          data[q + 1] += (g - data[q + 1]) * a;
          data[q + 2] += (b - data[q + 2]) * a;
        }
      }
    }
    context.putImageData(image, 0, 0);
    for (const { points, colour, dash } of lines) {
      if (points.some((own) => own.some(Number.isNaN))) continue;
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x * scale, y * scale));
      [context.strokeStyle, context.lineWidth] = [colour, 2 * scale];
      context.setLineDash(dash.map((long) => long * scale));
      context.stroke();
    }
  }

  return { paint };
};
