import { slider, tryThis } from "../../page/controls.js";
import { captioned, chart, clamp, colors, element, fill, floats, greys, line, number, parted, redraw, strip, svg, unpack, words } from "../../page/runtime.js";

// A linear VAE in closed form: eigenvalues as bars, water up to beta * sigma^2, and images drawn by the dry latents.
export function build(root, { sigma, beta, limits, shape, eigenvalues, rest, components, mean, projections, images, labels }) {
  const pixels = shape[0] * shape[1], count = projections.length, latents = eigenvalues.length, WATER = "#2aa5c9";
  const direction = unpack(components), middle = floats(mean), originals = parted(greys(images), pixels);

  // What is known: nats of each latent, and what is drawn of image n.
  const level = () => beta * sigma ** 2;
  const rate = (value) => Math.max(0, Math.log(value / level()) / 2);
  const lost = (value) => Math.min(value, level());
  function redrawn(n) {
    const image = Float32Array.from(middle);
    eigenvalues.forEach((value, j) => {
      const weight = (1 - lost(value) / value) * projections[n][j];
      if (weight) for (let i = 0; i < pixels; i++) image[i] += weight * direction[j * pixels + i];
    });
    return image;
  }
  const summary = () => ({
    sigma, beta, level: level(), rates: eigenvalues.map(rate), active: eigenvalues.filter((value) => value > level()).length,
    kl: eigenvalues.reduce((sum, value) => sum + rate(value), 0),
    error: eigenvalues.reduce((sum, value) => sum + lost(value), rest),
  });

  // The parts.
  const text = (x) => number(x, x < 0.1 ? 3 : x < 10 ? 2 : 1);
  const ends = (name) => ({ low: limits[name][0], high: limits[name][1], name, text, log: true });
  const sliders = [slider("noise of the decoder, σ = ", { ...ends("sigma"), value: sigma }, (v) => { sigma = v; draw(); }),
    slider("weight of the KL, β = ", { ...ends("beta"), value: beta }, (v) => { beta = v; draw(); })];
  const bars = svg("svg", { role: "img", class: "ae-chart" }), reading = element("p", { class: "ae-reading" });
  const first = captioned("Images"), second = captioned("Redrawn from the mean of their code");
  const top = element("div", {}, element("div", { class: "ae-sliders" }, ...sliders), bars, reading, first, second);
  const say = fill(root, tryThis("raise β until half of the latents are under water. Set it back, and do the same with σ: do the images lose the same?"), top);

  function draw() {
    const theme = colors(root), now = summary();
    drawBars(now);
    const told = `${now.active} of ${latents} latents active, KL ${number(now.kl, 1)} nats, squared error ${number(now.error, 1)} per image`;
    reading.textContent = `${told}.`;
    strip(first.canvas, originals, shape, theme);
    strip(second.canvas, originals.map((_, n) => redrawn(n)), shape, theme);
    first.canvas.setAttribute("aria-label", labels ? `Images: ${labels.join(", ")}` : `${count} images`);
    second.canvas.setAttribute("aria-label", `The same images, redrawn by ${now.active} active latents`);
    say(told);
  }

  function drawBars(now) {
    const wide = top.clientWidth, narrow = wide < 380, left = 44, right = 8, below = 36;
    const above = narrow ? 42 : 26, high = 224 + above, bottom = high - below; // two labels in one line, or one below the other
    const floor = Math.floor(Math.log10(Math.min(...eigenvalues)) * 2 - 2) / 2, ceiling = Math.ceil(Math.log10(eigenvalues[0]) * 2 + 0.2) / 2;
    const y = (value) => above + (bottom - above) * clamp((ceiling - Math.log10(value)) / (ceiling - floor), 0, 1);
    const step = (wide - left - right) / latents, surface = y(now.level);
    chart(bars, wide, high, `Bars of ${latents} eigenvalues, from ${text(eigenvalues[0])} down to ${text(eigenvalues.at(-1))}, `
      + `with water up to ${text(now.level)}: ${now.active} stand above it`,
      words(0, 12, "data variance, logarithmic"),
      words((wide + left - right) / 2, high - 3, "latent, by the variance along its direction", { "text-anchor": "middle" }));
    for (let power = Math.ceil(floor); power <= ceiling; power++) bars.append(
      line(left, y(10 ** power), wide - right, y(10 ** power), { "stroke-width": 0.5 }),
      words(left - 6, y(10 ** power) + 4, `${10 ** power}`.replace(/^(0\.0*1).*/, "$1"), { "text-anchor": "end" }));
    eigenvalues.forEach((value, j) => {
      const x = left + (j + 0.15) * step, bar = { x, width: 0.7 * step, y: y(value) };
      bars.append(svg("rect", { ...bar, height: bottom - y(value), fill: "var(--ae-muted)", "fill-opacity": 0.45 }),
        svg("rect", { ...bar, height: Math.max(0, Math.min(surface, bottom) - y(value)), fill: "var(--ae-accent)", class: "ae-dry" }));
      if (j === 0 || (j + 1) % 4 === 0) bars.append(words(x + 0.35 * step, bottom + 15, `${j + 1}`, { "text-anchor": "middle" }));
    });
    bars.append(
      svg("rect", { x: left, width: wide - left - right, y: surface, height: bottom - surface, fill: WATER, "fill-opacity": 0.28 }),
      line(left, surface, wide - right, surface, { stroke: WATER, "stroke-width": 2 }),
      words(wide - right, narrow ? 28 : 12, `water level βσ² = ${text(now.level)}`, { "text-anchor": "end", class: "ae-strong" }));
  }

  root.aecourse = { redrawn: (n) => [...redrawn(n)], get state() { return summary(); } };
  redraw(root, draw);
}
