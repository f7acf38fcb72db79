import { button, group, select, slider, tabs, tryThis } from "../../page/controls.js";
import { digitPad, hands, STROKES } from "../../page/drawing.js";
import { colors, element, fill, network, normals, number, picture, put, redraw, sigmoid, uniforms, unpack } from "../../page/runtime.js";

// One code for all classes: the label chooses what is drawn, the code how.
export function build(root, data) {
  const { k, order, shape, names, extent } = data;
  const rows = unpack(data.rows), wide = rows.length / names.length;
  const row = (c) => Array.from(rows.subarray(c * wide, (c + 1) * wide));
  const forward = network(data.decoder), backward = network(data.encoder), chance = normals(uniforms(9));
  const decode = (z, c) => forward([...z, ...row(c)]).map(sigmoid);
  const encode = (image, c) => Array.from(backward([...image, ...row(c)]).subarray(0, k)); // the mean of q(z|x, y)
  let z = Array(k).fill(0), hand = "a typical hand", drawn = null;

  // The parts.
  const large = element("canvas", { class: "ae-large ae-frame", role: "img" });
  const cells = names.map((name) => element("span", { class: "ae-cell" }, element("canvas", { "aria-hidden": "true" }), name));
  const asked = tabs("Which digit to ask for", cells, show, { value: Math.min(7, names.length - 1), names: names.map((name) => `Ask for ${name}`) });
  asked.node.classList.add("ae-asked");
  const levers = order.map((j, place) => slider(`style ${place + 1} = `, { low: -extent, high: extent, step: 0.05, value: 0, name: `Style ${place + 1}` },
    (value) => { z[j] = value; hand = "a hand of your making"; show(); }));
  const take = (code, whose) => { z = code; hand = whose; levers.forEach((lever, place) => { lever.value = z[order[place]]; }); show(); };
  const buttons = group("Handwriting",
    button("Another hand", () => take(z.map(() => chance()), "a hand by chance"), { class: "ae-main" }),
    button("Typical hand", () => take(Array(k).fill(0), "a typical hand")));
  const reading = element("p", { class: "ae-reading" });

  const isA = select("This is a", names.map((name, c) => [c, name]), () => sketch.change(), { value: Math.min(3, names.length - 1), name: "Which digit the drawing is" });
  const sketch = digitPad(root, shape, { words: "or have one drawn", none: "–", names: Object.keys(STROKES).filter((name) => names.includes(name)),
    hand(name) { isA.value = names.indexOf(name); return hands(STROKES[name])[1]; }, look });

  const say = fill(root,
    tryThis("ask for a 7. Move a slider. Then ask for a 4: it is written in the same hand. Or draw a digit and say which one it is: "
      + "the encoder reads your hand from it, and all ten digits below are written in it."),
    element("div", { class: "ae-top" },
      element("div", {}, large, reading),
      element("div", {}, sketch.board, element("p", {}, "Draw a digit here.")),
      element("div", { class: "ae-fields" }, isA, sketch.given, group("Drawing", sketch.clear), sketch.seen)),
    asked,
    element("div", { class: "ae-levers" }, element("div", { class: "ae-sliders" }, ...levers.map(({ node }) => node)), buttons));

  function show() {
    const theme = colors(root);
    cells.forEach((cell, c) => put(cell.firstChild, picture(decode(z, c), shape, theme)));
    put(large, picture(decode(z, asked.value), shape, theme));
    const text = `Asked for ${names[asked.value]}, in ${hand}.`;
    large.setAttribute("aria-label", text);
    reading.textContent = text;
    say(`${text} Code ${z.map((value) => number(value, 1)).join(", ")}`);
  }

  // The code of a drawing becomes the hand of all classes.
  function look(image) {
    drawn = image && { image, label: isA.value, mu: encode(image, isA.value) };
    if (!drawn) return null;
    take([...drawn.mu], `the hand of your ${names[isA.value]}`);
    return `The drawing as the encoder sees it, read as ${names[isA.value]}`;
  }

  root.aecourse = { decode, encode, take, get z() { return [...z]; }, get asked() { return asked.value; }, get drawn() { return drawn; } };
  redraw(root, () => { show(); sketch.draw(); });
}
