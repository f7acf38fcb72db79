// K weighted draws from a Gaussian q, where p(x) and the posterior are known: z ~ N(0, 1), x = ±slope z + noise.
function build(root, { mu, sigma, K, x, slope, noise, draws, seed, limits, presets }) {
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
  const sliders = { mu: slider("µ of q", "mean of q", mu, 0.05, limits.mu), sigma: slider("σ of q", "standard deviation of q", sigma, 0.05, limits.sigma),
    K: slider("K", "number of draws K", Math.round(100 * Math.log(K) / Math.log(limits.K[1])), 1, [0, 100]) };
  const scene = element("svg", { role: "img", class: "ae-drag" }), chart = element("svg", { role: "img" }), said = element("p", { class: "ae-said" });
  const button = (text, action) => {
    const node = element("button", { type: "button" }, text);
    node.addEventListener("click", action);
    return node;
  };
  const top = element("div", {}, element("div", { class: "ae-sliders" }, ...Object.values(sliders).map(({ node }) => node)),
    element("div", { class: "ae-buttons", role: "group", "aria-label": "Draws and settings" }, button("Draw again", () => { batch++; draw(); }),
      ...Object.entries(presets).map(([name, place]) => button(name, () => { [mu, sigma, K] = place; set(); draw(); }))),
    scene, said, chart);
  root.querySelector("style").after(top);
  const say = announcer(root);

  function slider(sign, name, value, step, [min, max]) {
    const input = element("input", { type: "range", min, max, step, "aria-label": name }), shown = element("b");
    input.value = value;
    input.addEventListener("input", () => {
      const at = Number(input.value);
      if (sign === "K") K = Math.round(limits.K[1] ** (at / 100));
      else if (name === "mean of q") mu = at;
      else sigma = at;
      draw();
    });
    return { input, shown, node: element("label", {}, element("span", {}, `${sign} = `, shown), input) };
  }

  function set() {
    sliders.mu.input.value = mu;
    sliders.sigma.input.value = sigma;
    sliders.K.input.value = Math.round(100 * Math.log(K) / Math.log(limits.K[1]));
  }

  function draw() {
    const now = everything(), ink = palette(colors(root).dark);
    for (const [name, text] of [["mu", number(mu)], ["sigma", number(sigma)], ["K", String(K)]]) {
      sliders[name].shown.textContent = text;
      sliders[name].input.setAttribute("aria-valuetext", text);
    }
    drawScene(now, ink);
    drawChart(now, ink);
    said.textContent = `The bound of ${K} draw${K > 1 ? "s" : ""} lies ${number(truth - now.bound)} nats below log p(x). `
      + `On average ${number(now.effective, 1)} of ${K} draw${K > 1 ? "s" : ""} count${K > 1 ? "" : "s"}.`;
    say(said.textContent);
  }

  const line = (x1, y1, x2, y2, attributes) => element("line", { x1, x2, y1, y2, stroke: "var(--ae-line)", ...attributes });

  function drawScene(now, ink) {
    const wide = top.clientWidth, high = 190, floor = high - 24, tallest = Math.min(Math.max(1.15 * posterior(hump), 1.08 * gaussian(0, 0, sigma * sigma)), 3 * posterior(hump));
    const at = (z) => wide * (z + reach) / (2 * reach), up = (value) => floor - (floor - 20) * Math.min(value / tallest, 1.04);
    const curve = (of) => Array.from({ length: 241 }, (_, i) => { const z = -reach + 2 * reach * i / 240; return `${at(z)} ${up(of(z))}`; }).join("L");
    scene.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    scene.setAttribute("height", high);
    scene.setAttribute("aria-label", `The posterior has humps at plus and minus ${number(Math.abs(hump))}; q has mean ${number(mu)} and standard deviation ${number(sigma)}; ${K} draws stand as stems`);
    scene.replaceChildren(
      element("path", { d: `M0 ${floor}L${curve(posterior)}L${wide} ${floor}Z`, fill: "var(--ae-muted)", "fill-opacity": 0.3 }),
      element("path", { d: `M${curve((z) => gaussian(z, mu, sigma * sigma))}`, fill: "none", stroke: ink[1], "stroke-width": 2.2, "stroke-dasharray": "7 4" }),
      line(0, floor, wide, floor));
    const most = Math.max(...now.draws.map(({ share }) => share));
    for (const { z, share } of now.draws) {
      const tip = floor - (floor - 40) * share / most;
      scene.append(line(at(z), floor, at(z), tip, { stroke: ink[0], "stroke-width": 1.4, class: "ae-stem" }),
        element("circle", { cx: at(z), cy: tip, r: 3.5, fill: ink[0] }));
    }
    for (let z = -3; z <= 3; z++) scene.append(element("text", { x: at(z), y: high - 8, "text-anchor": "middle" }, number(z, 0)));
    const key = [["var(--ae-muted)", "posterior"], [ink[1], "q (drag it)"], [ink[0], "draws, by weight"]];
    const place = [0, 0.28, 0.57];                                   // the last is the longest, and a phone is narrow
    key.forEach(([color, text], i) => scene.append(element("rect", { x: 2 + place[i] * wide, y: 4, width: 12, height: 8, fill: color, "fill-opacity": i ? 1 : 0.5 }),
      element("text", { x: 19 + place[i] * wide, y: 12 }, text)));
  }

  function drawChart(now, ink) {
    const wide = top.clientWidth, high = 210, left = 44, right = 14, above = 26, below = 38, low = Math.min(-1, now.curve[0].bound - truth) * 1.08;
    const at = (k) => left + (wide - left - right) * Math.log(k) / Math.log(100), up = (bound) => above + (high - above - below) * (bound - truth) / low;
    chart.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    chart.setAttribute("height", high);
    chart.setAttribute("aria-label", `The bound rises from ${number(now.curve[0].bound)} with one draw to ${number(now.curve.at(-1).bound)} with 100; log p(x) is ${number(truth)}`);
    chart.replaceChildren(element("text", { x: 0, y: 12 }, "nats"),
      element("text", { x: (wide + left - right) / 2, y: high - 4, "text-anchor": "middle" }, "number of draws K"),
      line(left, up(truth), wide - right, up(truth), { stroke: "var(--ae-text)", "stroke-width": 1.5, "stroke-dasharray": "2 4" }),
      element("text", { x: wide - right, y: above - 8, "text-anchor": "end", class: "ae-strong" }, `log p(x) = ${number(truth)}`));
    for (const k of [1, 2, 5, 10, 20, 50, 100]) chart.append(line(at(k), above, at(k), high - below, { "stroke-width": 0.5 }),
      element("text", { x: at(k), y: high - below + 16, "text-anchor": "middle" }, String(k)));
    const power = 10 ** Math.floor(Math.log10(-low / 2)), step = power * [1, 2, 5].findLast((factor) => factor * power <= -low / 2);
    for (let off = step; off <= -low; off += step) chart.append(line(left, up(truth - off), wide - right, up(truth - off), { "stroke-width": 0.5 }),
      element("text", { x: left - 6, y: up(truth - off) + 4, "text-anchor": "end" }, number(truth - off, 1)));
    chart.append(element("path", { d: `M${now.curve.map(({ k, bound }) => `${at(k)} ${up(bound)}`).join("L")}`, fill: "none", stroke: ink[0], "stroke-width": 2.2 }),
      element("circle", { cx: at(K), cy: up(now.bound), r: 5.5, fill: ink[0] }));
  }

  // q follows the pointer; a vertical drag still scrolls the page.
  function follow(event) {
    if (event.type === "pointermove" && !event.buttons) return;
    const { left, width } = scene.getBoundingClientRect(), at = -reach + 2 * reach * (event.clientX - left) / width;
    mu = Math.round(20 * Math.min(Math.max(at, limits.mu[0]), limits.mu[1])) / 20;
    set();
    draw();
  }
  scene.addEventListener("pointerdown", follow);
  scene.addEventListener("pointermove", follow);

  root.aecourse = { eps, get state() { return { mu, sigma, K, ...everything() }; } };
  redraw(root, draw);
}
