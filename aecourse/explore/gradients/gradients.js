import { button, group, play, slider, tick, tryThis } from "../../page/controls.js";
import { calm, chart, clamp, colors, element, fill, line, normals, number, palette, path, redraw, svg, swatch, tidy, uniforms, words } from "../../page/runtime.js";

// Two estimators of d/dmu E[z^2] for z = mu + sigma eps: the draws, and what their running averages come to.
export function build(root, { mu, sigma, draws, seed, limits, most }) {
  let draw_one = normals(uniforms(seed)), eps = [], baseline = false;
  const estimators = [
    { name: "pathwise", formula: "2z", of: (e, z) => 2 * z, variance: () => 4 * sigma ** 2 },
    { name: "score function", formula: "z²ε/σ", of: (e, z) => (z * z - level()) * e / sigma,
      variance: () => baseline ? 8 * mu ** 2 + 10 * sigma ** 2 : mu ** 4 / sigma ** 2 + 14 * mu ** 2 + 15 * sigma ** 2 },
  ];
  const level = () => baseline ? mu ** 2 + sigma ** 2 : 0;
  const BURST = 500, FIRST = 10, SHOWN = 24;

  // The parts.
  const set = (name, sign, step, digits) => slider(`${sign} = `, { low: limits[name][0], high: limits[name][1], step, value: { mu, sigma }[name], name,
    text: (v) => number(v, digits) }, () => { [mu, sigma] = sliders.map((part) => part.value); draw(); });
  const sliders = [set("mu", "µ", 0.1, 1), set("sigma", "σ", 0.05, 2)];
  const dots = svg("svg", { role: "img", class: "ae-chart" }), curves = svg("svg", { role: "img", class: "ae-chart" });
  const last = element("p", { class: "ae-last ae-reading" }), table = element("tbody");
  const run = play(() => { afresh(); step(Math.max(1, Math.round(eps.length * 0.02))); return eps.length < most; }, {
    changed: draw, step: () => { afresh(); step(BURST); },
    label: (running) => running ? "Pause" : eps.length >= most ? "Run again" : calm.matches ? `Add ${BURST} draws` : "Run",
  });
  const top = element("div", {}, element("div", { class: "ae-sliders" }, ...sliders), dots, last,
    group("Draws", run, button("One draw", () => { run.stop(); step(1); }), button("Start over", () => reset((seed + 1) >>> 0)),
      tick("subtract the baseline E[z²]", (on) => { baseline = on; draw(); })),
    curves,
    element("table", {}, element("thead", {}, element("tr", {},
      ...["estimator", "average ± error", "variance (formula)"].map((text) => element("th", { scope: "col" }, text)))), table));
  const say = fill(root, tryThis("move µ and σ: ε stays where it is, and z follows. Then press Run: whose average settles first?"), top);

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
    drawDots();
    drawCurves(trail, ink);
    table.replaceChildren(...estimators.map(({ name, variance }, k) => element("tr", {},
      element("th", { scope: "row" }, swatch(ink[k]), k && baseline ? `${name}, baseline` : name),
      element("td", {}, eps.length > 1 ? `${short(now[k].mean)} ± ${short(now[k].error)}` : "\u2013"),
      element("td", {}, `${eps.length > 1 ? short(now[k].variance) : "\u2013"} (${short(variance())})`))));
    run.write();
    if (!run.running) say(`${eps.length} draws, derivative ${number(2 * mu, 1)}. ` + estimators.map(({ name }, k) =>
      `${name} ${short(now[k].mean)} plus or minus ${short(now[k].error)}`).join(", "));
  }

  // Three significant digits.
  const short = (x) => !Number.isFinite(x) ? "\u2013" : number(x, clamp(2 - Math.floor(Math.log10(Math.abs(x) || 1)), 0, 3));

  function drawDots() {
    const wide = top.clientWidth, high = 132, reach = 9.2, left = 20, above = 30, below = 96;
    const x = (value) => left + (wide - left) * (value + reach) / (2 * reach);
    chart(dots, wide, high, `The last ${Math.min(SHOWN, eps.length)} draws: eps above, around 0, and z below, around ${number(mu, 1)}`,
      line(left, above, wide, above), line(left, below, wide, below), words(0, above + 4, "ε"), words(0, below + 4, "z"));
    for (let at = -8; at <= 8; at += 2) dots.append(
      words(x(at), high - 8, number(at, 0), { "text-anchor": "middle" }), line(x(at), below, x(at), below + 5));
    const recent = eps.slice(-SHOWN);
    recent.forEach((e, i) => {
      const newest = i === recent.length - 1, z = mu + sigma * e, color = newest ? "var(--ae-text)" : "var(--ae-accent)";
      dots.append(
        line(x(e), above, x(z), below, { stroke: color, "stroke-width": newest ? 2 : 1, "stroke-opacity": newest ? 1 : 0.35 }),
        ...[[e, above], [z, below]].map(([value, y]) => svg("circle", { cx: x(value), cy: y, r: newest ? 5 : 4, fill: color,
          "fill-opacity": newest ? 1 : 0.6, class: "ae-dot" })));
    });
    const e = eps.at(-1), z = mu + sigma * e;
    last.textContent = eps.length ? `Draw ${eps.length}: ε = ${number(e)} becomes z = ${number(z)}. Estimates: `
      + estimators.map(({ name, of }) => `${name} ${number(of(e, z))}`).join(", ") + "." : "No draw yet.";
  }

  function drawCurves(trail, ink) {
    const wide = top.clientWidth, high = 250, left = 44, right = 10, above = 24, below = 38, truth = 2 * mu;
    const half = 2.4 * Math.sqrt(Math.max(...estimators.map(({ variance }) => variance())) / FIRST);
    const x = (n) => left + (wide - left - right) * Math.log(n / FIRST) / Math.log(most / FIRST);
    const y = (value) => above + (high - above - below) * clamp((truth + half - value) / (2 * half), 0, 1);
    chart(curves, wide, high, `Running averages of both estimators against the number of draws, up to ${eps.length}; the figures stand in the table below`,
      words(0, 12, "average, with two standard errors to either side"),
      words((wide + left - right) / 2, high - 4, "draws averaged", { "text-anchor": "middle" }));
    for (let n = FIRST; n <= most; n *= 10) curves.append(
      line(x(n), above, x(n), high - below, { "stroke-width": 0.5 }),
      words(x(n), high - below + 16, n.toLocaleString("en"), { "text-anchor": n === most ? "end" : "middle" }));
    const apart = tidy(half / 4);
    for (let i = Math.ceil((truth - half) / apart); i * apart <= truth + half; i++) {
      if (Math.abs(y(i * apart) - y(truth)) > 12) curves.append(words(left - 6, y(i * apart) + 4, number(i * apart, apart < 1 ? 1 : 0), { "text-anchor": "end" }));
    }
    if (trail.length) estimators.map((_, k) => k).reverse().forEach((k) => {
      const at = (value) => trail.map(({ n, parts }) => [x(n), y(value(parts[k]))]);
      const upper = at(({ mean, error }) => mean + 2 * error), lower = at(({ mean, error }) => mean - 2 * error);
      curves.append(path([...upper, ...lower.reverse()], { fill: ink[k], "fill-opacity": 0.2, stroke: ink[k], "stroke-width": 0.6 }),
        path(at(({ mean }) => mean), { stroke: ink[k], "stroke-width": 2.2, "stroke-dasharray": k ? "7 4" : "none" }));
    });
    curves.append(
      line(left, y(truth), wide - right, y(truth), { stroke: "var(--ae-text)", "stroke-width": 1.5, "stroke-dasharray": "2 4" }),
      words(left - 6, y(truth) + 4, number(truth, 1), { "text-anchor": "end", class: "ae-strong" }));
  }

  function step(count) {
    for (let i = 0; i < count && eps.length < most; i++) eps.push(draw_one());
    draw();
  }

  function reset(next) {
    run.stop();
    [seed, draw_one, eps] = [next, normals(uniforms(next)), []];
    draw();
  }

  const afresh = () => { if (eps.length >= most) [seed, draw_one, eps] = [(seed + 1) >>> 0, normals(uniforms((seed + 1) >>> 0)), []]; };

  root.aecourse = {
    step, reset,
    get running() { return run.running; },
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
