import { button, group, play, slider, tryThis } from "../../page/controls.js";
import { calm, chart, colors, element, fill, line, normals, number, palette, path, redraw, sharp, svg, tidy, uniforms, unpack, words } from "../../page/runtime.js";
import { affinities, descent, divergence, EARLY, gradient, squaredDistances } from "./embedding.js";

// t-SNE of a few codes, computed here: the reader chooses the perplexity and the start, and watches.
export function build(root, { codes, labels, classes, offered, start }) {
  const n = labels.length, points = unpack(codes), squared = squaredDistances(points, n);
  const STEPS = 750, PACE = 120, LEAP = 50; // of a run; a second, where there is time for so many; of a press where nothing moves
  let seed = 1, P = null, run = null, curve = [], before = null;

  // The parts.
  const picture = element("canvas", { class: "ae-stage ae-frame", role: "img" }), small = element("canvas", { class: "ae-before ae-frame", role: "img" });
  const reading = element("p", { class: "ae-reading" }), note = element("p", { class: "ae-muted" });
  const plot = svg("svg", { class: "ae-chart", role: "img" }), kept = element("div", { class: "ae-kept" }, small, note);
  const perplexity = slider("Perplexity: ", { low: 0, high: offered.length - 1, step: 1, value: offered.indexOf(start), name: "Perplexity",
    text: (i) => String(offered[i]) }, () => restart(seed));
  const go = play((seconds) => {
    const until = performance.now() + 12;
    for (let left = Math.max(1, Math.round(PACE * seconds)); left && run.steps < STEPS && performance.now() < until; left--) advance(1);
    show();
    return run.steps < STEPS;
  }, { step: () => { if (run.steps >= STEPS) restart(seed); advance(LEAP); show(); }, changed: () => show() });
  go.node.addEventListener("click", () => { if (go.running && run.steps >= STEPS) restart(seed); });
  const begin = (next) => { restart(next); if (!calm.matches) go.start(); };
  const other = button("Another start", () => begin(seed + 1)), again = button("Start again", () => begin(seed));
  const say = fill(root, tryThis("press Play, and at the end Another start: the same codes once more. Which islands lie side by side both times? "
    + "Then let it run at perplexity 2 and at 50."), element("div", { class: "ae-bar" }, group("The run", go, other, again), perplexity),
  element("div", { class: "ae-columns" }, picture, element("div", {}, reading, plot, kept)),
  element("p", { class: "ae-muted" }, `Digits are codes, ${n} of them. P belongs to a perplexity, so compare the KL of two starts, not of two perplexities.`));

  function restart(next) {
    if (run?.steps >= EARLY) before = { y: Float64Array.from(run.y), curve, told: told() };
    [seed, P, curve] = [next, null, []];
    run = { steps: 0, y: places() };
    show();
  }
  const chance = () => normals(uniforms(seed));
  const places = () => { const normal = chance(); return Float64Array.from({ length: 2 * n }, () => 1e-4 * normal()); };
  function ready() { // what takes a moment, only when it is needed
    if (P) return;
    P = affinities(squared, n, offered[perplexity.value]);
    run = descent(P, n, chance());
    curve = [[0, divergence(P, run.y, n)]];
  }
  function advance(steps) {
    ready();
    for (let k = 0; k < steps && run.steps < STEPS; k++) {
      run.step();
      if (run.steps % 5 === 0) curve.push([run.steps, divergence(P, run.y, n)]);
    }
  }
  const told = () => `start ${seed}, perplexity ${offered[perplexity.value]}${curve.length ? `, KL ${number(curve.at(-1)[1])}` : ""}`;

  // Places turned or mirrored to lie as others do, as far as that can be: [a, b, c, d] with x' = a x + b y, y' = c x + d y.
  /** @returns {[number, number, number, number]} */
  function turned(y, target) {
    const sums = [0, 0, 0, 0]; // of x u, x v, y u, y v
    for (let i = 0; i < n; i++) for (let k = 0; k < 4; k++) sums[k] += y[2 * i + (k >> 1)] * target[2 * i + (k & 1)];
    const [xu, xv, yu, yv] = sums, turn = [xu + yv, xv - yu], mirror = [xu - yv, xv + yu], size = Math.hypot;
    const plain = size(...turn) >= size(...mirror), [cos, sin] = (plain ? turn : mirror).map((value) => value / (Math.max(size(...turn), size(...mirror)) || 1));
    return plain ? [cos, -sin, sin, cos] : [cos, sin, sin, -cos];
  }

  function draw(canvas, y, theme, ink, [a, b, c, d] = [1, 0, 0, 1]) {
    const side = canvas.clientWidth, context = sharp(canvas, side, side), middle = [0, 0];
    for (let k = 0; k < 2 * n; k++) middle[k % 2] += y[k] / n;
    const spots = Array.from({ length: n }, (_, i) => { const [u, v] = [y[2 * i] - middle[0], y[2 * i + 1] - middle[1]]; return [a * u + b * v, c * u + d * v]; });
    const reach = Math.max(...spots.flat().map(Math.abs)) || 1, size = side > 300 ? 12 : side > 240 ? 10.5 : 7;
    context.font = `bold ${size}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    spots.forEach(([u, v], i) => {
      context.fillStyle = ink[labels[i]];
      context.fillText(classes[labels[i]][0] || "•", side / 2 + u / reach * (side / 2 - size), side / 2 - v / reach * (side / 2 - size));
    });
  }

  function show() {
    const theme = colors(root), ink = palette(theme.dark), last = curve.at(-1)?.[1];
    draw(picture, run.y, theme, ink);
    reading.replaceChildren(element("b", {}, `Step ${run.steps}`), ` of ${STEPS}. `, ...(last === undefined ? ["Places by chance."]
      : ["KL(P ‖ Q) = ", element("b", {}, number(last)), " nats."]));
    picture.setAttribute("aria-label", `${n} codes as t-SNE places them: ${told()}, after ${run.steps} of ${STEPS} steps`);
    kept.hidden = !before;
    if (before) {
      draw(small, before.y, theme, ink, turned(before.y, run.y));
      note.textContent = `The run before: ${before.told}. It is turned or mirrored to lie as this one does.`;
      small.setAttribute("aria-label", note.textContent);
    }
    graph();
    if (!go.running) say(`${reading.textContent} ${told()}`);
  }

  function graph() {
    const wide = Math.max(150, plot.parentElement.clientWidth), high = 130, left = 26, foot = high - 18;
    const top = Math.max(1, ...curve.map(([, kl]) => kl), ...(before?.curve ?? []).map(([, kl]) => kl)) * 1.05, gap = tidy(top / 4);
    const x = (step) => left + (wide - left - 4) * step / STEPS, y = (kl) => foot - (foot - 14) * Math.min(kl, top) / top;
    const levels = Array.from({ length: Math.floor(top / gap) + 1 }, (_, i) => i * gap).flatMap((kl) =>
      [line(left, y(kl), wide - 4, y(kl)), words(left - 5, y(kl) + 4, String(Number(kl.toFixed(1))), { "text-anchor": "end" })]);
    chart(plot, wide, high, `KL(P ‖ Q) in nats from step to step${curve.length ? `, now ${number(curve.at(-1)[1])}` : ", before the first step"}`, ...levels,
      line(x(EARLY), 4, x(EARLY), foot, { "stroke-dasharray": "3 3" }), words(Math.max(x(EARLY) + 5, left + 68), 10, "exaggeration ends"),
      ...(before ? [path(before.curve.map(([step, kl]) => [x(step), y(kl)]), { stroke: "var(--ae-muted)", "stroke-width": 1.4, "stroke-dasharray": "4 3" })] : []),
      ...(curve.length > 1 ? [path(curve.map(([step, kl]) => [x(step), y(kl)]), { stroke: "var(--ae-accent)", "stroke-width": 2.2 })] : []),
      words(left, 10, "KL, nats"), words(wide - 4, high - 4, `${STEPS} steps`, { "text-anchor": "end" }));
  }

  root.aecourse = {
    points, restart, advance: (steps) => { advance(steps); show(); },
    affinities: (value) => [...affinities(squared, n, value)],
    gradient: (table, y) => ({ slope: [...gradient(table, y, n)], kl: divergence(table, y, n) }),
    turned: (y, target) => turned(y, target),
    get state() { return { seed, perplexity: offered[perplexity.value], steps: run.steps, running: go.running, kl: curve.at(-1)?.[1] ?? null, y: [...run.y], kept: before?.told ?? null }; },
  };
  restart(1);
  redraw(root, show);
}
