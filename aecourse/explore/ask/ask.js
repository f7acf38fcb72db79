import { button, group, pad, select, slider, tabs } from "../../page/controls.js";
import { colors, element, fill, network, normals, number, picture, put, redraw, sharp, sigmoid, uniforms, unpack } from "../../page/runtime.js";
import { hands, raster, STROKES } from "../latent_plane/drawing.js";

// One code for all classes: the label chooses what is drawn, the code how.
export function build(root, data) {
  const { k, order, shape, names, extent } = data, [height, width] = shape;
  const rows = unpack(data.rows), wide = rows.length / names.length;
  const row = (c) => Array.from(rows.subarray(c * wide, (c + 1) * wide));
  const forward = network(data.decoder), backward = network(data.encoder), chance = normals(uniforms(9));
  const decode = (z, c) => forward([...z, ...row(c)]).map(sigmoid);
  const encode = (image, c) => Array.from(backward([...image, ...row(c)]).subarray(0, k)); // the mean of q(z|x, y)
  let z = Array(k).fill(0), hand = "a typical hand", drawn = null, theme = colors(root);

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

  const paper = element("canvas"), lines = [];
  const board = element("div", { class: "ae-board ae-frame", tabindex: 0, role: "application", "aria-roledescription": "pad",
    "aria-label": "Pad to draw a digit on. Arrow keys move the pen, with Shift in longer steps; Space or Enter draws." }, paper);
  const seen = element("canvas", { class: "ae-seen ae-frame", width, height, role: "img", "aria-label": "Nothing is drawn yet" });
  const isA = select("This is a", names.map((name, c) => [c, name]), look, { value: Math.min(3, names.length - 1), name: "Which digit the drawing is" });
  const given = select("or have one drawn", [["", "–"], ...Object.keys(STROKES).filter((name) => names.includes(name)).map((name) => [name, name])], (name) => {
    lines.splice(0, Infinity, ...(name ? hands(STROKES[name])[1] : []));
    if (name) isA.value = names.indexOf(name);
    look();
  }, { name: "Have a digit drawn" });

  const say = fill(root,
    element("p", { class: "ae-try" }, element("b", {}, "Try this: "), "ask for a 7. Move a slider. Then ask for a 4: it is written in the same hand. Or draw a digit and say which one it is: "
      + "the encoder reads your hand from it, and all ten digits below are written in it."),
    element("div", { class: "ae-top" },
      element("div", {}, large, reading),
      element("div", {}, board, element("p", {}, "Draw a digit here.")),
      element("div", { class: "ae-fields" }, isA, given, group("Drawing", button("Clear", () => { lines.length = 0; given.value = ""; look(); })), seen)),
    asked,
    element("div", { class: "ae-levers" }, element("div", { class: "ae-sliders" }, ...levers.map(({ node }) => node)), buttons));

  function show() {
    theme = colors(root);
    cells.forEach((cell, c) => put(cell.firstChild, picture(decode(z, c), shape, theme)));
    put(large, picture(decode(z, asked.value), shape, theme));
    const text = `Asked for ${names[asked.value]}, in ${hand}.`;
    large.setAttribute("aria-label", text);
    reading.textContent = text;
    say(`${text} Code ${z.map((value) => number(value, 1)).join(", ")}`);
  }

  // The drawing as it is, and as the encoder sees it; its code becomes the hand of all classes.
  function look() {
    ink();
    if (!lines.length) {
      drawn = null;
      seen.getContext("2d").clearRect(0, 0, width, height);
      seen.setAttribute("aria-label", "Nothing is drawn yet");
      return;
    }
    const image = raster(lines, shape);
    drawn = { image, label: isA.value, mu: encode(image, isA.value) };
    put(seen, picture(image, shape, theme));
    seen.setAttribute("aria-label", `The drawing as the encoder sees it, read as ${names[isA.value]}`);
    take([...drawn.mu], `the hand of your ${names[isA.value]}`);
  }
  function ink() {
    const side = board.clientWidth, context = sharp(paper, side, side);
    context.strokeStyle = theme.text;
    [context.lineWidth, context.lineCap, context.lineJoin] = [side / 11, "round", "round"];
    for (const line of lines) {
      context.beginPath();
      line.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * side, y * side));
      if (line.length === 1) context.lineTo(line[0][0] * side + 0.1, line[0][1] * side);
      context.stroke();
    }
  }
  pad(board, { rows: height, columns: width, brush: 1.2, drawn: look, paint([down, across], fresh) {
    if (fresh) lines.push([]);
    lines.at(-1).push([(across + 0.5) / width, (down + 0.5) / height]);
  } });

  root.aecourse = { decode, encode, take, get z() { return [...z]; }, get asked() { return asked.value; }, get drawn() { return drawn; } };
  redraw(root, () => { show(); ink(); if (drawn) put(seen, picture(drawn.image, shape, theme)); });
}
