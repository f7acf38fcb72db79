// A linear VAE in closed form: eigenvalues as bars, water up to beta * sigma^2, and images drawn by the dry latents.
function build(root, { sigma, beta, limits, shape, eigenvalues, rest, components, mean, projections, images, labels }) {
  const [height, width] = shape, pixels = height * width, count = projections.length, latents = eigenvalues.length;
  const direction = unpack(components), middle = floats(mean);
  const originals = Float32Array.from(bytes(images), (value) => value / 255);

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

  // The parts.
  const sliders = { sigma: slider("noise of the decoder, σ", "sigma", sigma), beta: slider("weight of the KL, β", "beta", beta) };
  const chart = element("svg", { role: "img" });
  const reading = element("p", { class: "ae-reading" });
  const first = row("Images"), second = row("Redrawn from the mean of their code");
  const top = element("div", {},
    element("div", { class: "ae-sliders" }, sliders.sigma.node, sliders.beta.node),
    chart, reading, first.node, second.node);
  root.querySelector("style").after(top);
  const say = announcer(root);

  // Sliders go by equal factors, 1 % a step.
  function slider(text, name, value) {
    const [low, high] = limits[name], shown = element("b");
    const input = element("input", { type: "range", min: Math.round(100 * Math.log(low)), max: Math.round(100 * Math.log(high)), step: 1, "aria-label": name });
    input.value = Math.round(100 * Math.log(value));
    input.addEventListener("input", () => {
      const chosen = Math.exp(input.value / 100);
      if (name === "sigma") sigma = chosen; else beta = chosen;
      draw();
    });
    return { input, shown, node: element("label", {}, element("span", {}, `${text} = `, shown), input) };
  }

  function row(text) {
    const canvas = element("canvas", { role: "img" });
    return { canvas, node: element("div", { class: "ae-row" }, element("p", {}, text), canvas) };
  }

  function strip(canvas, image, theme) { // two pixels apart
    [canvas.width, canvas.height] = [count * (width + 2) - 2, height];
    for (let n = 0; n < count; n++)
      canvas.getContext("2d").drawImage(picture(image(n), shape, theme), n * (width + 2), 0);
  }

  const summary = () => ({
    sigma, beta, level: level(), rates: eigenvalues.map(rate), active: eigenvalues.filter((value) => value > level()).length,
    kl: eigenvalues.reduce((sum, value) => sum + rate(value), 0),
    error: eigenvalues.reduce((sum, value) => sum + lost(value), rest),
  });
  const tidy = (x) => number(x, x < 0.1 ? 3 : x < 10 ? 2 : 1);

  function draw() {
    const theme = colors(root), now = summary();
    for (const [name, { input, shown }] of Object.entries(sliders)) {
      shown.textContent = tidy(now[name]);
      input.setAttribute("aria-valuetext", shown.textContent);
    }
    drawChart(now);
    const told = `${now.active} of ${latents} latents active, KL ${number(now.kl, 1)} nats, squared error ${number(now.error, 1)} per image`;
    reading.textContent = `${told}.`;
    strip(first.canvas, (n) => originals.subarray(n * pixels, (n + 1) * pixels), theme);
    strip(second.canvas, redrawn, theme);
    first.canvas.setAttribute("aria-label", labels ? `Images: ${labels.join(", ")}` : `${count} images`);
    second.canvas.setAttribute("aria-label", `The same images, redrawn by ${now.active} active latents`);
    say(told);
  }

  function drawChart(now) {
    const wide = top.clientWidth, narrow = wide < 380, left = 44, right = 8, below = 36;
    const above = narrow ? 42 : 26, high = 224 + above; // two labels in one line, or one below the other
    const floor = Math.floor(Math.log10(Math.min(...eigenvalues)) * 2 - 2) / 2, ceiling = Math.ceil(Math.log10(eigenvalues[0]) * 2 + 0.2) / 2;
    const y = (value) => above + (high - above - below) * Math.min(Math.max((ceiling - Math.log10(value)) / (ceiling - floor), 0), 1);
    const step = (wide - left - right) / latents, bottom = high - below, surface = y(now.level);
    chart.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    chart.setAttribute("height", high);
    chart.setAttribute("aria-label", `Bars of ${latents} eigenvalues, from ${tidy(eigenvalues[0])} down to ${tidy(eigenvalues.at(-1))}, `
      + `with water up to ${tidy(now.level)}: ${now.active} stand above it`);
    chart.replaceChildren(
      element("text", { x: 0, y: 12 }, "data variance, logarithmic"),
      element("text", { x: (wide + left - right) / 2, y: high - 3, "text-anchor": "middle" }, "latent, by the variance along its direction"));
    for (let power = Math.ceil(floor); power <= ceiling; power++) chart.append(
      element("line", { x1: left, x2: wide - right, y1: y(10 ** power), y2: y(10 ** power), stroke: "var(--ae-line)", "stroke-width": 0.5 }),
      element("text", { x: left - 6, y: y(10 ** power) + 4, "text-anchor": "end" }, `${10 ** power}`.replace(/^(0\.0*1).*/, "$1")));
    eigenvalues.forEach((value, j) => {
      const x = left + (j + 0.15) * step, dry = Math.max(0, Math.min(surface, bottom) - y(value));
      chart.append(
        element("rect", { x, width: 0.7 * step, y: y(value), height: bottom - y(value), fill: "var(--ae-muted)", "fill-opacity": 0.45 }),
        element("rect", { x, width: 0.7 * step, y: y(value), height: dry, fill: "var(--ae-accent)", class: "ae-dry" }));
      if (j === 0 || (j + 1) % 4 === 0) chart.append(element("text", { x: x + 0.35 * step, y: bottom + 15, "text-anchor": "middle" }, `${j + 1}`));
    });
    const label = `water level βσ² = ${tidy(now.level)}`;
    chart.append(
      element("rect", { x: left, width: wide - left - right, y: surface, height: bottom - surface, fill: "#2aa5c9", "fill-opacity": 0.28 }),
      element("line", { x1: left, x2: wide - right, y1: surface, y2: surface, stroke: "#2aa5c9", "stroke-width": 2 }),
      element("text", { x: wide - right, y: narrow ? 28 : 12, "text-anchor": "end", class: "ae-level" }, label));
  }

  root.aecourse = { redrawn: (n) => [...redrawn(n)], get state() { return summary(); } };
  redraw(root, draw);
}
