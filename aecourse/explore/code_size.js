// A slider over code sizes: originals, reconstructions, and the curve of error against size.
function build(root, { originals, shape: [count, height, width], sizes, models, unit, labels }) {
  const pixels = height * width;
  const unit8 = (base64) => Float32Array.from(bytes(base64), (value) => value / 255);
  const truth = unit8(originals);
  const made = models.map((model) => unit8(model.images)); // [size, image, pixel], flat

  // The parts.
  const size = element("span", { class: "ae-size" });
  const slider = element("input", { type: "range", min: 0, max: sizes.length - 1, step: 1, "aria-label": "Code size" });
  slider.value = 0;
  const lost = element("input", { type: "checkbox" });
  const first = row("Originals");
  const rows = models.map(modelRow);
  const chart = element("svg", { role: "img" });
  const top = element("div", {},
    element("div", { class: "ae-slider" }, "Through a code of ", size, slider,
      element("div", { class: "ae-ticks ae-muted", "aria-hidden": "true" }, ...sizes.map((s) => element("span", {}, `${s}`)))),
    first.node, ...rows.map((part) => part.node),
    element("label", { class: "ae-lost" }, lost, "show what is lost instead: |original \u2212 reconstruction|"),
    chart);
  root.querySelector("style").after(top);
  const say = announcer(root);

  function row(...heading) {
    const canvas = element("canvas", { role: "img" });
    return { canvas, node: element("div", { class: "ae-row" }, element("p", {}, ...heading), canvas) };
  }

  function modelRow({ name }) {
    const swatch = element("span", { class: "ae-swatch" }), figure = element("b");
    return { swatch, figure, ...row(swatch, name, figure, element("span", { class: "ae-muted" }, unit)) };
  }

  // A row of images in one canvas, two pixels apart.
  function strip(canvas, values, theme) {
    [canvas.width, canvas.height] = [count * (width + 2) - 2, height];
    for (let n = 0; n < count; n++)
      canvas.getContext("2d").drawImage(
        picture(values.subarray(n * pixels, (n + 1) * pixels), [height, width], theme), n * (width + 2), 0);
  }

  const error = (model, index) => number(model.errors[index], model.errors[index] < 10 ? 2 : 1);

  function draw() {
    const index = Number(slider.value), theme = colors(root), ink = palette(theme.dark);
    size.textContent = `${sizes[index]} number${sizes[index] === 1 ? "" : "s"}`;
    slider.setAttribute("aria-valuetext", size.textContent);

    strip(first.canvas, truth, theme);
    first.canvas.setAttribute("aria-label", labels ? `Originals: ${labels.join(", ")}` : `${count} original images`);
    rows.forEach((part, m) => {
      const images = made[m].subarray(index * count * pixels, (index + 1) * count * pixels);
      strip(part.canvas, lost.checked ? images.map((value, i) => Math.abs(truth[i] - value)) : images, theme);
      part.canvas.setAttribute("aria-label",
        `${lost.checked ? "What is lost by" : "Reconstructions by"} ${models[m].name}, code of ${size.textContent}`);
      part.swatch.style.background = ink[m];
      part.figure.textContent = error(models[m], index);
    });
    curve(index, ink);
    say(`Code of ${size.textContent}: ${models.map((model) => `${model.name} ${error(model, index)}`).join(", ")} ${unit}`);
  }

  function curve(index, ink) {
    const wide = top.clientWidth, high = 190, left = 40, right = 12, above = 26, below = 38;
    const highest = Math.max(...models.flatMap((model) => model.errors));
    const span = Math.log2(sizes.at(-1) / sizes[0]);
    const x = (s) => left + (wide - left - right) * Math.log2(s / sizes[0]) / span;
    const y = (e) => high - below - (high - above - below) * e / highest;
    const step = tidy(highest / 5);

    chart.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    chart.setAttribute("height", high);
    chart.setAttribute("aria-label", `Curves of ${unit} against code size, falling from `
      + models.map((model) => `${error(model, 0)} to ${error(model, sizes.length - 1)} for ${model.name}`).join(" and from "));
    chart.replaceChildren(
      element("text", { x: 0, y: 12 }, unit),
      element("text", { x: (wide + left - right) / 2, y: high - 4, "text-anchor": "middle" }, "numbers in the code"));
    for (let level = 0; level <= highest * 1.001; level += step) chart.append(
      element("line", { x1: left, x2: wide - right, y1: y(level), y2: y(level), stroke: "var(--ae-line)", "stroke-width": level ? 0.5 : 1 }),
      element("text", { x: left - 6, y: y(level) + 4, "text-anchor": "end" }, `${Number(level.toPrecision(3))}`));
    for (const s of sizes) chart.append(
      element("text", { x: x(s), y: high - below + 16, "text-anchor": "middle" }, `${s}`));
    chart.append(element("line", {
      x1: x(sizes[index]), x2: x(sizes[index]), y1: above - 6, y2: high - below, stroke: "var(--ae-text)", "stroke-width": 1.5 }));
    models.forEach((model, m) => {
      chart.append(element("path", {
        d: "M" + sizes.map((s, i) => `${x(s)} ${y(model.errors[i])}`).join("L"),
        fill: "none", stroke: ink[m], "stroke-width": 2.5, "stroke-dasharray": ["none", "7 4", "2 3", "9 3 2 3"][m] }));
      sizes.forEach((s, i) => chart.append(element("circle", {
        cx: x(s), cy: y(model.errors[i]), r: i === index ? 6 : 3, fill: ink[m], stroke: "var(--ae-paper)", "stroke-width": i === index ? 2 : 0 })));
    });
  }

  // The nearest of 1, 2 and 5 times a power of ten, for the lines of the chart.
  function tidy(value) {
    const power = 10 ** Math.floor(Math.log10(value || 1));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= value * 0.999);
  }

  slider.addEventListener("input", draw);
  lost.addEventListener("change", draw);
  root.aecourse = { get size() { return sizes[slider.value]; } };
  redraw(root, draw);
}
