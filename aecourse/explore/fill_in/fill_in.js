import { area, button, group, inReach, pad, tabs, tick, tryThis } from "../../page/controls.js";
import { colors, element, fill, greys, network, normals, number, picture, put, redraw, sigmoid, uniforms } from "../../page/runtime.js";

// Erase pixels; codes are drawn from q(z | what is left), weighted, and chosen: several completions at once.
export function build(root, { encoder, decoder, sigma, k, images, shape, labels, shown, pool, brush, seed }) {
  const [height, width] = shape, pixels = height * width, BLUE = "#3f86dd";
  const clean = images.map(greys), forward = network(decoder), backward = network(encoder);
  const state = { image: 0, seed, told: false };
  const observed = new Uint8Array(pixels).fill(1);

  // mu and log-variance of q(z | x_observed), from zeros in the holes and the mask behind them.
  function encode(x, mask) {
    const both = backward([...x.map((value, i) => mask[i] * value), ...mask]);
    return [both.subarray(0, k), both.subarray(k)];
  }
  const decode = (z) => forward(z).map(sigmoid);

  // log p(x_observed, z) - log q(z | x_observed), up to a constant that all draws share.
  function logWeight(x, mask, mean, z, eps, logVar) {
    let sum = 0;
    for (let i = 0; i < pixels; i++) if (mask[i]) sum -= (x[i] - mean[i]) ** 2;
    sum /= 2 * sigma * sigma;
    for (let j = 0; j < k; j++) sum += (eps[j] ** 2 - z[j] ** 2 + logVar[j]) / 2;
    return sum;
  }

  // `shown` completions, each chosen from a pool of its own, and the weighted mean of all draws.
  function complete(x, mask) {
    const uniform = uniforms(state.seed), normal = normals(uniform), [mu, logVar] = encode(x, mask), draws = [];
    for (let n = 0; n < shown * pool; n++) {
      const eps = Array.from({ length: k }, normal), z = eps.map((e, j) => mu[j] + Math.exp(logVar[j] / 2) * e), mean = decode(z);
      draws.push({ mean, weight: logWeight(x, mask, mean, z, eps, logVar) });
    }
    const top = Math.max(...draws.map(({ weight }) => weight)), average = new Float32Array(pixels);
    let total = 0;
    for (const { mean, weight } of draws) {
      const share = Math.exp(weight - top);
      total += share;
      mean.forEach((value, i) => { average[i] += share * value; });
    }
    const keep = (values) => Float32Array.from(values, (value, i) => (mask[i] ? x[i] : value));
    const chosen = Array.from({ length: shown }, (_, c) => {
      const own = draws.slice(c * pool, (c + 1) * pool), best = Math.max(...own.map(({ weight }) => weight));
      const shares = own.map(({ weight }) => Math.exp(weight - best));
      let left = uniform() * shares.reduce((a, b) => a + b);
      const which = shares.findIndex((share) => (left -= share) <= 0);
      return keep(own[which < 0 ? pool - 1 : which].mean);
    });
    return { chosen, mean: keep(average.map((value) => value / total)) };
  }

  // The parts.
  const choice = tabs("Which image", labels, (n) => { state.image = n; draw(); });
  const canvas = element("canvas"), stage = area("image to erase",
    "The image to erase. Arrow keys move the eraser, with Shift in longer steps; Space or Enter erases; Home returns to the middle.", canvas);
  const card = (name) => {
    const view = element("canvas", { role: "img", "aria-label": name });
    return { name, view, node: element("figure", {}, element("div", { class: "ae-stage ae-frame" }, view), element("figcaption", {}, name)) };
  };
  const cards = Array.from({ length: shown }, (_, c) => card(`possible ${c + 1}`)), mean = card("the mean"), truth = card("what stood there");
  const erase = (name, where) => button(name, () => { observed.fill(1); for (let i = 0; i < pixels; i++) if (where(Math.floor(i / width), i % width)) observed[i] = 0; draw(); });
  const tell = tick("show what stood there", (on) => { state.told = on; draw(); });
  const reading = element("p", { class: "ae-reading" });
  const say = fill(root,
    tryThis("erase the lower half of the 3, then give back the whole and erase all but one stroke. When do the completions stop agreeing?"),
    choice,
    group("What to erase", erase("lower half", (r) => r >= height / 2), erase("right half", (_, c) => c >= width / 2),
      button("four of five pixels", () => { const next = uniforms(state.seed + 77); observed.forEach((_, i) => { observed[i] = Number(next() > 0.8); }); draw(); }),
      button("give back all", () => { observed.fill(1); draw(); }),
      button("other draws", () => { state.seed += 1; draw(); }, { class: "ae-main" }), tell),
    element("div", { class: "ae-beside" },
      element("figure", {}, stage, element("figcaption", {}, "erase here")),
      element("div", { class: "ae-answers" }, ...cards, mean, truth)),
    reading,
    element("p", { class: "ae-muted" }, "Erase with the pointer or a finger; or focus the image, move with the arrow keys and erase with Space. Blue pixels are missing."));

  let last;
  function draw() {
    const x = clean[state.image], theme = colors(root), holes = observed.reduce((n, on) => n + 1 - on, 0);
    last = complete(x, observed);
    put(canvas, picture(x, shape, theme));
    const context = canvas.getContext("2d");
    context.fillStyle = BLUE;
    observed.forEach((on, i) => { if (!on) context.fillRect(i % width, Math.floor(i / width), 1, 1); });
    cards.forEach(({ view }, c) => put(view, picture(last.chosen[c], shape, theme)));
    put(mean.view, picture(last.mean, shape, theme));
    truth.node.hidden = !state.told;
    put(truth.view, picture(x, shape, theme));
    reading.textContent = holes ? `${holes} of ${pixels} pixels are missing. On a missing pixel the completions differ by ${number(spread(last.chosen), 2)} (standard deviation; black to white is 1).`
      : "Nothing is missing yet, so all completions are the image itself. Erase a part of it.";
    say(`Image ${labels[state.image]}: ${reading.textContent}`);
  }

  // The standard deviation over the completions, averaged over the missing pixels.
  function spread(chosen) {
    let sum = 0, count = 0;
    for (let i = 0; i < pixels; i++) if (!observed[i]) {
      const values = chosen.map((values) => values[i]), middle = values.reduce((a, b) => a + b) / shown;
      sum += Math.sqrt(values.reduce((total, value) => total + (value - middle) ** 2, 0) / (shown - 1));
      count += 1;
    }
    return count ? sum / count : 0;
  }

  const eraser = pad(stage, { rows: height, columns: width, brush, drawn: draw, paint(place) { inReach(shape, place, brush, (i) => { observed[i] = 0; }); } });

  root.aecourse = { encode, decode, logWeight, complete, get observed() { return [...observed]; }, get last() { return last; }, get place() { return eraser.place; } };
  redraw(root, draw);
}
