// Sliders over the latents of one of several decoders, with the pictures along each slider's way.
function build(root, { models, shape, names, extent, steps }) {
  const [height, width] = shape, gap = 2;
  const nets = models.map(({ layers, kl, starts }) => {
    const run = network(layers), codes = unpack(starts), k = kl.length;
    return {
      decode: (z) => run(z).map(sigmoid),
      order: kl.map((_, j) => j).sort((a, b) => kl[b] - kl[a]),
      start: (s) => Array.from(codes.subarray(s * k, (s + 1) * k)),
    };
  });
  const state = { model: 0, start: 0, z: [] };

  // The parts.
  const choices = group("Which model", models.map(({ name }) => name), (m) => { state.model = m; begin(); });
  const starts = group("Which image to start from", names, (s) => { state.start = s; begin(); });
  const decoded = element("canvas", { class: "ae-decoded ae-frame", role: "img" });
  const sliders = element("div", { class: "ae-sliders" });
  const top = element("div", {}, choices, starts, element("div", { class: "ae-columns" }, decoded, sliders),
    element("p", { class: "ae-muted" }, "Every slider is one number of the code; the pictures under it show its way with the other numbers held where they are."));
  root.querySelector("style").after(top);
  const say = announcer(root);

  function group(label, texts, choose) {
    const node = element("div", { class: "ae-choices", role: "group", "aria-label": label });
    texts.forEach((text, i) => {
      const button = element("button", { type: "button" }, text);
      button.addEventListener("click", () => choose(i));
      node.append(button);
    });
    return node;
  }

  // A model and an image are chosen: their sliders, at the image's code.
  function begin() {
    const { order, start } = nets[state.model], { kl } = models[state.model];
    state.z = start(state.start);
    sliders.replaceChildren(...order.map((j, place) => {
      const slider = element("input", { type: "range", min: -extent, max: extent, step: 0.01,
        "aria-label": `Latent ${place + 1}, ${number(kl[j], 1)} nats` });
      slider.value = state.z[j];
      slider.addEventListener("input", () => { state.z[j] = Number(slider.value); draw(); });
      return element("div", { class: kl[j] < 0.1 ? "ae-latent ae-silent" : "ae-latent" },
        element("p", {}, `latent ${place + 1}`, element("br"), element("span", { class: "ae-muted" }, `${number(kl[j], 1)} nats`)),
        slider, element("canvas", { class: "ae-strip", "aria-hidden": "true" }));
    }));
    draw();
  }

  function draw() {
    const { decode, order } = nets[state.model], theme = colors(root);
    const image = picture(decode(state.z), shape, theme);
    [decoded.width, decoded.height] = [width, height];
    decoded.getContext("2d").drawImage(image, 0, 0);
    decoded.setAttribute("aria-label", `Image decoded by ${models[state.model].name}`);
    order.forEach((j, place) => {
      const row = sliders.children[place], strip = row.querySelector("canvas"), context = strip.getContext("2d");
      [strip.width, strip.height] = [steps * (width + gap) - gap, height];
      for (let s = 0; s < steps; s++) {
        const z = [...state.z];
        z[j] = extent * (2 * s / (steps - 1) - 1);
        context.drawImage(picture(decode(z), shape, theme), s * (width + gap), 0);
      }
      row.querySelector("input").setAttribute("aria-valuetext", number(state.z[j]));
    });
    [...choices.children].forEach((node, m) => node.setAttribute("aria-pressed", m === state.model));
    [...starts.children].forEach((node, s) => node.setAttribute("aria-pressed", s === state.start));
    say(`${models[state.model].name}, started from ${names[state.start]}; code ${order.map((j) => number(state.z[j], 1)).join(", ")}`);
  }

  begin();
  root.aecourse = { decode: (m, z) => nets[m].decode(z), get z() { return [...state.z]; }, get model() { return state.model; } };
  redraw(root, draw);
}
