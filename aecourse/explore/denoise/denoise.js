import { area, button, group, inReach, initials, pad, select, slider, tabs, tryThis } from "../../page/controls.js";
import { clamp, colors, element, fill, greys, network, normals, number, picture, put, redraw, squashes, uniforms } from "../../page/runtime.js";

// Spoil a digit and watch denoisers repair it: a canvas to erase and draw on, seeded noise, networks that run here.
export function build(root, { images, shape, labels, models, noises, level, seed, brush }) {
  const [height, width] = shape, pixels = height * width;
  const clean = images.map(greys);
  const run = models.map(({ layers }) => network(layers));

  const state = { digit: 0, kind: 0, level, seed };
  const painted = new Float32Array(pixels).fill(-1); // -1: untouched; else what the pixel was painted with
  let draw01, normal; // the noise of this seed: a coin and a bell curve for every pixel

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

  const repair = (m, x) => run[m](x).map(squashes[models[m].output]);

  function psnr(image) { // of what is seen: clipped to [0, 1]
    let sum = 0;
    image.forEach((v, i) => { sum += (clamp(v, 0, 1) - clean[state.digit][i]) ** 2; });
    return sum ? -10 * Math.log10(sum / pixels) : Infinity;
  }

  const decibel = (value) => (value === Infinity ? "no error" : `${number(value, 1)} dB`);

  // ---- The parts.
  const digit = tabs("Which image", labels, (n) => { state.digit = n; painted.fill(-1); draw(); });
  const canvas = element("canvas"), stage = area("image to paint on",
    "The image to spoil. Arrow keys move the brush, with Shift in longer steps; Space or Enter paints; "
      + "E chooses the eraser, D the pen; Home returns to the middle.", canvas);
  const first = card("original"), second = card("spoil this one", stage), answers = models.map(({ name }) => card(name));
  const TOOLS = ["erase", "draw"], tool = tabs("What the brush does", TOOLS, () => {});
  const tools = group("Ways to spoil", "Brush:", tool, element("span", { class: "ae-gap" }),
    button("lower half gone", () => { painted.fill(0, pixels / 2 | 0); draw(); }),
    button("right half gone", () => { painted.forEach((_, i) => { if (i % width >= width / 2) painted[i] = 0; }); draw(); }),
    button("restore", () => { painted.fill(-1); state.level = strength.value = 0; draw(); }));

  const kind = select("", noises.map(({ name }, n) => [n, name]), (n) => {
    const share = state.level / noises[state.kind].high, { high } = noises[n];
    state.kind = n;
    strength.input.max = high;
    state.level = strength.value = Math.round(100 * share * high) / 100;
    draw();
  }, { name: "Kind of noise" });
  const strength = slider("strength ", { low: 0, high: noises[0].high, value: level, name: "Strength of the noise" }, (v) => { state.level = v; draw(); });
  const say = fill(root, tryThis("press restore and erase a piece of a stroke. Which network closes the gap?"),
    digit, tools,
    element("div", { class: "ae-noise" }, kind, button("other noise", () => { state.seed += 1; roll(); draw(); }), strength),
    element("div", { class: "ae-images" }, first, second, ...answers),
    element("p", { class: "ae-muted" }, "Erase or draw with the pointer or a finger; or focus the image, move with the arrow keys and paint with Space."));

  function card(name, stage) {
    const view = stage ? stage.querySelector("canvas") : element("canvas", { role: "img" });
    const figure = element("p", { class: "ae-decibel" });
    return { name, view, figure, node: element("figure", {}, element("figcaption", {}, name),
      stage || element("div", { class: "ae-stage ae-frame" }, view), figure) };
  }

  function show({ name, view, figure }, values, theme) {
    put(view, picture(values, shape, theme));
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
    strength.input.setAttribute("aria-valuetext", `${noises[state.kind].name}, ${number(state.level)}`);
    say(`Image ${labels[state.digit]}: ${told.join(", ")}`);
  }

  // Painting: every pixel whose middle is within the brush; the pen is thinner than the eraser.
  const brushed = pad(stage, { rows: height, columns: width, brush, drawn: draw, key: initials(tool, TOOLS),
    paint(place) { inReach(shape, place, tool.value ? brush / 2 : brush, (i) => { painted[i] = tool.value; }); } });

  roll();
  root.aecourse = { repair, spoiled, get place() { return brushed.place; } };
  redraw(root, draw);
}
