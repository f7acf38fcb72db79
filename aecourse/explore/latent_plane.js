// The plane of a two-number code: the place under the pointer is decoded beside it.
function build(root, data) {
  const { extent, center, shape, names, labels, present, prior, grid } = data;
  const codes = unpack(data.codes), count = labels.length; // all first coordinates, then all second ones
  const run = network(data.layers);
  const squash = { sigmoid, tanh: (x) => (Math.tanh(x) + 1) / 2, identity: (x) => x }[data.output];
  const decode = (z) => run(z).map(squash);

  const shown = Object.fromEntries(["codes", "circles", "grid"].map((key) => [key, data.show.includes(key)]));
  const picked = new Set(); // classes singled out in the legend; none means all
  const thumbnails = []; // decoded once, row by row
  let z = data.start.map(clamp);

  // The parts.
  const plane = element("canvas");
  const here = element("span", { class: "ae-here" });
  const stage = element("div", {
    class: "ae-stage ae-frame", tabindex: 0, role: "application", "aria-roledescription": "plane of codes",
    "aria-label": "Plane of codes. Arrow keys move the place that is decoded, with Shift in longer steps; Home returns to the middle.",
  }, plane, here);
  const decoded = element("canvas", { class: "ae-decoded ae-frame", role: "img" });
  const reading = element("div", { class: "ae-reading" });
  const controls = element("div", { class: "ae-controls", role: "group", "aria-label": "What the plane shows" });
  const legend = element("div", { class: "ae-legend", role: "group", "aria-label": "Show only these classes" });
  const top = element("div", {},
    element("div", { class: "ae-columns" }, stage, element("div", { class: "ae-beside" }, decoded, reading)),
    controls, legend,
    element("p", { class: "ae-muted" }, "Move the pointer or a finger over the plane, or focus it and use the arrow keys."));
  root.querySelector("style").after(top);
  const say = announcer(root);

  // Places on the plane and places on the screen; the second coordinate points up.
  function clamp(value, axis) { return Math.min(Math.max(value, center[axis] - extent), center[axis] + extent); }
  const across = ([x, y]) => [(x - center[0] + extent) / (2 * extent), (center[1] + extent - y) / (2 * extent)];

  function nearest() {
    let best = 0, least = Infinity;
    for (let i = 0; i < count; i++) {
      const distance = Math.hypot(codes[i] - z[0], codes[count + i] - z[1]);
      if (distance < least) [best, least] = [i, distance];
    }
    return [names[labels[best]], least];
  }

  function show() {
    const [left, top] = across(z);
    here.style.left = `${100 * left}%`;
    here.style.top = `${100 * top}%`;
    const image = picture(decode(z), shape, colors(root));
    [decoded.width, decoded.height] = [image.width, image.height];
    decoded.getContext("2d").drawImage(image, 0, 0);

    const [name, distance] = nearest(), radius = Math.hypot(...z);
    const lines = [`z = (${number(z[0])}, ${number(z[1])})`];
    if (prior) lines.push(`${number(radius)} from the origin`,
      `log p(z) = ${number(-radius * radius / 2 - Math.log(2 * Math.PI))} nats`);
    lines.push(`nearest test code: ${name}, ${number(distance)} away`);
    reading.replaceChildren(...lines.map((line) => element("p", {}, line)));
    decoded.setAttribute("aria-label", `Image decoded at ${lines[0]}; ${lines.at(-1)}`);
    say(lines.join(", "));
  }

  function draw() {
    const side = stage.clientWidth, theme = colors(root), ink = palette(theme.dark);
    const context = sharp(plane, side, side);
    const at = (point) => across(point).map((share) => share * side);

    if (shown.grid) thumbnails.forEach((values, i) => {
      const cell = side / grid, [height, width] = shape, scale = cell / Math.max(height, width);
      context.drawImage(picture(values, shape, theme),
        (i % grid) * cell + (cell - width * scale) / 2, Math.floor(i / grid) * cell + (cell - height * scale) / 2,
        width * scale, height * scale);
    });

    context.strokeStyle = context.fillStyle = theme.text;
    const [x0, y0] = at([0, 0]);
    context.globalAlpha = 0.3;
    context.beginPath();
    context.moveTo(x0, 0); context.lineTo(x0, side); context.moveTo(0, y0); context.lineTo(side, y0);
    context.stroke();
    context.globalAlpha = 1;

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

    if (prior && shown.circles) for (const sigma of [1, 2, 3]) {
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

  // Pointer, touch and keys.
  const follow = (event) => {
    const box = plane.getBoundingClientRect();
    moveTo([center[0] + extent * (2 * (event.clientX - box.left) / box.width - 1),
            center[1] + extent * (1 - 2 * (event.clientY - box.top) / box.height)]);
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
  const toggles = { codes: "test codes", circles: "prior, 1 to 3 σ", grid: "decoded images" };
  for (const [key, text] of Object.entries(toggles)) {
    if (key === "circles" && !prior) continue;
    const box = element("input", { type: "checkbox" });
    box.checked = shown[key];
    box.addEventListener("change", () => { shown[key] = box.checked; draw(); if (shown.grid) fillGrid(); });
    controls.append(element("label", {}, box, text));
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

  root.aecourse = { decode, moveTo, get position() { return [...z]; } };
  redraw(root, draw);
  if (shown.grid) fillGrid();
}
