// The controls of figures and quizzes, one of each kind. Each is { node, value, ... }: `node` stands in the page, `value` can be
// read and set, and the function it was given is called when a reader changes it, not when `value` is set.
//
// A figure's build(root, data) makes its controls, then `const say = fill(root, ...)` puts controls or nodes before the words (say(text) is
// spoken after half a second), and last comes redraw(root, draw), which draws now and after every change of theme or width. Tests read
// what a figure sets as root.aecourse. The root's class is ae-<script>, underscores as hyphens. All files of a figure are joined into one
// scope: imports stand alone as `import { a } from "...";`, and top-level names differ from those of runtime.js and this file.
// From Python to the page: packed -> unpack, packed_network -> network, base64_of -> floats, packed_images -> greys.
import { calm, clamp, element, number } from "./runtime.js";

export function button(text, press, attributes = {}) {
  const node = element("button", { type: "button", ...attributes, class: `ae-button ${attributes.class ?? ""}` }, text);
  node.addEventListener("click", press);
  return node;
}

// Controls side by side; `label` is what those hear who do not see them.
export const group = (label, ...nodes) => element("div", { class: "ae-group", role: "group", "aria-label": label }, ...nodes);

// Something to begin with.
export const tryThis = (text) => element("p", { class: "ae-try" }, element("b", {}, "Try this: "), text);

// One of several, as buttons of which one is pressed; `texts` may be elements, `names` what they are called then.
export function tabs(label, texts, change, { value = 0, names = [] } = {}) {
  const buttons = texts.map((text, i) => button(text, () => { set(i); change(i); }, names[i] ? { "aria-label": names[i] } : {}));
  let chosen = value;
  function set(i) {
    chosen = i;
    buttons.forEach((node, k) => node.setAttribute("aria-pressed", k === i));
  }
  set(value);
  return { node: group(label, ...buttons), buttons, get value() { return chosen; }, set value(i) { set(i); } };
}

// A slider below its words and value: "σ = 0.25". `text` writes the value; `log` makes equal ways equal factors, of 1 % a step.
export function slider(words, { low, high, step = 0.01, value = low, name = words, text = number, log = false }, change) {
  const to = log ? (v) => Math.round(100 * Math.log(v)) : (v) => v, from = log ? (v) => Math.exp(v / 100) : (v) => v;
  const input = element("input", { type: "range", min: to(low), max: to(high), step: log ? 1 : step, "aria-label": name });
  const shown = element("b"), node = element("label", { class: "ae-slider" }, element("span", {}, words, shown), input);
  const control = { node, input, shown,
    get value() { return from(Number(input.value)); },
    set value(v) { input.value = to(v); write(); } };
  function write() {
    shown.textContent = text(control.value);
    input.setAttribute("aria-valuetext", shown.textContent);
  }
  input.addEventListener("input", () => { write(); change(control.value); });
  control.value = value;
  return control;
}

// A list to choose from; options are [value, text].
export function select(words, options, change, { value = options[0][0], name = words } = {}) {
  const list = element("select", { "aria-label": name }, ...options.map(([key, text]) => element("option", { value: key }, text)));
  const control = { list, node: element("label", { class: "ae-field" }, ...(words ? [element("span", {}, words)] : []), list),
    get value() { return options[list.selectedIndex][0]; },
    set value(v) { list.selectedIndex = options.findIndex(([key]) => key === v); } };
  list.addEventListener("change", () => change(control.value));
  control.value = value;
  return control;
}

// A box to tick.
export function tick(words, change, value = false) {
  const box = element("input", { type: "checkbox" }), node = element("label", { class: "ae-tick" }, box, words);
  box.checked = value;
  box.addEventListener("change", () => change(box.checked));
  return { node, box, get value() { return box.checked; }, set value(v) { box.checked = v; } };
}

