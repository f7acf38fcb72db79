// Codes on their way into a prior: a film of training for each of several priors, and the decoder that came of it.
import { clamp, colors, element, fill, network, number, palette, picture, put, redraw, sharp, squashes, unpack } from "../../page/runtime.js";
import { area, keys, play, pointing, slider, tabs, tryThis } from "../../page/controls.js";

export function build(root, { films, labels, moments, shape, extent, moment, output }) {
  const SECONDS = 5, last = moments.length - 1, count = labels.length; // seconds of the whole film
  const runs = films.map((film) => ({ name: film.name, decode: network(film.network), draws: unpack(film.draws), codes: unpack(film.codes) }));
  let chosen = 0, at = moment, z = [0, 0], theme = colors(root);

  // ---- The parts.
  const plane = element("canvas"), here = element("span", { class: "ae-here" });
  const stage = area("plane of codes", "Plane of codes. Arrow keys move the place that is decoded, with Shift in longer steps; Home returns to the middle.", plane, here);
  const view = element("canvas", { class: "ae-decoded ae-frame", role: "img" }), reading = element("p", { class: "ae-reading" });
  const choice = tabs("Prior", runs.map(({ name }) => name), (i) => { chosen = i; film.stop(); draw(); });
  const time = slider("Training: ", { low: 0, high: last, step: 0.05, value: at, name: "Moment of training", text: told }, (value) => { film.stop(); at = value; draw(); });
  const film = play((seconds) => {
    at = Math.min(last, at + seconds * last / SECONDS);
    time.value = at;
    draw();
    return at < last;
  }, { step: () => { at = at >= last ? 0 : Math.floor(at + 1.001); time.value = at; draw(); }, changed: () => tell() });
  film.node.addEventListener("click", () => { if (film.running && at >= last) at = 0; }); // from the start again
  const say = fill(root, tryThis("choose a prior and press Play. Do the codes come to fill it, or only a part of it?"),
    element("div", { class: "ae-row" }, choice.node), element("div", { class: "ae-row" }, film.node, time.node),
    element("div", { class: "ae-columns" }, stage, element("div", { class: "ae-beside" }, view, reading)),
    element("p", { class: "ae-muted" }, "Grey dots are draws of the prior, digits are the codes of images of that class. "
      + "Move the pointer or a finger over the plane, or focus it and use the arrow keys: the place is decoded by the decoder at the end of training."));

  function told(value) { // the moment in words; between two moments, the one that has been
    return moments[Math.min(last, Math.floor(value + 1e-6))];
  }

  function code(i) { // where image i is now, between two recorded moments on a straight line
    const { codes } = runs[chosen], t = Math.min(last, Math.floor(at)), next = Math.min(last, t + 1), share = at - t;
    return [0, 1].map((axis) => (1 - share) * codes[(2 * t + axis) * count + i] + share * codes[(2 * next + axis) * count + i]);
  }

  const across = (place) => [(place[0] + extent) / (2 * extent), (extent - place[1]) / (2 * extent)];

  function draw() {
    theme = colors(root);
    const side = stage.clientWidth || 320, context = sharp(plane, side, side), shades = palette(theme.dark);
    const spot = (place) => across(place).map((share) => clamp(share, 0.012, 0.988) * side);
    context.clearRect(0, 0, side, side);
    const { draws } = runs[chosen], many = draws.length / 2;
    context.fillStyle = theme.text;
    context.globalAlpha = 0.28;
    for (let i = 0; i < many; i++) {
      const [x, y] = spot([draws[i], draws[many + i]]);
      context.fillRect(x - 1.5, y - 1.5, 3, 3);
    }
    context.globalAlpha = 1;
    context.font = `600 ${side < 360 ? 9 : 11}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let i = 0; i < count; i++) {
      context.fillStyle = shades[labels[i]];
      const [x, y] = spot(code(i));
      context.fillText(labels[i], x, y);
    }
    show();
  }

  function nearest() {
    let best = 0, least = Infinity;
    for (let i = 0; i < count; i++) {
      const [x, y] = code(i), away = Math.hypot(x - z[0], y - z[1]);
      if (away < least) [best, least] = [i, away];
    }
    return [labels[best], least];
  }

  function show() { // what depends on the place
    const [x, y] = across(z), [digit, away] = nearest();
    Object.assign(here.style, { left: `${100 * x}%`, top: `${100 * y}%` });
    put(view, picture(runs[chosen].decode(z).map(squashes[output]), shape, theme));
    view.setAttribute("aria-label", `The image decoded at ${number(z[0])}, ${number(z[1])}`);
    reading.textContent = `z = (${number(z[0])}, ${number(z[1])}). Nearest code: a ${digit}, ${number(away)} away.`;
    tell();
  }

  function tell() {
    if (!film.running) say(`${runs[chosen].name}, ${told(at)}. ${reading.textContent}`);
  }

  function go(place) {
    z = place.map((value) => clamp(value, -extent, extent));
    show();
  }

  pointing(stage, (x, y) => go([(2 * x - 1) * extent, (1 - 2 * y) * extent]), { hover: true });
  keys(stage, (name, arrow, far) => {
    const step = extent * (far ? 0.125 : 0.025);
    if (arrow) go([z[0] + step * arrow[0], z[1] - step * arrow[1]]);
    else if (name === "Home") go([0, 0]);
    else return false;
  });

  root.aecourse = { go, decode: (place) => [...runs[chosen].decode(place).map(squashes[output])], code,
    choose: (i) => { choice.value = i; chosen = i; draw(); }, seek: (t) => { film.stop(); at = t; time.value = t; draw(); },
    get state() { return { chosen, at, z: [...z], running: film.running, nearest: nearest() }; } };
  redraw(root, draw);
}
