import { button, group, tryThis } from "../../page/controls.js";
import { captioned, chart, colors, element, fill, greys, line, number, palette, parted, path, redraw, shuffle, strip, svg, tidy, uniforms, words } from "../../page/runtime.js";

// One run after the other: a curve, pictures, figures; the reader picks a diagnosis, is told at once, and right ones are counted.
export function build(root, { runs }) {
  const chance = uniforms(19);
  const orders = runs.map(({ choices }) => shuffle(choices.map((_, i) => i), chance)); // the right one stands first in the data, and anywhere in the page
  let now = 0, score = 0, picked = null, done = false;

  // The parts.
  const head = element("p", { class: "ae-museum-head" }), curve = svg("svg", { role: "img", class: "ae-chart" });
  const pictures = element("div", {}), facts = element("table", {}), asked = element("p", {}, "What is wrong with this run?");
  const answers = element("div", { role: "group", "aria-label": "Diagnoses", class: "ae-museum-answers" });
  const told = element("p", { class: "ae-reading", tabindex: "-1" });
  const next = button("Next run", () => { step(); }, { class: "ae-main" });
  const left = element("div", {}, pictures), right = element("div", {}, curve, facts);
  const say = fill(root, tryThis("say what is wrong from the pictures alone. Then look whether the curve and the figures agree."),
    head, element("div", { class: "ae-columns" }, left, right), asked, answers, told, group("Go on", next));

  function step() {
    if (done || now === runs.length - 1) { now = 0; score = 0; done = false; } else now += 1;
    picked = null;
    show();
    answers.querySelector("button").focus();
  }

  function show() {
    const { choices, rows } = runs[now];
    answers.replaceChildren(...orders[now].map((choice) => button(choices[choice], () => pick(choice), { "data-choice": choice })));
    pictures.replaceChildren(...rows.map(({ name }) => captioned(name).node));
    facts.replaceChildren(element("tbody", {}, ...runs[now].facts.map(([name, text]) =>
      element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text)))));
    draw();
    write();
  }

  function pick(choice) {
    if (picked !== null) return;
    picked = choice;
    if (choice === 0) score += 1;
    done = now === runs.length - 1;
    write();
    say(told.textContent);
    next.focus();
  }

  function write() {
    const { choices, why } = runs[now], answered = picked !== null;
    head.textContent = `Run ${now + 1} of ${runs.length}. Right so far: ${score}.`;
    for (const node of answers.querySelectorAll("button")) {
      const choice = Number(node.dataset.choice);
      node.disabled = answered;
      node.setAttribute("aria-pressed", answered && choice === picked);
      if (answered && choice === 0) node.classList.add("ae-museum-right");
    }
    told.textContent = !answered ? "" : `${picked === 0 ? "Right" : "No"}: ${choices[0]}. ${why}`
      + (done ? ` That was the last one: ${score} of ${runs.length} right.` : "");
    next.hidden = !answered;
    next.textContent = done ? "Begin again" : "Next run";
  }

  function draw() {
    const theme = colors(root), { rows } = runs[now];
    rows.forEach(({ name, images, shape: [count, height, width] }, i) => {
      const canvas = /** @type {HTMLCanvasElement} */ (pictures.children[i].querySelector("canvas"));
      strip(canvas, parted(greys(images), height * width), [height, width], theme);
      canvas.setAttribute("aria-label", `${name}: ${count} images`);
    });
    plot(runs[now].curve, palette(theme.dark)[0]);
  }

  function plot(values, ink) {
    const wide = right.clientWidth || 300, high = 170, start = 46, end = 10, above = 24, below = 26;
    const low = Math.min(...values), top = Math.max(...values), gap = tidy((top - low) / 5 || 1);
    const x = (i) => start + (wide - start - end) * i / (values.length - 1);
    const y = (v) => high - below - (high - above - below) * (v - low) / ((top - low) || 1);
    const short = (v) => Math.abs(v) >= 10000 ? v.toExponential(0) : number(v, gap < 1 ? 2 : 0);
    chart(curve, wide, high, `Loss curve, from ${number(values[0], 2)} to ${number(values.at(-1), 2)}`,
      words(0, 12, "loss"), words((wide + start) / 2, high - 4, "steps of training", { "text-anchor": "middle" }));
    for (let level = Math.ceil(low / gap) * gap; level <= top; level += gap) curve.append(
      line(start, y(level), wide - end, y(level), { "stroke-width": 0.5 }),
      words(start - 6, y(level) + 4, short(level), { "text-anchor": "end" }));
    curve.append(path(values.map((v, i) => [x(i), y(v)]), { stroke: ink, "stroke-width": 2 }));
  }

  root.aecourse = { get run() { return now; }, get score() { return score; }, get picked() { return picked; } };
  show();
  redraw(root, draw);
}