// Something that moves: turn(seconds since the last frame) is called once a frame, until it returns false or the node has left
// the page; changed() when that begins and ends.
export function loop(node, turn, changed = () => {}) {
  let frame = 0, last = 0;
  function start() {
    if (frame) return;
    last = 0;
    frame = requestAnimationFrame(advance);
    changed();
  }
  function advance(now) {
    const seconds = last ? Math.min(now - last, 100) / 1000 : 0;
    last = now;
    if (!node.isConnected || turn(seconds) === false) stop();
    else if (frame) frame = requestAnimationFrame(advance);
  }
  function stop() {
    if (!frame) return;
    cancelAnimationFrame(frame);
    frame = 0;
    changed();
  }
  return { start, stop, get running() { return frame !== 0; } };
}

// A button that lets something run, as above. Where a reader would rather have nothing move, a press is one step() instead.
/**
 * @param {(seconds: number) => boolean} turn
 * @param {{ step?: () => void, changed?: () => void, label?: (running: boolean) => string }} [options]
 */
export function play(turn, { step, changed = () => {}, label = (running) => running ? "Pause" : calm.matches && step ? "Step" : "Play" } = {}) {
  const node = button("", () => { if (run.running) run.stop(); else if (calm.matches && step) step(); else run.start(); }, { class: "ae-main" });
  const write = () => { node.textContent = label(run.running); };
  const run = loop(node, turn, () => { write(); changed(); });
  write();
  return { node, write, start: run.start, stop: run.stop, get running() { return run.running; } };
}

// ---- Pointers and keys -----------------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// What pointer and keys act on: what it is called, and in `label` what the keys do there.
export const area = (called, label, ...nodes) => element("div", { class: "ae-stage ae-frame", tabindex: 0, role: "application",
  "aria-roledescription": called, "aria-label": label }, ...nodes);

// Calls act(key, [right, down] for an arrow, whether Shift is held) for each key; unless that returns false, the key is used up,
// for a page scrolls by arrows and a notebook has its own use for others.
export function keys(node, act) {
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || act(event.key, ARROWS[event.key], event.shiftKey) === false) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// Which of some points [x, y] comes next in the direction [right, down] of an arrow: little way along it, and less aside of it. -1: none.
/** @param {number[][]} points @param {number} from @param {number[]} arrow */
export function nextTo(points, from, [right, down]) {
  const [x, y] = points[from];
  let next = -1, least = Infinity;
  points.forEach(([u, v], i) => {
    const along = (u - x) * right + (v - y) * down, aside = Math.abs((u - x) * down - (v - y) * right);
    if (along > 1e-6 && aside <= along && along + aside < least) [next, least] = [i, along + aside];
  });
  return next;
}

// Where an event is in a box, in shares of its width and height.
export function shares(event, node) {
  const { left, top, width, height } = node.getBoundingClientRect();
  return [(event.clientX - left) / width, (event.clientY - top) / height];
}

// Calls to(x, y), in shares of the box, where a mouse is pressed, or is at all with `hover`. A finger that moves up or down
// scrolls the page, as anywhere; one that taps, starts sideways, or rests for a moment before it moves, points.
export function pointing(node, to, { hover = false } = {}) {
  const REST = 250, NEAR = 8;
  let start = null, points = false, timer = 0;
  const point = (event) => to(...shares(event, node).map((share) => clamp(share, 0, 1)));
  const end = () => { clearTimeout(timer); start = null; points = false; };
  node.classList.add("ae-pointing");
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    start = [event.clientX, event.clientY];
    points = event.pointerType !== "touch";
    if (!points) { timer = setTimeout(() => { points = true; point(event); }, REST); return; }
    if (event.isTrusted) node.setPointerCapture(event.pointerId);
    point(event);
  });
  node.addEventListener("pointermove", (event) => {
    if (!start) { if (hover && event.pointerType !== "touch") point(event); return; }
    if (!points) {
      const [dx, dy] = [event.clientX - start[0], event.clientY - start[1]].map(Math.abs);
      if (Math.max(dx, dy) < NEAR) return;
      clearTimeout(timer);
      points = dx > dy;
    }
    if (points) point(event);
  });
  node.addEventListener("click", (event) => { if (event.pointerType === "touch") point(event); }); // a tap
  node.addEventListener("touchmove", (event) => { if (points && event.cancelable) event.preventDefault(); }, { passive: false });
  for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, end);
}

