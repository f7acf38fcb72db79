import { area, button, group, keys, pointing, tick, tryThis } from "../../page/controls.js";
import { digitPad, hands, raster, STROKES } from "../../page/drawing.js";
import { bytes, clamp, colors, element, fill, network, number, palette, picture, put, redraw, sharp, squashes, swatch, unpack } from "../../page/runtime.js";

// The plane of a two-number code: the place under the pointer is decoded beside it.
export function build(root, data) {
  const { extent, center, shape, names, labels, present, prior, grid, places, posterior, judged } = data;
  const codes = unpack(data.codes), count = labels.length; // all first coordinates, then all second ones
  const run = network(data.layers);
  const decode = (z) => run(z).map(squashes[data.output]);
  const density = posterior && mixture(unpack(posterior.components));
  const rings = posterior && [1, 2, 3].map((sigma) => levelLine(unpack(posterior.log_q), -sigma * sigma / 2 - Math.log(2 * Math.PI)));
  const [sure, named] = judged ? [bytes(judged.sure), bytes(judged.named)] : [];

  const layers = ["codes", ...(prior ? ["circles"] : []), ...(posterior ? ["posterior"] : []), ...(judged ? ["judge"] : []), "grid"];
  const shown = Object.fromEntries(layers.map((key) => [key, data.show.includes(key)]));
  const picked = new Set(); // classes singled out in the legend; none means all
  const thumbnails = []; // decoded once, row by row
  let z = data.start.map(within), theme = colors(root), due = 0; // due: the frame that will show the place next

  // The parts.
  const plane = element("canvas");
  const here = element("span", { class: "ae-here" }), cloud = element("span", { class: "ae-cloud" }); // cloud: one sigma of q(z|x) of a drawing
  const stage = area("plane of codes", "Plane of codes. Arrow keys move the place that is decoded, with Shift in longer steps; Home returns to the middle.",
    plane, cloud, here);
  const decoded = element("canvas", { class: "ae-decoded ae-frame", role: "img" });
  const reading = element("div", { class: "ae-reading" });
  const TOGGLES = { codes: "test codes", circles: "prior, 1 to 3 σ", posterior: "aggregated posterior q(z)",
    judge: "what a classifier recognises", grid: "decoded images" };
  const controls = group("What the plane shows", ...layers.map((key) => tick(TOGGLES[key], (on) => { shown[key] = on; draw(); if (shown.grid) fillGrid(); }, shown[key])));
  const legend = group("Show only these classes", ...present.map((label) => {
    const node = button("", () => {
      picked.has(label) ? picked.delete(label) : picked.add(label);
      node.setAttribute("aria-pressed", picked.has(label));
      draw();
    }, { "aria-pressed": false });
    node.append(swatch(), names[label]);
    return node;
  }));
  const draws = element("div", { class: "ae-draw" });
  let again = () => {}, drawn = null; // again: draws the pad anew; drawn: what the encoder says of the drawing on it: { image, mu, sigma }
  const say = fill(root, tryThis("go slowly from one group of codes into another. Where does the digit change? Then go where no codes are: what is decoded there?"),
    element("div", { class: "ae-columns" }, stage, element("div", { class: "ae-beside" }, decoded, reading)), draws, controls, legend,
    element("p", { class: "ae-muted" }, "Move the pointer over the plane; with a finger, tap it, or move sideways or after a moment's rest; or focus it and use the arrow keys."
      + (posterior ? " Solid lines: q(z) is as dense as the prior is at 1, 2 and 3 σ." : "")
      + (judged ? " Tinted ground: a classifier is at least 90 % sure which digit is decoded there." : "")));
  if (data.encoder) addPad(); else draws.remove();

  // Places on the plane and places on the screen; the second coordinate points up.
  function within(value, axis) { return clamp(value, center[axis] - extent, center[axis] + extent); }
  const across = ([x, y]) => [(x - center[0] + extent) / (2 * extent), (center[1] + extent - y) / (2 * extent)];

  // The codes next to a place, nearest first: [distance, label].
  function nearest([x, y], n) {
    const all = labels.map((label, i) => [Math.hypot(codes[i] - x, codes[count + i] - y), label]);
    return n > 1 ? all.sort((a, b) => a[0] - b[0]).slice(0, n) : [all.reduce((a, b) => (b[0] < a[0] ? b : a))];
  }

  // The average of Gaussians, one for each image, whose means and log-variances come row by row -> its logarithm at a place.
  function mixture(parts) {
    const n = parts.length / 4, [mx, my, vx, vy] = [0, 1, 2, 3].map((row) => parts.subarray(row * n, (row + 1) * n));
    const [px, py] = [vx, vy].map((v) => v.map((value) => Math.exp(-value))), terms = new Float64Array(n);
    return ([x, y]) => {
      let top = -Infinity, sum = 0;
      for (let i = 0; i < n; i++) {
        terms[i] = -((x - mx[i]) ** 2 * px[i] + (y - my[i]) ** 2 * py[i] + vx[i] + vy[i]) / 2;
        if (terms[i] > top) top = terms[i];
      }
      for (let i = 0; i < n; i++) sum += Math.exp(terms[i] - top);
      return top + Math.log(sum / n) - Math.log(2 * Math.PI);
    };
  }

  // The line along which values on the lattice of places reach a level: pieces, one or two in a cell, in shares of the plane.
  function levelLine(values, level) {
    const pieces = [], at = (i, j) => values[i * places + j] - level;
    for (let i = 0; i + 1 < places; i++) for (let j = 0; j + 1 < places; j++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], crossings = [];
      corners.forEach(([a, b], k) => {
        const [c, d] = corners[(k + 1) % 4], from = at(a, b), to = at(c, d), t = from / (from - to);
        if (from < 0 !== to < 0) crossings.push([(a + t * (c - a)) / (places - 1), 1 - (b + t * (d - b)) / (places - 1)]);
      });
      for (let k = 0; k < crossings.length; k += 2) pieces.push([crossings[k], crossings[k + 1]]);
    }
    return pieces;
  }

  // What the judge said at the place of the lattice next to z.
  function verdict() {
    const [i, j] = z.map((value, axis) => Math.round((value - center[axis] + extent) / (2 * extent) * (places - 1)));
    return `a classifier: ${names[named[i * places + j]]}, ${Math.round(sure[i * places + j] / 2.55)} % sure`;
  }

  function show() {
    const [left, top] = across(z);
    here.style.left = `${100 * left}%`;
    here.style.top = `${100 * top}%`;
    put(decoded, picture(decode(z), shape, theme));
    const [[distance, label]] = nearest(z, 1), name = names[label], radius = Math.hypot(...z);
    const lines = [`z = (${number(z[0])}, ${number(z[1])})`];
    if (prior) lines.push(`${number(radius)} from the origin`,
      `log p(z) = ${number(-radius * radius / 2 - Math.log(2 * Math.PI))} nats`);
    if (posterior) lines.push(`log q(z) = ${number(density(z))} nats`);
    lines.push(`nearest code: ${name}, ${number(distance)} away`);
    if (judged) lines.push(verdict());
    if (data.encoder) lines.push(!drawn ? "your digit: not drawn yet" // the line is always there, so that the pad stays where it is
      : drawn.sigma ? `your digit: σ = (${drawn.sigma.map((s) => number(s)).join(", ")})` : "your digit: drawn");
    while (reading.children.length < lines.length) reading.append(element("p"));
    lines.forEach((line, i) => { reading.children[i].textContent = line; });
    if (drawn?.sigma) {
      const [x, y] = across(drawn.mu);
      Object.assign(cloud.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${100 * drawn.sigma[0] / extent}%`, height: `${100 * drawn.sigma[1] / extent}%` });
    }
    cloud.hidden = !drawn?.sigma;
    decoded.setAttribute("aria-label", `Image decoded at ${lines[0]}; nearest test code: ${name}, ${number(distance)} away`);
    say(lines.join(", "));
  }

  function draw() {
    theme = colors(root);
    const side = stage.clientWidth, ink = palette(theme.dark);
    const context = sharp(plane, side, side);
    const at = (point) => across(point).map((share) => share * side);

    if (shown.grid) thumbnails.forEach((values, i) => {
      const cell = side / grid, [height, width] = shape, scale = cell / Math.max(height, width);
      context.drawImage(picture(values, shape, theme),
        (i % grid) * cell + (cell - width * scale) / 2, Math.floor(i / grid) * cell + (cell - height * scale) / 2,
        width * scale, height * scale);
    });

    if (shown.judge) { // as an image of places x places pixels, whose middles are the places
      const cell = side / (places - 1);
      context.imageSmoothingEnabled = true;
      context.globalAlpha = theme.dark ? 0.4 : 0.3;
      context.drawImage(tints(ink), -cell / 2, -cell / 2, places * cell, places * cell);
      context.globalAlpha = 1;
    }

    context.strokeStyle = context.fillStyle = theme.text;
    const [x0, y0] = at([0, 0]);
    context.globalAlpha = 0.3;
    context.beginPath();
    context.moveTo(x0, 0); context.lineTo(x0, side); context.moveTo(0, y0); context.lineTo(side, y0);
    context.stroke();
    context.globalAlpha = 1;

    if (shown.posterior) rings.forEach((pieces, ring) => {
      context.globalAlpha = [0.9, 0.6, 0.4][ring];
      context.lineWidth = 1.3;
      context.beginPath();
      for (const [from, to] of pieces) { context.moveTo(from[0] * side, from[1] * side); context.lineTo(to[0] * side, to[1] * side); }
      context.stroke();
      context.globalAlpha = context.lineWidth = 1;
    });

    if (shown.codes) for (let i = 0; i < count; i++) {
      if (picked.size && !picked.has(labels[i])) continue;
      const [x, y] = at([codes[i], codes[count + i]]);
      context.fillStyle = ink[labels[i]];
      context.globalAlpha = 0.75;
      context.beginPath();
      context.arc(x, y, side > 400 ? 3.2 : 2.6, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";

    if (shown.circles) for (const sigma of [1, 2, 3]) {
      const radius = sigma * side / (2 * extent);
      context.setLineDash([5, 4]);
      context.strokeStyle = theme.text;
      context.beginPath();
      context.arc(x0, y0, radius, 0, 2 * Math.PI);
      context.stroke();
      write(`${sigma}σ`, x0 + radius * Math.SQRT1_2, y0 - radius * Math.SQRT1_2 + 4);
    }
    write("z₁", side - 14, clamp(y0 - 6, 14, side - 6));
    write("z₂", clamp(x0 + 14, 14, side - 14), 16);

    function write(text, x, y) { // with a halo of paper, to be read over points and images
      context.setLineDash([]);
      context.lineWidth = 4;
      context.strokeStyle = `rgb(${theme.paper.join()})`;
      context.strokeText(text, x, y);
      context.lineWidth = 1;
      context.fillStyle = theme.text;
      context.fillText(text, x, y);
    }

    legend.querySelectorAll(".ae-swatch").forEach((swatch, i) => { swatch.style.background = ink[present[i]]; });
    show();
  }

  // The colour of the class that the judge is sure of, at every place where it is sure of one.
  function tints(ink) {
    const canvas = element("canvas", { width: places, height: places }), context = canvas.getContext("2d");
    for (let i = 0; i < places; i++) for (let j = 0; j < places; j++) if (sure[i * places + j] >= judged.level) {
      context.fillStyle = ink[named[i * places + j]];
      context.fillRect(i, places - 1 - j, 1, 1);
    }
    return canvas;
  }

  // Decode the background one row per frame, so that the page never stalls.
  function fillGrid() {
    if (thumbnails.length === grid * grid) return;
    const row = thumbnails.length / grid, step = 2 * extent / grid;
    for (let column = 0; column < grid; column++)
      thumbnails.push(decode([center[0] - extent + (column + 0.5) * step, center[1] + extent - (row + 0.5) * step]));
    draw();
    requestAnimationFrame(fillGrid);
  }

  function moveTo(point) {
    z = point.map(within);
    show();
  }

  // A pad to draw a digit on.
  function addPad() {
    const encode = network(data.encoder);
    const { board, seen, clear, given, draw } = digitPad(root, shape, { none: "draw for me", names: Object.keys(STROKES), hand: written, look });
    draws.append(board, element("div", {},
      element("p", {}, "Draw a digit of your own here. It is brought to the size of the others (below), encoded, placed on the plane and decoded again."),
      group("Drawing", clear, given), seen));
    again = draw;

    // A digit in the hand that this encoder reads best: one whose nearest code is of its class, and with it most of the next six.
    function written(name) {
      const label = names.indexOf(name), tries = hands(STROKES[name]), NEXT = 7;
      const votes = tries.map((lines) => {
        const near = nearest(encode(raster(lines, shape)), NEXT).map(([, each]) => each === label);
        return near.filter(Boolean).length + (near[0] ? NEXT : 0);
      });
      return tries[votes.indexOf(Math.max(...votes))];
    }

    function look(image) {
      drawn = null;
      if (!image) { show(); return null; }
      const said = encode(image);
      drawn = { image, mu: [said[0], said[1]], sigma: said.length > 2 ? [said[2], said[3]].map((v) => Math.exp(v / 2)) : null };
      moveTo(drawn.mu);
      return `The drawing as the encoder sees it; its code is ${drawn.mu.map((v) => number(v)).join(", ")}`
        + (drawn.sigma ? `, with a standard deviation of ${drawn.sigma.map((v) => number(v)).join(" and ")}` : "");
    }
  }

  pointing(stage, (x, y) => {
    z = [center[0] + extent * (2 * x - 1), center[1] + extent * (1 - 2 * y)].map(within);
    due ||= requestAnimationFrame(() => { due = 0; show(); }); // once a frame, however many events come
  }, { hover: true });
  keys(stage, (key, arrow, far) => {
    const step = (far ? 10 : 1) * extent / 50;
    if (arrow) moveTo([z[0] + arrow[0] * step, z[1] - arrow[1] * step]);
    else if (key === "Home") moveTo(center);
    else return false;
  });

  root.aecourse = { decode, density, moveTo, get position() { return [...z]; }, get drawn() { return drawn; } };
  redraw(root, () => { draw(); again(); });
  if (shown.grid) fillGrid();
}
