// The plane of a two-number code: the place under the pointer is decoded beside it.
// Ten digits as lines, for those who cannot or would rather not draw.
const ring = (cx, cy, rx, ry, from = 0, to = 2 * Math.PI) => Array.from({ length: 25 }, (_, i) => {
  const angle = from + (to - from) * i / 24;
  return [cx + rx * Math.sin(angle), cy - ry * Math.cos(angle)];
});
const STROKES = {
  0: [ring(0.5, 0.5, 0.2, 0.3)], 1: [[[0.4, 0.3], [0.52, 0.2], [0.52, 0.8]]],
  2: [[...ring(0.5, 0.36, 0.18, 0.16, -1.3, 2.2), [0.32, 0.8], [0.7, 0.8]]],
  3: [[...ring(0.48, 0.35, 0.17, 0.15, -1.2, 2.9), ...ring(0.48, 0.65, 0.2, 0.16, 0.2, 4.3)]],
  4: [[[0.55, 0.2], [0.3, 0.58], [0.72, 0.58]], [[0.6, 0.42], [0.58, 0.8]]],
  5: [[[0.68, 0.2], [0.38, 0.2], [0.35, 0.47], ...ring(0.48, 0.62, 0.19, 0.18, -0.5, 4.2)]],
  6: [[[0.6, 0.2], [0.4, 0.42], ...ring(0.5, 0.63, 0.17, 0.17, -1.2, 5.1)]],
  7: [[[0.3, 0.22], [0.7, 0.22], [0.45, 0.8]]], 8: [ring(0.5, 0.35, 0.15, 0.15), ring(0.5, 0.65, 0.18, 0.15)],
  9: [[...ring(0.5, 0.37, 0.17, 0.17, 1.9, 8.0), [0.64, 0.45], [0.56, 0.8]]],
};

