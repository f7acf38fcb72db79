// Two estimators of d/dmu E[z^2] for z = mu + sigma eps: the draws, and what their running averages come to.
function build(root, { mu, sigma, draws, seed, limits, most }) {
  let draw_one = normals(uniforms(seed)), eps = [], baseline = false, frame = 0;
  const estimators = [
    { name: "pathwise", formula: "2z", of: (e, z) => 2 * z, variance: () => 4 * sigma ** 2 },
    { name: "score function", formula: "z²ε/σ", of: (e, z) => (z * z - level()) * e / sigma,
      variance: () => baseline ? 8 * mu ** 2 + 10 * sigma ** 2 : mu ** 4 / sigma ** 2 + 14 * mu ** 2 + 15 * sigma ** 2 },
  ];
  const level = () => baseline ? mu ** 2 + sigma ** 2 : 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const BURST = 500, FIRST = 10, SHOWN = 24;

  // The parts.
  const sliders = { mu: slider("µ", "mu", mu, 0.1), sigma: slider("σ", "sigma", sigma, 0.05) };
  const dots = element("svg", { role: "img" }), chart = element("svg", { role: "img" });
  const last = element("p", { class: "ae-last" });
  const button = (text, action) => {
    const node = element("button", { type: "button" }, text);
    node.addEventListener("click", action);
    return node;
  };
  const run = button("Run", toggle), one = button("One draw", () => { pause(); step(1); }),
    over = button("Start over", () => reset((seed + 1) >>> 0));
  const box = element("input", { type: "checkbox" });
  const table = element("tbody");
  const top = element("div", {},
    element("div", { class: "ae-sliders" }, sliders.mu.node, sliders.sigma.node), dots, last,
    element("div", { class: "ae-buttons", role: "group", "aria-label": "Draws" }, run, one, over,
      element("label", {}, box, "subtract the baseline E[z²]")),
    chart,
    element("table", {}, element("thead", {}, element("tr", {},
      ...["estimator", "average ± error", "variance (formula)"].map((text) => element("th", { scope: "col" }, text)))), table));
  root.querySelector("style").after(top);
  const say = announcer(root);

  function slider(sign, name, value, step) {
    const input = element("input", { type: "range", min: limits[name][0], max: limits[name][1], step, "aria-label": name });
    const shown = element("b");
    input.value = value;
    input.addEventListener("input", () => { [mu, sigma] = [sliders.mu, sliders.sigma].map((part) => Number(part.input.value)); draw(); });
    return { input, shown, node: element("label", {}, element("span", {}, `${sign} = `, shown), input) };
  }

  // Running averages over the draws so far: the last ones, and the trail of places where they are drawn.
  function averages() {
    const sums = estimators.map(() => ({ mean: 0, square: 0 })), trail = [];
    let next = FIRST;
    eps.forEach((e, i) => {
      const n = i + 1, z = mu + sigma * e;
      estimators.forEach((estimator, k) => { // Welford's algorithm
        const sum = sums[k], value = estimator.of(e, z), off = value - sum.mean;
        sum.mean += off / n;
        sum.square += off * (value - sum.mean);
      });
      if (n < FIRST || n < next && n < eps.length) return;
      trail.push({ n, parts: sums.map(summary(n)) });
      next = Math.max(next + 1, next * 1.02);
    });
    return { trail, now: sums.map(summary(eps.length)) };
  }

  const summary = (n) => ({ mean, square }) => {
    const variance = n > 1 ? square / (n - 1) : NaN;
    return { mean: n ? mean : NaN, variance, error: Math.sqrt(variance / n) };
  };

  function draw() {
    const theme = colors(root), ink = palette(theme.dark), { trail, now } = averages();
    sliders.mu.shown.textContent = number(mu, 1);
    sliders.sigma.shown.textContent = number(sigma, 2);
    for (const { input, shown } of Object.values(sliders)) input.setAttribute("aria-valuetext", shown.textContent);
    drawDots();
    drawChart(trail, ink);
    table.replaceChildren(...estimators.map(({ name, variance }, k) => element("tr", {},
      element("th", { scope: "row" }, mark(ink[k]), k && baseline ? `${name}, baseline` : name),
      element("td", {}, eps.length > 1 ? `${tidy(now[k].mean)} ± ${tidy(now[k].error)}` : "\u2013"),
      element("td", {}, `${eps.length > 1 ? tidy(now[k].variance) : "\u2013"} (${tidy(variance())})`))));
    run.textContent = frame ? "Pause" : eps.length >= most ? "Run again" : calm.matches ? `Add ${BURST} draws` : "Run";
    if (!frame) say(`${eps.length} draws, derivative ${number(2 * mu, 1)}. ` + estimators.map(({ name }, k) =>
      `${name} ${tidy(now[k].mean)} plus or minus ${tidy(now[k].error)}`).join(", "));
  }

  function mark(color) {
    const swatch = element("span", { class: "ae-swatch" });
    swatch.style.background = color;
    return swatch;
  }

  // Three significant digits.
  const tidy = (x) => !Number.isFinite(x) ? "\u2013" : number(x, Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(x) || 1)))));

  function drawDots() {
    const wide = top.clientWidth, high = 132, reach = 9.2, left = 20, above = 30, below = 96;
    const x = (value) => left + (wide - left) * (value + reach) / (2 * reach);
    const line = (attributes) => element("line", { stroke: "var(--ae-line)", ...attributes });
    dots.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    dots.setAttribute("height", high);
    dots.setAttribute("aria-label", `The last ${Math.min(SHOWN, eps.length)} draws: eps above, around 0, and z below, around ${number(mu, 1)}`);
    dots.replaceChildren(
      line({ x1: left, x2: wide, y1: above, y2: above }), line({ x1: left, x2: wide, y1: below, y2: below }),
      element("text", { x: 0, y: above + 4 }, "ε"), element("text", { x: 0, y: below + 4 }, "z"));
    for (let tick = -8; tick <= 8; tick += 2) dots.append(
      element("text", { x: x(tick), y: high - 8, "text-anchor": "middle" }, number(tick, 0)),
      line({ x1: x(tick), x2: x(tick), y1: below, y2: below + 5 }));
    const recent = eps.slice(-SHOWN);
    recent.forEach((e, i) => {
      const newest = i === recent.length - 1, z = mu + sigma * e, color = newest ? "var(--ae-text)" : "var(--ae-accent)";
      dots.append(
        element("line", { x1: x(e), x2: x(z), y1: above, y2: below, stroke: color, "stroke-width": newest ? 2 : 1, "stroke-opacity": newest ? 1 : 0.35 }),
        ...[[e, above], [z, below]].map(([value, y]) => element("circle", { cx: x(value), cy: y, r: newest ? 5 : 4, fill: color,
          "fill-opacity": newest ? 1 : 0.6, class: "ae-dot" })));
    });
    const e = eps.at(-1), z = mu + sigma * e;
    last.textContent = eps.length ? `Draw ${eps.length}: ε = ${number(e)} becomes z = ${number(z)}. Estimates: `
      + estimators.map(({ name, of }) => `${name} ${number(of(e, z))}`).join(", ") + "." : "No draw yet.";
  }

  function drawChart(trail, ink) {
    const wide = top.clientWidth, high = 250, left = 44, right = 10, above = 24, below = 38, truth = 2 * mu;
    const half = 2.4 * Math.sqrt(Math.max(...estimators.map(({ variance }) => variance())) / FIRST);
    const x = (n) => left + (wide - left - right) * Math.log(n / FIRST) / Math.log(most / FIRST);
    const y = (value) => above + (high - above - below) * Math.min(Math.max((truth + half - value) / (2 * half), 0), 1);
    chart.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    chart.setAttribute("height", high);
    chart.setAttribute("aria-label", `Running averages of both estimators against the number of draws, up to ${eps.length}; the figures stand in the table below`);
    chart.replaceChildren(
      element("text", { x: 0, y: 12 }, "average, with two standard errors to either side"),
      element("text", { x: (wide + left - right) / 2, y: high - 4, "text-anchor": "middle" }, "draws averaged"));
    for (let n = FIRST; n <= most; n *= 10) chart.append(
      element("line", { x1: x(n), x2: x(n), y1: above, y2: high - below, stroke: "var(--ae-line)", "stroke-width": 0.5 }),
      element("text", { x: x(n), y: high - below + 16, "text-anchor": n === most ? "end" : "middle" }, n.toLocaleString("en")));
    const power = 10 ** Math.floor(Math.log10(half / 2)), step = power * [1, 2, 5].findLast((factor) => factor * power <= half / 2);
    for (let i = Math.ceil((truth - half) / step); i * step <= truth + half; i++) {
      if (Math.abs(y(i * step) - y(truth)) > 12) chart.append(
        element("text", { x: left - 6, y: y(i * step) + 4, "text-anchor": "end" }, number(i * step, step < 1 ? 1 : 0)));
    }
    estimators.map((estimator, k) => k).reverse().forEach((k) => {
      if (!trail.length) return;
      const at = (value) => ({ n, parts }) => `${x(n)} ${y(value(parts[k]))}`;
      const upper = trail.map(at(({ mean, error }) => mean + 2 * error)), lower = trail.map(at(({ mean, error }) => mean - 2 * error));
      chart.append(
        element("path", { d: `M${[...upper, ...lower.reverse()].join("L")}Z`, fill: ink[k], "fill-opacity": 0.2, stroke: ink[k], "stroke-width": 0.6 }),
        element("path", { d: `M${trail.map(at(({ mean }) => mean)).join("L")}`, fill: "none", stroke: ink[k], "stroke-width": 2.2,
          "stroke-dasharray": k ? "7 4" : "none" }));
    });
    chart.append(
      element("line", { x1: left, x2: wide - right, y1: y(truth), y2: y(truth), stroke: "var(--ae-text)", "stroke-width": 1.5, "stroke-dasharray": "2 4" }),
      element("text", { x: left - 6, y: y(truth) + 4, "text-anchor": "end", class: "ae-truth" }, number(truth, 1)));
  }

  // Draws: one, many, or as many per frame as let the curve move at an even pace.
  function step(count) {
    for (let i = 0; i < count && eps.length < most; i++) eps.push(draw_one());
    draw();
  }

  function toggle() {
    if (frame) { pause(); draw(); return; }
    if (eps.length >= most) reset((seed + 1) >>> 0);
    if (calm.matches) { step(BURST); return; }
    frame = requestAnimationFrame(advance);
    draw();
  }

  function advance() {
    frame = eps.length < most ? requestAnimationFrame(advance) : 0;
    if (eps.length < most) step(Math.max(1, Math.round(eps.length * 0.02)));
    else draw();
  }

  function pause() {
    cancelAnimationFrame(frame);
    frame = 0;
  }

  function reset(next) {
    pause();
    [seed, draw_one, eps] = [next, normals(uniforms(next)), []];
    draw();
  }

  box.addEventListener("change", () => { baseline = box.checked; draw(); });
  root.aecourse = {
    step, reset,
    get running() { return frame !== 0; },
    get eps() { return [...eps]; },
    get state() {
      const { now } = averages();
      return { mu, sigma, baseline, draws: eps.length, truth: 2 * mu,
        estimators: estimators.map(({ name, variance }, k) => ({ name, ...now[k], formula: variance() })) };
    },
  };
  for (let i = 0; i < draws; i++) eps.push(draw_one());
  redraw(root, draw);
}
