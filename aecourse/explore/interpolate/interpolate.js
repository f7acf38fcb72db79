import { play, slider } from "../../page/controls.js";
import { between, calm, clamp, colors, element, fill, floats, greys, line, network, number, path, picture, put, redraw, squashes, stepLengths, svg, total } from "../../page/runtime.js";

// From one image to another on several ways: the blend of the pixels, and decoded lines and arcs between codes.
export function build(root, { images, shape, labels, networks, methods, ends, t: start, output }) {
  const PLACES = 40, SECONDS = 4, TOP = 2, HIGH = 44; // steps of a measured path; one way of the animation; the highest speed drawn, and the height of its chart
  const pixels = images.map(greys);
  const nets = networks.map(network);
  const codes = methods.map((method) => (method.codes || []).map(floats));
  let [from, to] = ends, t = start, speeds = [], heading = 1;

  // ---- The ways.
  function slerp(a, b, t) {
    const size = (v) => Math.hypot(...v), [na, nb] = [size(a), size(b)];
    const u = a.map((value) => value / na), v = b.map((value) => value / nb);
    const omega = 2 * Math.atan2(size(u.map((value, i) => value - v[i])), size(u.map((value, i) => value + v[i])));
    if (omega < 1e-3) return between(a, b, t);
    const [wa, wb] = [1 - t, t].map((share) => Math.sin(share * omega) / Math.sin(omega));
    return a.map((value, i) => wa * value + wb * b[i]);
  }

  function image(m, t) {
    const { network: which, way } = methods[m];
    if (which === undefined) return between(pixels[from], pixels[to], t);
    return nets[which]((way === "slerp" ? slerp : between)(codes[m][from], codes[m][to], t)).map(squashes[output]);
  }

  function measure() { // the length of every step of every way
    speeds = methods.map((_, m) => {
      const steps = stepLengths(Array.from({ length: PLACES + 1 }, (_, i) => image(m, i / PLACES))), length = total(steps);
      return { steps, length, jump: length ? Math.max(...steps) / (length / PLACES) : NaN };
    });
  }

  // ---- The parts.
  const choices = ["From", "To"].map((word, side) => {
    const group = element("div", { class: "ae-choices" });
    pixels.forEach((_, n) => {
      const input = element("input", { type: "radio", name: `${root.id}-${word}`, "aria-label": `${word} image ${n + 1}: ${labels[n]}` });
      input.addEventListener("change", () => choose(...(side ? [from, n] : [n, to])));
      group.append(element("label", {}, input, element("canvas", { "aria-hidden": true })));
    });
    return { group, node: element("fieldset", {}, element("legend", {}, word), group) };
  });
  const place = slider("t = ", { low: 0, high: 1, value: t, name: "Place t between the two images" }, (v) => { run.stop(); t = v; show(); });
  const run = play((seconds) => {
    t += heading * seconds / SECONDS;
    if (t >= 1 || t <= 0) [t, heading] = [clamp(t, 0, 1), t >= 1 ? -1 : 1];
    show();
    return true;
  }, { changed: show, step: () => { t = t >= 1 ? 0 : Math.min(1, Math.round(10 * t + 1) / 10); show(); },
    label: (running) => calm.matches ? "Step" : running ? "Pause" : "Play" });
  const cards = methods.map(({ name }) => {
    const view = element("canvas", { role: "img", class: "ae-frame" }), speed = element("p", { class: "ae-speed ae-reading" });
    const curve = svg("svg", { viewBox: `0 0 100 ${HIGH}`, "aria-hidden": true });
    return { name, view, curve, speed, node: element("figure", {}, element("figcaption", {}, name), view, curve, speed) };
  });
  const say = fill(root, ...choices, element("div", { class: "ae-place" }, run, place), element("div", { class: "ae-methods" }, ...cards),
    element("p", { class: "ae-muted" }, "The curve below each image is the speed at which it changes on the way; the dashed line is an even pace, the dot marks t."));

  const y = (speed) => HIGH - 1 - (HIGH - 4) * Math.min(speed, TOP) / TOP; // a speed's height in a chart

  function draw() { // everything
    const theme = colors(root);
    choices.forEach(({ group }, side) => [...group.children].forEach((label, n) => {
      put(label.querySelector("canvas"), picture(pixels[n], shape, theme));
      label.querySelector("input").checked = n === (side ? to : from);
    }));
    cards.forEach(({ curve, speed }, m) => {
      const { steps, length, jump } = speeds[m];
      curve.replaceChildren(line(0, y(1), 100, y(1), { stroke: "var(--ae-muted)", "stroke-width": 0.8, "stroke-dasharray": "2 2" }), line(0, y(0), 100, y(0), { "stroke-width": 0.8 }),
        ...(length ? [path(steps.map((step, i) => [100 * (i + 0.5) / PLACES, y(step * PLACES / length)]), { stroke: "var(--ae-accent)", "stroke-width": 1.6 })] : []),
        svg("circle", { r: 2.6, fill: "var(--ae-text)" }));
      speed.replaceChildren(...length ? [element("b", {}, number(jump, 2)), " × mean at the fastest; length ", element("b", {}, number(length, 1))]
        : ["no way to go"]);
    });
    show();
  }

  function show() { // what depends on t
    const theme = colors(root);
    cards.forEach(({ name, view, curve }, m) => {
      put(view, picture(image(m, t), shape, theme));
      view.setAttribute("aria-label", `${name}: the image at t = ${number(t)} between ${labels[from]} and ${labels[to]}`);
      const { steps, length } = speeds[m], at = Math.min(PLACES - 1, Math.floor(t * PLACES));
      const dot = curve.querySelector("circle");
      dot.setAttribute("cx", 100 * t);
      dot.setAttribute("cy", y(length ? steps[at] * PLACES / length : 0));
    });
    place.value = t;
    place.input.setAttribute("aria-valuetext", `t = ${number(t)}, from ${labels[from]} to ${labels[to]}`);
    if (!run.running) say(`From ${labels[from]} to ${labels[to]}, t ${number(t)}. ` + cards.map(({ name }, m) => Number.isNaN(speeds[m].jump)
      ? name : `${name}: fastest ${number(speeds[m].jump)} times the mean, length ${number(speeds[m].length, 1)}`).join("; "));
  }

  // ---- What a reader does.
  function choose(a, b) {
    [from, to] = [a, b];
    measure();
    draw();
  }

  root.aecourse = { image: (m, place) => [...image(m, place)], choose,
    get state() { return { from, to, t, running: run.running, speeds: speeds.map(({ length, jump }) => ({ length, jump })) }; } };
  measure();
  redraw(root, draw);
}
