import { slider, tick, tryThis } from "../../page/controls.js";
import { captioned, chart, colors, element, fill, greys, line, number, palette, parted, path, redraw, strip, svg, swatch, tidy, words } from "../../page/runtime.js";

// A slider over code sizes: originals, reconstructions, and the curve of error against size.
export function build(root, { originals, shape: [count, height, width], sizes, models, unit, labels }) {
  const pixels = height * width, shape = [height, width];
  const truth = greys(originals), made = models.map((model) => parted(greys(model.images), count * pixels)); // of each size

  // The parts.
  const size = slider("Through a code of ", { low: 0, high: sizes.length - 1, step: 1, name: "Code size",
    text: (i) => `${sizes[i]} number${sizes[i] === 1 ? "" : "s"}` }, draw);
  const lost = tick("show what is lost instead: |original \u2212 reconstruction|", draw);
  const first = captioned("Originals");
  const rows = models.map(({ name }) => {
    const dot = swatch(), figure = element("b");
    return { dot, figure, ...captioned(dot, name, figure, element("span", { class: "ae-muted" }, unit)) };
  });
  const curves = svg("svg", { role: "img", class: "ae-chart" });
  const top = element("div", {}, size,
    element("div", { class: "ae-ticks ae-muted", "aria-hidden": "true" }, ...sizes.map((s) => element("span", {}, `${s}`))),
    first, ...rows, lost, curves);
  const say = fill(root, tryThis("move the slider to its left end and look for digits that have become another. Then move it up: at which size is each itself again?"), top);

  const error = (model, index) => number(model.errors[index], model.errors[index] < 10 ? 2 : 1);

  function draw() {
    const index = size.value, said = size.shown.textContent, theme = colors(root), ink = palette(theme.dark);
    strip(first.canvas, parted(truth, pixels), shape, theme);
    first.canvas.setAttribute("aria-label", labels ? `Originals: ${labels.join(", ")}` : `${count} original images`);
    rows.forEach((part, m) => {
      const images = made[m][index];
      strip(part.canvas, parted(lost.value ? images.map((value, i) => Math.abs(truth[i] - value)) : images, pixels), shape, theme);
      part.canvas.setAttribute("aria-label", `${lost.value ? "What is lost by" : "Reconstructions by"} ${models[m].name}, code of ${said}`);
      part.dot.style.background = ink[m];
      part.figure.textContent = error(models[m], index);
    });
    curve(index, ink);
    say(`Code of ${said}: ${models.map((model) => `${model.name} ${error(model, index)}`).join(", ")} ${unit}`);
  }

  function curve(index, ink) {
    const wide = top.clientWidth, high = 190, left = 40, right = 12, above = 26, below = 38;
    const highest = Math.max(...models.flatMap((model) => model.errors));
    const x = (s) => left + (wide - left - right) * Math.log2(s / sizes[0]) / Math.log2(sizes.at(-1) / sizes[0]);
    const y = (e) => high - below - (high - above - below) * e / highest;
    chart(curves, wide, high, `Curves of ${unit} against code size, falling from `
      + models.map((model) => `${error(model, 0)} to ${error(model, sizes.length - 1)} for ${model.name}`).join(" and from "),
      words(0, 12, unit), words((wide + left - right) / 2, high - 4, "numbers in the code", { "text-anchor": "middle" }));
    for (let level = 0; level <= highest * 1.001; level += tidy(highest / 5)) curves.append(
      line(left, y(level), wide - right, y(level), { "stroke-width": level ? 0.5 : 1 }),
      words(left - 6, y(level) + 4, `${Number(level.toPrecision(3))}`, { "text-anchor": "end" }));
    curves.append(...sizes.map((s) => words(x(s), high - below + 16, `${s}`, { "text-anchor": "middle" })),
      line(x(sizes[index]), above - 6, x(sizes[index]), high - below, { stroke: "var(--ae-text)", "stroke-width": 1.5 }));
    models.forEach((model, m) => curves.append(
      path(sizes.map((s, i) => [x(s), y(model.errors[i])]), { stroke: ink[m], "stroke-width": 2.5, "stroke-dasharray": ["none", "7 4", "2 3", "9 3 2 3"][m] }),
      ...sizes.map((s, i) => svg("circle", { cx: x(s), cy: y(model.errors[i]), r: i === index ? 6 : 3, fill: ink[m], stroke: "var(--ae-paper)", "stroke-width": i === index ? 2 : 0 }))));
  }

  root.aecourse = { get size() { return sizes[size.value]; } };
  redraw(root, draw);
}