function build(root, data) {
  const { extent, center, shape, names, labels, present, prior, grid, places, posterior, judged } = data;
  const codes = unpack(data.codes), count = labels.length; // all first coordinates, then all second ones
  const run = network(data.layers);
  const squash = { sigmoid, tanh: (x) => (Math.tanh(x) + 1) / 2, identity: (x) => x }[data.output];
  const decode = (z) => run(z).map(squash);
  const density = posterior && mixture(unpack(posterior.components));
  const rings = posterior && [1, 2, 3].map((sigma) => levelLine(unpack(posterior.log_q), -sigma * sigma / 2 - Math.log(2 * Math.PI)));
  const [sure, named] = judged ? [bytes(judged.sure), bytes(judged.named)] : [];

  const layers = ["codes", ...(prior ? ["circles"] : []), ...(posterior ? ["posterior"] : []), ...(judged ? ["judge"] : []), "grid"];
  const shown = Object.fromEntries(layers.map((key) => [key, data.show.includes(key)]));
  const picked = new Set(); // classes singled out in the legend; none means all
  const thumbnails = []; // decoded once, row by row
  let z = data.start.map(clamp), theme = colors(root), due = 0; // due: the frame that will show the place next

  // The parts.
  const plane = element("canvas");
  const here = element("span", { class: "ae-here" }), cloud = element("span", { class: "ae-cloud" }); // cloud: one sigma of q(z|x) of a drawing
  const stage = element("div", {
    class: "ae-stage ae-frame", tabindex: 0, role: "application", "aria-roledescription": "plane of codes",
    "aria-label": "Plane of codes. Arrow keys move the place that is decoded, with Shift in longer steps; Home returns to the middle.",
  }, plane, cloud, here);
  const decoded = element("canvas", { class: "ae-decoded ae-frame", role: "img" });
  const reading = element("div", { class: "ae-reading" });
  const controls = element("div", { class: "ae-controls", role: "group", "aria-label": "What the plane shows" });
  const legend = element("div", { class: "ae-legend", role: "group", "aria-label": "Show only these classes" });
  const top = element("div", {},
    element("div", { class: "ae-columns" }, stage, element("div", { class: "ae-beside" }, decoded, reading)),
    controls, legend,
    element("p", { class: "ae-muted" }, "Move the pointer or a finger over the plane, or focus it and use the arrow keys."
      + (posterior ? " Solid lines: q(z) is as dense as the prior is at 1, 2 and 3 σ." : "")
      + (judged ? " Tinted ground: a classifier is at least 90 % sure which digit is decoded there." : "")));
  root.querySelector("style").after(top);
  const say = announcer(root);
  let drawn = null; // what the encoder says of the reader's drawing: { mu, sigma }
  if (data.encoder) addPad();

  // Places on the plane and places on the screen; the second coordinate points up.
  function clamp(value, axis) { return Math.min(Math.max(value, center[axis] - extent), center[axis] + extent); }
  const across = ([x, y]) => [(x - center[0] + extent) / (2 * extent), (center[1] + extent - y) / (2 * extent)];

  function nearest() {
    let best = 0, least = Infinity;
    for (let i = 0; i < count; i++) {
      const distance = (codes[i] - z[0]) ** 2 + (codes[count + i] - z[1]) ** 2;
      if (distance < least) { best = i; least = distance; }
    }
    return [names[labels[best]], Math.sqrt(least)];
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
    const image = picture(decode(z), shape, theme);
    if (decoded.width !== image.width) [decoded.width, decoded.height] = [image.width, image.height];
    decoded.getContext("2d").drawImage(image, 0, 0);

    const [name, distance] = nearest(), radius = Math.hypot(...z);
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
    write("z₁", side - 14, Math.min(Math.max(y0 - 6, 14), side - 6));
    write("z₂", Math.min(Math.max(x0 + 14, 14), side - 14), 16);

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
    z = point.map(clamp);
    show();
  }

  // A pad to draw a digit on. Lines are kept as points, so that the digit can be moved and sized as the data are: its
  // longer side is 20 of the 28 rows, its middle in the middle.
  function addPad() {
    const [height, width] = shape, encode = network(data.encoder), lines = [];
    const pad = element("canvas", { class: "ae-pad ae-frame", width: 4 * width, height: 4 * height, role: "img", "aria-label": "Pad to draw a digit on" });
    const seen = element("canvas", { class: "ae-seen ae-frame", width, height, role: "img", "aria-label": "Nothing is drawn yet" });
    const select = element("select", { "aria-label": "Have a digit drawn" }, element("option", { value: "" }, "draw for me"),
      ...Object.keys(STROKES).map((name) => element("option", { value: name }, name)));
    const clear = element("button", { type: "button" }, "Clear");
    top.insertBefore(element("div", { class: "ae-draw" }, pad,
      element("div", {}, element("p", {}, "Draw a digit of your own here. It is brought to the size of the others (below), encoded, placed on the plane and decoded again."),
        element("div", { class: "ae-controls" }, clear, select), seen)), controls);

    // Ink at every pixel of the image the encoder sees: full within about a pixel of a line, then fading.
    function raster() {
      const points = lines.flat(), [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
      const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      const scale = 17 / 28 * Math.max(height, width) / Math.max(x1 - x0, y1 - y0, 0.05);
      const place = ([x, y]) => [(x - (x0 + x1) / 2) * scale + width / 2 - 0.5, (y - (y0 + y1) / 2) * scale + height / 2 - 0.5];
      const placed = lines.map((line) => line.map(place)), ink = new Float32Array(height * width);
      for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) {
        let nearest = Infinity;
        for (const line of placed) for (let i = 0; i < line.length; i++) nearest = Math.min(nearest, toSegment([c, r], line[i], line[i + 1] || line[i]));
        ink[r * width + c] = Math.min(1, Math.max(0, 2.1 - nearest));
      }
      return ink;
    }

    function toSegment([x, y], [ax, ay], [bx, by]) {
      const [dx, dy] = [bx - ax, by - ay], t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      return Math.hypot(x - ax - t * dx, y - ay - t * dy);
    }

    function look() {
      const theme = colors(root), context = sharp(pad, pad.clientWidth, pad.clientHeight);
      context.strokeStyle = theme.text;
      [context.lineWidth, context.lineCap, context.lineJoin] = [pad.clientWidth / 11, "round", "round"];
      for (const line of lines) {
        context.beginPath();
        line.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * pad.clientWidth, y * pad.clientHeight));
        if (line.length === 1) context.lineTo(line[0][0] * pad.clientWidth + 0.1, line[0][1] * pad.clientHeight);
        context.stroke();
      }
      seen.getContext("2d").clearRect(0, 0, width, height);
      if (!lines.length) { drawn = null; return show(); }
      const image = raster(), said = encode(image);
      drawn = { image, mu: [said[0], said[1]], sigma: said.length > 2 ? [said[2], said[3]].map((v) => Math.exp(v / 2)) : null };
      seen.getContext("2d").drawImage(picture(image, shape, theme), 0, 0);
      seen.setAttribute("aria-label", `The drawing as the encoder sees it; its code is ${drawn.mu.map((v) => number(v)).join(", ")}`
        + (drawn.sigma ? `, with a standard deviation of ${drawn.sigma.map((v) => number(v)).join(" and ")}` : ""));
      z = drawn.mu.map(clamp);
      show();
    }

    const at = (event) => { const box = pad.getBoundingClientRect(); return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]; };
    pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); lines.push([at(event)]); look(); });
    pad.addEventListener("pointermove", (event) => { if (pad.hasPointerCapture(event.pointerId)) { lines.at(-1).push(at(event)); look(); } });
    clear.addEventListener("click", () => { lines.length = 0; select.value = ""; look(); });
    select.addEventListener("change", () => { lines.length = 0; if (select.value) lines.push(...STROKES[select.value]); look(); });
  }

  // Pointer, touch and keys.
  const follow = (event) => {
    const box = plane.getBoundingClientRect();
    z = [center[0] + extent * (2 * (event.clientX - box.left) / box.width - 1),
         center[1] + extent * (1 - 2 * (event.clientY - box.top) / box.height)].map(clamp);
    due ||= requestAnimationFrame(() => { due = 0; show(); }); // once a frame, however many events come
  };
  stage.addEventListener("pointerdown", follow);
  stage.addEventListener("pointermove", follow);
  stage.addEventListener("keydown", (event) => {
    const step = (event.shiftKey ? 10 : 1) * extent / 50;
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [];
    if (dx !== undefined) moveTo([z[0] + dx * step, z[1] + dy * step]);
    else if (event.key === "Home") moveTo(center);
    else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has its own use for arrow keys
  });

  // What is shown.
  const toggles = { codes: "test codes", circles: "prior, 1 to 3 σ", posterior: "aggregated posterior q(z)",
    judge: "what a classifier recognises", grid: "decoded images" };
  for (const key of layers) {
    const box = element("input", { type: "checkbox" });
    box.checked = shown[key];
    box.addEventListener("change", () => { shown[key] = box.checked; draw(); if (shown.grid) fillGrid(); });
    controls.append(element("label", {}, box, toggles[key]));
  }
  for (const label of present) {
    const button = element("button", { type: "button", "aria-pressed": false },
      element("span", { class: "ae-swatch" }), names[label]);
    button.addEventListener("click", () => {
      picked.has(label) ? picked.delete(label) : picked.add(label);
      button.setAttribute("aria-pressed", picked.has(label));
      draw();
    });
    legend.append(button);
  }

  root.aecourse = { decode, density, moveTo, get position() { return [...z]; }, get drawn() { return drawn; } };
  redraw(root, draw);
  if (shown.grid) fillGrid();
}
