// A digit, the maps that each convolution makes of it, and the pixels that one unit of them sees.
import { activations, clamp, colors, element, fill, floats, greys, number, picture, put, redraw, unpack } from "../../page/runtime.js";
import { area, button, group, inReach, keys, pad, pointing, tabs, tryThis } from "../../page/controls.js";

// Maps [channels][rows * columns] of a layer for the maps below; sides are [rows, columns].
function convolved(maps, [high, wide], layer) {
  const { kernel, stride, padding, rows, columns, weights, biases, act } = layer;
  return Array.from(biases, (bias, o) => {
    const out = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
      let sum = bias;
      for (let c = 0, w = o * maps.length * kernel * kernel; c < maps.length; c++)
        for (let u = 0; u < kernel; u++) for (let v = 0; v < kernel; v++, w++) {
          const r = stride * i + u - padding, s = stride * j + v - padding;
          if (r >= 0 && r < high && s >= 0 && s < wide) sum += weights[w] * maps[c][r * wide + s];
        }
      out[i * columns + j] = act(sum);
    }
    return out;
  });
}

export function build(root, { images, shape, labels, layers: packedLayers }) {
  const [height, width] = shape, NAMES = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth"];
  const digits = images.map(greys), drawn = Float32Array.from(digits[0]);
  let side = shape;
  const layers = packedLayers.map((layer) => {
    const [rows, columns] = side = side.map((n) => Math.floor((n + 2 * layer.padding - layer.kernel) / layer.stride) + 1);
    return { ...layer, rows, columns, weights: unpack(layer.weight), biases: floats(layer.bias), act: activations[layer.activation] };
  });
  const name = (n) => `${NAMES[n] ?? `Layer ${n + 1}:`} layer`;
  const state = { digit: 0, layer: layers.length - 1, map: 0, unit: [0, 0], erasing: false };
  let answers = []; // of each layer, its maps

  // ---- The parts.
  const choice = tabs("Which digit", labels, (n) => { state.digit = n; drawn.set(digits[n]); compute(); draw(); });
  const which = tabs("Which layer", layers.map((layer, n) => `${name(n)}: ${layer.biases.length} maps`), (n) => open(n), { value: state.layer });
  const pen = tabs("What the pen does", ["draw", "erase"], (n) => { state.erasing = n === 1; });
  const canvas = element("canvas"), box = element("span", { class: "ae-box" });
  const stage = area("image to draw on", "The digit. Arrow keys move the pen, with Shift in longer steps; Space or Enter draws.", canvas, box);
  const patch = element("canvas", { role: "img" }), reading = element("p", { class: "ae-reading" });
  const maps = element("div", { class: "ae-maps", tabindex: 0, role: "application", "aria-roledescription": "feature maps",
    "aria-label": "The maps of this layer. Arrow keys move from unit to unit; Page Up and Page Down change the map." });
  const say = fill(root,
    tryThis("move over the maps and watch the outlined pixels. Then draw into the digit: which places of the maps change?"),
    choice.node, which.node,
    element("div", { class: "ae-sides" },
      element("div", { class: "ae-left" }, stage,
        group("The pen", ...pen.buttons, button("clear", () => { drawn.fill(0); compute(); draw(); })),
        element("div", { class: "ae-patch" }, element("div", { class: "ae-frame" }, patch), reading)),
      maps));
  let views = [];

  function open(n) {
    const { rows, columns, biases } = layers[n];
    state.layer = n;
    state.unit = [rows >> 1, columns >> 1];
    const middle = answers[n].map((map) => map[state.unit[0] * columns + state.unit[1]]);
    state.map = middle.indexOf(Math.max(...middle)); // begin where there is something to see
    views = Array.from(biases, (_, m) => {
      const view = element("canvas"), mark = element("span", { class: "ae-box" });
      const node = element("div", { class: "ae-map ae-frame" }, view, mark);
      pointing(node, (x, y) => choose(m, [Math.min(Math.floor(y * rows), rows - 1), Math.min(Math.floor(x * columns), columns - 1)]), { hover: true });
      return { node, view, mark };
    });
    maps.style.setProperty("--ae-columns", biases.length > 12 ? 4 : Math.min(biases.length, 4));
    maps.replaceChildren(...views.map(({ node }) => node));
    draw();
  }

  function choose(map, unit) {
    [state.map, state.unit] = [map, unit];
    draw();
  }

  function compute() {
    let below = [drawn], side = shape;
    answers = layers.map((layer) => {
      below = convolved(below, side, layer);
      side = [layer.rows, layer.columns];
      return below;
    });
  }

  // The pixels [first, last) that a unit sees along each side; the padding may be among them.
  const seen = () => state.unit.map((at) => {
    const { start, step, size } = layers[state.layer].field;
    return [start + at * step, start + at * step + size];
  });
  /** @param {number[]} ends @param {number} length */
  const inside = ([first, last], length) => [Math.max(first, 0), Math.min(last, length)];

  /** @param {HTMLElement} mark @param {number[]} rows @param {number[]} columns @param {number[]} sides */
  function place(mark, [top, bottom], [left, right], [high, wide]) {
    Object.assign(mark.style, { top: `${100 * top / high}%`, height: `${100 * (bottom - top) / high}%`,
      left: `${100 * left / wide}%`, width: `${100 * (right - left) / wide}%` });
  }

  function draw() {
    const theme = colors(root), { rows, columns, field } = layers[state.layer], [down, right] = seen();
    put(canvas, picture(drawn, shape, theme));
    place(box, inside(down, height), inside(right, width), shape);
    const top = Math.max(1e-6, ...answers[state.layer].map((map) => Math.max(...map)));
    views.forEach(({ node, view, mark }, m) => {
      put(view, picture(answers[state.layer][m].map((v) => v / top), [rows, columns], theme));
      mark.hidden = m !== state.map;
      place(mark, [state.unit[0], state.unit[0] + 1], [state.unit[1], state.unit[1] + 1], [rows, columns]);
      node.toggleAttribute("data-chosen", m === state.map);
    });
    const cut = new Float32Array(field.size ** 2);
    for (let r = 0; r < field.size; r++) for (let c = 0; c < field.size; c++) {
      const [y, x] = [down[0] + r, right[0] + c];
      if (y >= 0 && y < height && x >= 0 && x < width) cut[r * field.size + c] = drawn[y * width + x];
    }
    put(patch, picture(cut, [field.size, field.size], theme));
    const [rowsSeen, columnsSeen] = [inside(down, height), inside(right, width)].map(([a, b]) => `${a + 1} to ${b}`);
    const value = answers[state.layer][state.map][state.unit[0] * columns + state.unit[1]];
    const told = `${name(state.layer)}, map ${state.map + 1}, row ${state.unit[0] + 1}, column ${state.unit[1] + 1}`;
    reading.replaceChildren(`${told}: `, element("b", {}, number(value)), element("br"), `It sees rows ${rowsSeen}, columns ${columnsSeen}.`);
    patch.setAttribute("aria-label", `The ${field.size} by ${field.size} pixels that this unit sees`);
    choice.value = state.digit;
    say(`${told}: ${number(value)}. It sees rows ${rowsSeen}, columns ${columnsSeen} of the digit.`);
  }

  // ---- Pointer and keys.
  keys(maps, (key, arrow) => {
    const { rows, columns, biases } = layers[state.layer];
    if (arrow) choose(state.map, [clamp(state.unit[0] + arrow[1], 0, rows - 1), clamp(state.unit[1] + arrow[0], 0, columns - 1)]);
    else if (key === "PageDown" || key === "PageUp") choose((state.map + (key === "PageDown" ? 1 : biases.length - 1)) % biases.length, state.unit);
    else return false;
  });
  pad(stage, { rows: height, columns: width, brush: 1.2,
    paint: (place) => inReach(shape, place, 1.2, (i) => { drawn[i] = state.erasing ? 0 : 1; }),
    drawn: () => { compute(); draw(); } });

  compute();
  open(state.layer);
  root.aecourse = { get maps() { return answers.map((maps) => maps.map((map) => [...map])); }, get image() { return [...drawn]; },
    get state() { return { ...state, unit: [...state.unit] }; } };
  redraw(root, draw);
}