// A pad of rows x columns cells to draw on. paint(place, fresh) is called for every place on the way of a stroke, however fast,
// none of them more than a cell from the last, and `fresh` where a line begins; places outside are left out. A place is
// [row, column], counted from the middle of the first cell. start(place) comes before a stroke, drawn() after each piece of
// one, moved(place) when pointer or keys move; key(name) is asked for keys that the pad does not know. `brush` is the
// radius, in cells, of the ring that shows the place.
/**
 * @param {HTMLElement} node
 * @param {{ rows: number, columns: number, brush?: number, start?: (place: number[]) => void, paint: (place: number[], fresh: boolean) => void,
 *   drawn?: () => void, moved?: (place: number[]) => void, key?: (name: string) => boolean | void }} options
 */
export function pad(node, { rows, columns, brush = 0, start = () => {}, paint, drawn = () => {}, moved = () => {}, key = () => false }) {
  const ring = element("span", { class: "ae-brush", hidden: "" }), size = [rows, columns];
  let place = [rows >> 1, columns >> 1], last = null;
  const inside = (spot) => spot.every((at, axis) => at >= -0.5 && at <= size[axis] - 0.5);
  const at = (event) => { const [x, y] = shares(event, node); return [rows * y - 0.5, columns * x - 0.5]; };
  node.classList.add("ae-pad");
  node.append(ring);

  function move(spot) {
    place = spot.map((value, axis) => clamp(value, 0, size[axis] - 1));
    Object.assign(ring.style, { left: `${100 * (place[1] + 0.5) / columns}%`, top: `${100 * (place[0] + 0.5) / rows}%`,
      width: `${200 * brush / columns}%`, height: `${200 * brush / rows}%` });
    ring.hidden = !brush;
    moved(place);
  }
  function stroke(spot) { // from the last place to this one
    const steps = Math.max(1, Math.ceil(Math.hypot(spot[0] - last[0], spot[1] - last[1])));
    let joined = inside(last);
    for (let k = 1; k <= steps; k++) {
      const way = last.map((from, axis) => from + (spot[axis] - from) * k / steps);
      if (inside(way)) paint(way, !joined);
      joined = inside(way);
    }
    last = spot;
  }
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (event.isTrusted) node.setPointerCapture(event.pointerId);
    last = at(event);
    move(last);
    start(place);
    paint(place, true);
    drawn();
  });
  node.addEventListener("pointermove", (event) => {
    move(at(event));
    if (last) { stroke(at(event)); drawn(); }
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) node.addEventListener(name, () => { last = null; });
  keys(node, (name, arrow, far) => {
    if (arrow) move([Math.round(place[0]) + (far ? 5 : 1) * arrow[1], Math.round(place[1]) + (far ? 5 : 1) * arrow[0]]);
    else if (name === "Home") move([rows >> 1, columns >> 1]);
    else if (name === " " || name === "Enter") { start(place); paint(place, true); drawn(); }
    else return key(name);
  });
  return { node, get place() { return [...place]; }, move };
}

// Calls act(index, distance) for every cell of rows x columns whose middle lies within reach of a place.
/** @param {number[]} size @param {number[]} place @param {number} reach @param {(index: number, distance: number) => void} act */
export function inReach([rows, columns], [row, column], reach, act) {
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const distance = Math.hypot(r - row, c - column);
    if (distance <= reach) act(r * columns + c, distance);
  }
}

// The keys of a pad that has tools: the first letter of a tool chooses it among the tabs of their names.
export const initials = (tool, names) => (name) => {
  const chosen = names.findIndex((text) => text[0] === name.toLowerCase());
  if (chosen < 0) return false;
  tool.value = chosen;
};
