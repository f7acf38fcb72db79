// Spoil a digit and watch denoisers repair it: a canvas to erase and draw on, seeded noise, networks that run here.
function build(root, { images, shape, labels, models, noises, seed, brush }) {
  const [height, width] = shape, pixels = height * width;
  const clean = images.map((image) => Float32Array.from(bytes(image), (value) => value / 255));
  const run = models.map(({ layers }) => network(layers));
  const squash = { sigmoid, tanh: (x) => (Math.tanh(x) + 1) / 2, identity: (x) => x };

  const state = { digit: 0, kind: 0, level: 0, seed, tool: "erase", place: [height >> 1, width >> 1] };
  let painted = new Float32Array(pixels).fill(-1); // -1: untouched; else what the pixel was painted with
  let draw01, normal; // the noise of this seed: a coin and a bell curve for every pixel
  let undone = [];

  // ---- Noise: the same for the same seed, so that only the level changes when the slider moves.
  function roll() {
    const next = uniforms(state.seed);
    draw01 = Float32Array.from({ length: 2 * pixels }, next);
    normal = Float32Array.from({ length: pixels }, normals(next));
  }

  const spoilers = {
    gaussian: (x, i, level) => x + level * normal[i],
    masking: (x, i, level) => (draw01[i] < level ? 0 : x),
    salt_and_pepper: (x, i, level) => (draw01[i] < level ? Number(draw01[pixels + i] < 0.5) : x),
  };

  // What the denoisers see: the digit, then noise, then what was painted over it.
  function spoiled() {
    const spoil = spoilers[noises[state.kind].kind];
    return clean[state.digit].map((x, i) => (painted[i] >= 0 ? painted[i] : spoil(x, i, state.level)));
  }

  const repair = (m, x) => run[m](x).map(squash[models[m].output]);

  function psnr(image) { // of what is seen: clipped to [0, 1]
    let sum = 0;
    image.forEach((v, i) => { sum += (Math.min(Math.max(v, 0), 1) - clean[state.digit][i]) ** 2; });
    return sum ? -10 * Math.log10(sum / pixels) : Infinity;
  }

  const decibel = (value) => (value === Infinity ? "no error" : `${number(value, 1)} dB`);

  // ---- The parts.
  const digits = element("div", { class: "ae-digits", role: "group", "aria-label": "Which image" });
  labels.forEach((label, n) => digits.append(button(label, () => { state.digit = n; painted.fill(-1); draw(); })));

  const here = element("span", { class: "ae-here" });
  const canvas = element("canvas");
  const stage = element("div", {
    class: "ae-stage ae-frame ae-paint", tabindex: 0, role: "application", "aria-roledescription": "image to paint on",
    "aria-label": "The image to spoil. Arrow keys move the brush, with Shift in longer steps; Space or Enter paints; "
      + "E chooses the eraser, D the pen; Home returns to the middle.",
  }, canvas, here);
  const first = card("original"), second = card("spoil this one", stage);
  const answers = models.map(({ name }) => card(name));

  const tools = element("div", { class: "ae-tools", role: "group", "aria-label": "What the brush does" });
  const erase = button("erase", () => choose("erase")), pen = button("draw", () => choose("draw"));
  tools.append("Brush:", erase, pen, element("span", { class: "ae-gap" }),
    button("lower half gone", () => { painted.fill(0, pixels / 2 | 0); draw(); }),
    button("right half gone", () => { painted.forEach((_, i) => { if (i % width >= width / 2) painted[i] = 0; }); draw(); }),
    button("restore", () => { painted.fill(-1); state.level = 0; slider.value = 0; draw(); }));

  const kind = element("select", { "aria-label": "Kind of noise" },
    ...noises.map(({ name }, n) => element("option", { value: n }, name)));
  const slider = element("input", { type: "range", min: 0, max: noises[0].high, step: 0.01, "aria-label": "Strength of the noise" });
  slider.value = 0;
  const level = element("output");
  const noise = element("div", { class: "ae-noise" }, kind, button("other noise", () => { state.seed += 1; roll(); draw(); }), slider, level);

  const top = element("div", {}, digits, tools, noise,
    element("div", { class: "ae-images" }, first.node, second.node, ...answers.map((answer) => answer.node)),
    element("p", { class: "ae-muted" }, "Erase or draw with the pointer or a finger; or focus the image, move with the arrow keys and paint with Space."));
  root.querySelector("style").after(top);
  const say = announcer(root);

  function button(text, act) {
    const node = element("button", { type: "button" }, text);
    node.addEventListener("click", act);
    return node;
  }

  function card(name, stage) {
    const view = stage ? stage.querySelector("canvas") : element("canvas", { role: "img" });
    const figure = element("p", { class: "ae-decibel" });
    return { name, view, figure, node: element("figure", {}, element("figcaption", {}, name),
      stage || element("div", { class: "ae-stage ae-frame" }, view), figure) };
  }

  function show({ name, view, figure }, values, theme) {
    const image = picture(values, shape, theme);
    [view.width, view.height] = [width, height];
    view.getContext("2d").drawImage(image, 0, 0);
    if (figure && values !== clean[state.digit]) figure.replaceChildren(element("b", {}, decibel(psnr(values))));
    if (view.hasAttribute("role")) view.setAttribute("aria-label", `${name}: a ${labels[state.digit]}`);
  }

  function draw() {
    const theme = colors(root), seen = spoiled();
    show(first, clean[state.digit], theme);
    show(second, seen, theme);
    const told = [`spoiled ${decibel(psnr(seen))}`];
    answers.forEach((answer, m) => {
      const repaired = repair(m, seen);
      show(answer, repaired, theme);
      told.push(`${answer.name} ${decibel(psnr(repaired))}`);
    });
    level.textContent = number(state.level);
    slider.setAttribute("aria-valuetext", `${noises[state.kind].name}, ${number(state.level)}`);
    [...digits.children].forEach((node, n) => node.setAttribute("aria-pressed", n === state.digit));
    erase.setAttribute("aria-pressed", state.tool === "erase");
    pen.setAttribute("aria-pressed", state.tool === "draw");
    const [row, column] = state.place;
    Object.assign(here.style, { left: `${100 * (column + 0.5) / width}%`, top: `${100 * (row + 0.5) / height}%`,
      width: `${200 * brush / width}%`, height: `${200 * brush / height}%` });
    say(`Image ${labels[state.digit]}: ${told.join(", ")}`);
  }

  // ---- Painting: every pixel whose middle is within the brush; the pen is thinner than the eraser.
  function choose(tool) { state.tool = tool; draw(); }

  function paint([row, column]) {
    const reach = state.tool === "draw" ? brush / 2 : brush;
    for (let r = 0; r < height; r++) for (let c = 0; c < width; c++)
      if (Math.hypot(r - row, c - column) <= reach) painted[r * width + c] = state.tool === "draw" ? 1 : 0;
  }

  function moveTo([row, column]) {
    state.place = [Math.min(Math.max(row, 0), height - 1), Math.min(Math.max(column, 0), width - 1)];
  }

  const under = (event) => {
    const box = stage.getBoundingClientRect();
    return [height * (event.clientY - box.top) / box.height - 0.5, width * (event.clientX - box.left) / box.width - 0.5];
  };

  let last = null; // the last place of the stroke in progress
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    stage.setPointerCapture(event.pointerId);
    last = under(event);
    moveTo(last);
    paint(state.place);
    draw();
  });
  stage.addEventListener("pointermove", (event) => {
    const now = under(event);
    moveTo(now);
    if (last) { // every step of a quick stroke, too
      const steps = Math.max(1, Math.ceil(Math.hypot(now[0] - last[0], now[1] - last[1])));
      for (let k = 1; k <= steps; k++) paint(last.map((from, axis) => from + (now[axis] - from) * k / steps));
      last = now;
    }
    draw();
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { last = null; });

  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 5 : 1;
    const [down, right] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] || [];
    if (down !== undefined) moveTo([Math.round(state.place[0]) + step * down, Math.round(state.place[1]) + step * right]);
    else if (event.key === "Home") moveTo([height >> 1, width >> 1]);
    else if (event.key === " " || event.key === "Enter") paint(state.place);
    else if (event.key === "e" || event.key === "E") state.tool = "erase";
    else if (event.key === "d" || event.key === "D") state.tool = "draw";
    else return;
    draw();
    event.preventDefault();
    event.stopPropagation(); // a notebook has its own use for these keys
  });

  slider.addEventListener("input", () => { state.level = Number(slider.value); draw(); });
  kind.addEventListener("change", () => {
    const share = state.level / noises[state.kind].high;
    state.kind = Number(kind.value);
    slider.max = noises[state.kind].high;
    state.level = Math.round(100 * share * noises[state.kind].high) / 100;
    slider.value = state.level;
    draw();
  });

  roll();
  root.aecourse = { repair, spoiled, get place() { return [...state.place]; } };
  redraw(root, draw);
}
