import { slider, tabs, tryThis } from "../../page/controls.js";
import { colors, element, fill, network, number, picture, put, redraw, sigmoid, strip, unpack } from "../../page/runtime.js";

// Sliders over the latents of one of several decoders, with the pictures along each slider's way.
export function build(root, { models, shape, names, extent, steps }) {
  const nets = models.map(({ layers, kl, starts }) => {
    const run = network(layers), codes = unpack(starts), k = kl.length;
    return {
      decode: (z) => run(z).map(sigmoid),
      order: kl.map((_, j) => j).sort((a, b) => kl[b] - kl[a]),
      start: (s) => Array.from(codes.subarray(s * k, (s + 1) * k)),
    };
  });
  let z = [], rows = [];

  // The parts.
  const model = tabs("Which model", models.map(({ name }) => name), begin), start = tabs("Which image to start from", names, begin);
  const decoded = element("canvas", { class: "ae-decoded ae-frame", role: "img" }), list = element("div", {});
  const say = fill(root, tryThis("move the slider with the most nats, then the one with the fewest. What does each of them change in the picture?"),
    model.node, start.node, element("div", { class: "ae-columns" }, decoded, list),
    element("p", { class: "ae-muted" }, "Every slider is one number of the code; the pictures under it show its way with the other numbers held where they are."));

  // A model and an image are chosen: their sliders, at the image's code.
  function begin() {
    const { order, start: codeOf } = nets[model.value], { kl } = models[model.value];
    z = codeOf(start.value);
    rows = order.map((j, place) => {
      const way = element("canvas", { class: "ae-strip", "aria-hidden": "true" }), nats = `${number(kl[j], 1)} nats`;
      const control = slider("", { low: -extent, high: extent, value: z[j], name: `Latent ${place + 1}, ${nats}` }, (v) => { z[j] = v; draw(); });
      return { j, way, node: element("div", { class: kl[j] < 0.1 ? "ae-latent ae-silent" : "ae-latent" },
        element("p", {}, `latent ${place + 1}`, element("br"), element("span", { class: "ae-muted" }, nats)), control, way) };
    });
    list.replaceChildren(...rows.map(({ node }) => node));
    draw();
  }

  function draw() {
    const { decode } = nets[model.value], { name } = models[model.value], theme = colors(root);
    put(decoded, picture(decode(z), shape, theme));
    decoded.setAttribute("aria-label", `Image decoded by ${name}`);
    for (const { j, way } of rows) strip(way, Array.from({ length: steps }, (_, s) =>
      decode(z.map((value, i) => i === j ? extent * (2 * s / (steps - 1) - 1) : value))), shape, theme);
    say(`${name}, started from ${names[start.value]}; code ${rows.map(({ j }) => number(z[j], 1)).join(", ")}`);
  }

  begin();
  root.aecourse = { decode: (m, code) => nets[m].decode(code), get z() { return [...z]; }, get model() { return model.value; } };
  redraw(root, draw);
}
