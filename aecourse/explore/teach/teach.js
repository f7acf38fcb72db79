import { area, button, group, keys, nextTo, pointing, tabs, tryThis } from "../../page/controls.js";
import { chart, colors, element, fill, greys, line, palette, parted, path, picture, put, redraw, sharp, svg, swatch, uniforms, unpack, words } from "../../page/runtime.js";

// Label digits one by one; three readers of these labels are tried on test digits after each.
export function build(root, { pool, test, places, k, classes }) {
  const { shape } = pool, n = pool.labels.length, m = test.labels.length, at = unpack(places), chance = uniforms(17);
  const READERS = ["nearest in pixels", "nearest in codes", "spread over codes"];
  const rows = ({ images, codes }) => [parted(greys(images), shape[0] * shape[1]), parted(unpack(codes), codes.shape[1])];
  const [pixels, codes] = rows(pool), [testPixels, testCodes] = rows(test);
  const distance = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2; return Math.sqrt(sum); };
  const between = (from, to) => from.map((a) => Float32Array.from(to, (b) => distance(a, b)));
  const inPixels = between(testPixels, pixels), inCodes = between(testCodes, codes), inPool = between(codes, codes);
  const nearest = (row, count, not = -1) => [...row.keys()].filter((j) => j !== not).sort((a, b) => row[a] - row[b]).slice(0, count);
  const asked = inCodes.map((row) => nearest(row, k));
  const graph = neighbours();
  let labels, order, current, curves;

  // S = D^-1/2 W D^-1/2, as the lists of neighbours of every point and their weights.
  function neighbours() {
    const joined = inPool.map(() => new Set());
    inPool.forEach((row, i) => nearest(row, k, i).forEach((j) => { joined[i].add(j); joined[j].add(i); }));
    return joined.map((others) => [...others].map((j) => [j, 1 / Math.sqrt(others.size * joined[j].size)]));
  }

  // Scores of every class for every point of the pool.
  function scores(alpha = 0.8, steps = 30) {
    const own = labels.map((y) => Float32Array.from({ length: classes }, (_, c) => Number(c === y)));
    let now = own;
    for (let step = 0; step < steps; step++) now = own.map((start, i) => start.map((value, c) =>
      graph[i].reduce((sum, [j, weight]) => sum + alpha * weight * now[j][c], (1 - alpha) * value)));
    return now;
  }
  const largest = (values) => values.reduce((best, value, c) => (value > (values[best] ?? 0) ? c : best), -1); // -1: no label has arrived
  const nearestLabel = (row) => labels[order.reduce((best, i) => (row[i] < row[best] ? i : best), order[0])];
  function accuracies() {
    if (!order.length) return null;
    const spread = scores(), share = (reads) => test.labels.filter((y, i) => reads(i) === y).length / m;
    return [share((i) => nearestLabel(inPixels[i])), share((i) => nearestLabel(inCodes[i])),
      share((i) => largest(asked[i].reduce((sum, j) => sum.map((value, c) => value + spread[j][c]), Array(classes).fill(0))))];
  }

  // The digit to ask for: the one that brings all others nearest to a labelled one.
  function useful() {
    const served = inPool.map((row) => (order.length ? Math.min(...order.map((i) => row[i])) : Math.max(...row)));
    let best = -1, most = -Infinity;
    for (let c = 0; c < n; c++) {
      if (labels[c] >= 0) continue;
      const gain = served.reduce((sum, far, p) => sum + Math.max(0, far - inPool[p][c]), 0);
      if (gain > most) [best, most] = [c, gain];
    }
    return best;
  }
  function byChance() {
    const left = labels.map((_, i) => i).filter((i) => labels[i] < 0);
    return left.length ? left[Math.floor(chance() * left.length)] : -1;
  }

  // The parts.
  const canvas = element("canvas"), shown = element("canvas", { class: "ae-shown ae-frame", role: "img" });
  const map = area("picture of digits", "Digits as dots, placed by their codes. Arrow keys choose the next dot; the keys 0 to 9 label it.", canvas);
  map.classList.add("ae-map");
  const RULES = [useful, byChance], rule = tabs("Who chooses the next digit", ["most useful", "by chance"], () => { current = next(); show(); });
  const answers = Array.from({ length: classes }, (_, c) => button(String(c), () => give(c), { "aria-label": `This is a ${c}` }));
  const reading = element("p", { class: "ae-reading" }), plot = svg("svg", { class: "ae-chart", role: "img" });
  const legend = element("div", { class: "ae-legend" }), values = READERS.map(() => element("b"));
  const say = fill(root,
    tryThis("say which digit it is, ten times. Then start again with digits chosen by chance."),
    element("div", { class: "ae-columns" }, map,
      element("div", { class: "ae-ask" }, shown, element("p", {}, "Which digit is this?"), group("Which digit is this?", ...answers))),
    element("div", { class: "ae-group" }, element("span", {}, "Next digit:"), rule.node,
      button("Label ten for me", () => many(10)), button("Start again", reset)),
    reading, legend, plot);
  legend.append(...READERS.map((name, r) => element("span", { class: "ae-entry" }, swatch(), `${name} `, values[r])));

  const next = () => RULES[rule.value]();
  function reset() {
    [labels, order, curves] = [Array(n).fill(-1), [], []];
    current = next();
    show();
  }
  function label(i, y) {
    if (labels[i] < 0) order.push(i);
    labels[i] = y;
  }
  function give(y) {
    if (current < 0) return;
    label(current, y);
    curves.push([order.length, accuracies()]);
    current = next();
    show();
  }
  function many(count) { for (let i = 0; i < count && current >= 0; i++) give(pool.labels[current]); }

  const spot = (i, side) => [side / 2 + at[i] * (side / 2 - 10), side / 2 - at[n + i] * (side / 2 - 10)];
  function draw(theme, ink) {
    const side = map.clientWidth, context = sharp(canvas, side, side);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = "bold 13px system-ui, sans-serif";
    for (let i = 0; i < n; i++) {
      const [x, y] = spot(i, side);
      context.fillStyle = labels[i] < 0 ? theme.text : ink[labels[i]];
      context.globalAlpha = labels[i] < 0 ? 0.28 : 1;
      if (labels[i] >= 0) { context.fillText(String(labels[i]), x, y); continue; }
      context.beginPath();
      context.arc(x, y, 3, 0, 2 * Math.PI);
      context.fill();
    }
    if (current < 0) return;
    context.globalAlpha = 1;
    context.strokeStyle = theme.text;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...spot(current, side), 8, 0, 2 * Math.PI);
    context.stroke();
  }

  function show() {
    const theme = colors(root), ink = palette(theme.dark), last = curves.at(-1)?.[1];
    draw(theme, ink);
    if (current >= 0) put(shown, picture(pixels[current], shape, theme));
    shown.setAttribute("aria-label", current < 0 ? "All digits are labelled" : "The digit to label");
    answers.forEach((node) => { node.disabled = current < 0; });
    const wrong = order.filter((i) => labels[i] !== pool.labels[i]).length, seen = new Set(order.map((i) => labels[i])).size;
    reading.textContent = !order.length ? "No label yet: nobody can read anything."
      : `${order.length} label${order.length > 1 ? "s" : ""}, ${seen} of ${classes} classes${wrong ? `; ${wrong} other than in the data` : ""}. Of ${m} test digits are read rightly:`;
    values.forEach((node, r) => { node.textContent = last ? `${Math.round(100 * last[r])} %` : "–"; });
    legend.querySelectorAll(".ae-swatch").forEach((node, r) => { /** @type {HTMLElement} */ (node).style.background = ink[r]; });
    graphs(ink);
    say(`${reading.textContent} ${last ? READERS.map((name, r) => `${name} ${Math.round(100 * last[r])} %`).join(", ") : ""}`);
  }
  function graphs(ink) {
    const wide = root.clientWidth - 30, high = 170, most = Math.max(10, order.length), x = (count) => 34 + (wide - 44) * count / most, y = (share) => 12 + (high - 36) * (1 - share);
    const levels = [0, 0.5, 1].flatMap((share) => [line(34, y(share), wide - 10, y(share)), words(28, y(share) + 4, `${100 * share}`, { "text-anchor": "end" })]);
    const drawn = READERS.map((_, r) => path([[x(0), y(0)], ...curves.map(([count, shares]) => [x(count), y(shares[r])])], { stroke: ink[r], "stroke-width": 2.2, "stroke-dasharray": ["", "5 3", "2 3"][r] }));
    chart(plot, wide, high, `Share of test digits read rightly after ${order.length} labels`, ...levels, ...drawn,
      words(x(0), high - 6, "0"), words(x(most), high - 6, `${most} labels`, { "text-anchor": "end" }), words(40, 10, "% read rightly"));
  }

  pointing(map, (px, py) => {
    const side = map.clientWidth, far = (i) => { const [u, v] = spot(i, side); return Math.hypot(u - px * side, v - py * side); };
    current = labels.reduce((best, _, i) => (far(i) < far(best) ? i : best), 0);
    show();
  });
  keys(map, (key, arrow) => {
    if (/^\d$/.test(key) && Number(key) < classes) give(Number(key));
    else if (arrow) step(arrow);
    else return false;
  });
  function step(arrow) {
    const next = nextTo(labels.map((_, i) => spot(i, 1000)), Math.max(current, 0), arrow);
    if (next >= 0) current = next;
    show();
  }

  root.aecourse = { give, many, reset, useful, scores: () => scores().map((row) => [...row]), accuracies,
    get state() { return { labels: [...labels], order: [...order], current, curves: curves.map(([count, shares]) => [count, [...shares]]) }; } };
  reset();
  redraw(root, show);
}
