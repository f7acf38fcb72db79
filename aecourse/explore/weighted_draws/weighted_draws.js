import { button, group, pointing, slider, tryThis } from "../../page/controls.js";
import { chart, clamp, colors, element, fill, line, normals, number, palette, path, redraw, svg, tidy, uniforms, words } from "../../page/runtime.js";

// K weighted draws from a Gaussian q, where p(x) and the posterior are known: z ~ N(0, 1), x = ±slope z + noise.
export function build(root, { mu, sigma, K, x, slope, noise, draws, seed, limits, presets }) {
  const eps = Array.from({ length: draws }, normals(uniforms(seed))), reach = 4, KS = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 80, 100];
  let batch = 0;

  // What is known.
  const total = slope ** 2 + noise ** 2, spread = 1 / (1 + (slope / noise) ** 2), hump = spread * slope * x / noise ** 2;
  const truth = -0.5 * (x * x / total + Math.log(2 * Math.PI * total));
  const gaussian = (z, mean, variance) => Math.exp(-0.5 * (z - mean) ** 2 / variance) / Math.sqrt(2 * Math.PI * variance);
  const posterior = (z) => 0.5 * (gaussian(z, hump, spread) + gaussian(z, -hump, spread));

  // log p(z|x) - log q(z) of the draw z = mu + sigma e. Its exponential is the weight, in units of p(x).
  function logRatio(e) {
    const z = mu + sigma * e, far = Math.abs(z) - Math.abs(hump), near = -0.5 * far * far / spread;
    const both = near + Math.log1p(Math.exp(-2 * Math.abs(z * hump) / spread));
    return both - Math.log(2) - 0.5 * Math.log(spread) + 0.5 * e * e + Math.log(sigma);
  }

  // The bound of k draws and how many of them count, averaged over as many groups of k as there are draws for.
  function measure(ratios, k) {
    const groups = Math.floor(ratios.length / k);
    let bound = 0, effective = 0;
    for (let g = 0, i = 0; g < groups; g++) {
      let sum = 0, squares = 0;
      for (let j = 0; j < k; j++, i++) { sum += ratios[i]; squares += ratios[i] ** 2; }
      bound += Math.log(sum / k);
      effective += sum * sum / squares;
    }
    return { bound: truth + bound / groups, effective: effective / groups };
  }

  function everything() {
    const logs = eps.map(logRatio), ratios = Float64Array.from(logs, Math.exp);
    const curve = KS.map((k) => ({ k, ...measure(ratios, k) })), shown = measure(ratios, K), count = Math.floor(draws / K);
    const from = (batch % count) * K, own = [...ratios.slice(from, from + K)], sum = own.reduce((a, b) => a + b, 0);
    return { truth, curve, ...shown, draws: own.map((ratio, i) => ({ z: mu + sigma * eps[from + i], share: ratio / sum })),
      estimate: truth + Math.log(sum / K) };
  }

  // The parts.
  const set = (words, name, value, options) => slider(words, { low: limits[name][0], high: limits[name][1], value, ...options }, () => {
    [mu, sigma, K] = [sliders.mu.value, sliders.sigma.value, Math.round(sliders.K.value)];
    draw();
  });
  const sliders = { mu: set("µ of q = ", "mu", mu, { step: 0.05, name: "mean of q" }), sigma: set("σ of q = ", "sigma", sigma, { step: 0.05, name: "standard deviation of q" }),
    K: set("K = ", "K", K, { log: true, name: "number of draws K", text: (v) => `${Math.round(v)}` }) };
  const scene = svg("svg", { role: "img", class: "ae-chart ae-drag" }), curves = svg("svg", { role: "img", class: "ae-chart" }), said = element("p", { class: "ae-said ae-reading" });
  const top = element("div", {}, element("div", { class: "ae-sliders" }, ...Object.values(sliders)),
    group("Draws and settings", button("Draw again", () => { batch++; draw(); }),
      ...Object.entries(presets).map(([name, place]) => button(name, () => { [mu, sigma, K] = place; show(); }))),
    scene, said, curves);
  const say = fill(root, tryThis("put q on one hump and raise K: does the bound rise? Then make σ wide, and raise K again."), top);

  function show() {
    [sliders.mu.value, sliders.sigma.value, sliders.K.value] = [mu, sigma, K];
    draw();
  }

  function draw() {
    const now = everything(), ink = palette(colors(root).dark);
    drawScene(now, ink);
    drawCurves(now, ink);
    said.textContent = `The bound of ${K} draw${K > 1 ? "s" : ""} lies ${number(truth - now.bound)} nats below log p(x). `
      + `On average ${number(now.effective, 1)} of ${K} draw${K > 1 ? "s" : ""} count${K > 1 ? "" : "s"}.`;
    say(said.textContent);
  }

  function drawScene(now, ink) {
    const wide = top.clientWidth, high = 190, floor = high - 24, tallest = Math.min(Math.max(1.15 * posterior(hump), 1.08 * gaussian(0, 0, sigma * sigma)), 3 * posterior(hump));
    const at = (z) => wide * (z + reach) / (2 * reach), up = (value) => floor - (floor - 20) * Math.min(value / tallest, 1.04);
    const curve = (of) => Array.from({ length: 241 }, (_, i) => -reach + 2 * reach * i / 240).map((z) => [at(z), up(of(z))]);
    chart(scene, wide, high, `The posterior has humps at plus and minus ${number(Math.abs(hump))}; q has mean ${number(mu)} and standard deviation ${number(sigma)}; ${K} draws stand as stems`,
      path([[0, floor], ...curve(posterior), [wide, floor]], { fill: "var(--ae-muted)", "fill-opacity": 0.3 }),
      path(curve((z) => gaussian(z, mu, sigma * sigma)), { stroke: ink[1], "stroke-width": 2.2, "stroke-dasharray": "7 4" }),
      line(0, floor, wide, floor));
    const most = Math.max(...now.draws.map(({ share }) => share));
    for (const { z, share } of now.draws) {
      const tip = floor - (floor - 40) * share / most;
      scene.append(line(at(z), floor, at(z), tip, { stroke: ink[0], "stroke-width": 1.4, class: "ae-stem" }), svg("circle", { cx: at(z), cy: tip, r: 3.5, fill: ink[0] }));
    }
    for (let z = -3; z <= 3; z++) scene.append(words(at(z), high - 8, number(z, 0), { "text-anchor": "middle" }));
    const place = [0, 0.28, 0.57]; // the last is the longest, and a phone is narrow
    [["var(--ae-muted)", "posterior"], [ink[1], "q (drag it)"], [ink[0], "draws, by weight"]].forEach(([color, text], i) => scene.append(
      svg("rect", { x: 2 + place[i] * wide, y: 4, width: 12, height: 8, fill: color, "fill-opacity": i ? 1 : 0.5 }), words(19 + place[i] * wide, 12, text)));
  }

  function drawCurves(now, ink) {
    const wide = top.clientWidth, high = 210, left = 44, right = 14, above = 26, below = 38, low = Math.min(-1, now.curve[0].bound - truth) * 1.08;
    const at = (k) => left + (wide - left - right) * Math.log(k) / Math.log(100), up = (bound) => above + (high - above - below) * (bound - truth) / low;
    chart(curves, wide, high, `The bound rises from ${number(now.curve[0].bound)} with one draw to ${number(now.curve.at(-1).bound)} with 100; log p(x) is ${number(truth)}`,
      words(0, 12, "nats"), words((wide + left - right) / 2, high - 4, "number of draws K", { "text-anchor": "middle" }),
      line(left, up(truth), wide - right, up(truth), { stroke: "var(--ae-text)", "stroke-width": 1.5, "stroke-dasharray": "2 4" }),
      words(wide - right, above - 8, `log p(x) = ${number(truth)}`, { "text-anchor": "end", class: "ae-strong" }));
    for (const k of [1, 2, 5, 10, 20, 50, 100]) curves.append(line(at(k), above, at(k), high - below, { "stroke-width": 0.5 }),
      words(at(k), high - below + 16, String(k), { "text-anchor": "middle" }));
    const step = tidy(-low / 4);
    for (let off = step; off <= -low; off += step) curves.append(line(left, up(truth - off), wide - right, up(truth - off), { "stroke-width": 0.5 }),
      words(left - 6, up(truth - off) + 4, number(truth - off, 1), { "text-anchor": "end" }));
    curves.append(path(now.curve.map(({ k, bound }) => [at(k), up(bound)]), { stroke: ink[0], "stroke-width": 2.2 }),
      svg("circle", { cx: at(K), cy: up(now.bound), r: 5.5, fill: ink[0] }));
  }

  pointing(scene, (x) => { // q follows the pointer
    mu = Math.round(20 * clamp(-reach + 2 * reach * x, ...limits.mu)) / 20;
    show();
  });

  root.aecourse = { eps, get state() { return { mu, sigma, K, ...everything() }; } };
  redraw(root, draw);
}
