import { button, pad, select } from "./controls.js";
import { clamp, colors, element, picture, put, sharp } from "./runtime.js";

// Digits drawn by hand, as lines of points [x, y] in shares of a pad; brought to the size of the data's.
const arc = (cx, cy, rx, ry, from = 0, to = 2 * Math.PI) => Array.from({ length: 25 }, (_, i) => {
  const angle = from + (to - from) * i / 24;
  return [cx + rx * Math.sin(angle), cy - ry * Math.cos(angle)];
});

// Ten digits, for those who cannot or would rather not draw, some of them in several styles.
export const STROKES = {
  0: [[arc(0.5, 0.5, 0.2, 0.3)]],
  1: [[[[0.4, 0.3], [0.52, 0.2], [0.52, 0.8]]], [[[0.5, 0.2], [0.5, 0.8]]], [[[0.4, 0.3], [0.52, 0.2], [0.52, 0.8]], [[0.38, 0.8], [0.66, 0.8]]]],
  2: [[[...arc(0.5, 0.36, 0.18, 0.16, -1.3, 2.2), [0.32, 0.8], [0.7, 0.8]]]],
  3: [[[...arc(0.48, 0.35, 0.17, 0.15, -1.2, 2.9), ...arc(0.48, 0.65, 0.2, 0.16, 0.2, 4.3)]]],
  4: [[[[0.55, 0.2], [0.3, 0.58], [0.72, 0.58]], [[0.6, 0.42], [0.58, 0.8]]]],
  5: [[[[0.68, 0.2], [0.38, 0.2], [0.35, 0.47], ...arc(0.48, 0.62, 0.19, 0.18, -0.5, 4.2)]]],
  6: [[[[0.6, 0.2], [0.4, 0.42], ...arc(0.5, 0.63, 0.17, 0.17, -1.2, 5.1)]]],
  7: [[[[0.3, 0.22], [0.7, 0.22], [0.45, 0.8]]], [[[0.3, 0.22], [0.7, 0.22], [0.45, 0.8]], [[0.38, 0.5], [0.66, 0.5]]]],
  8: [[arc(0.5, 0.35, 0.15, 0.15), arc(0.5, 0.65, 0.18, 0.15)], [arc(0.5, 0.35, 0.1, 0.15), arc(0.5, 0.65, 0.11, 0.15)]],
  9: [[[...arc(0.5, 0.37, 0.17, 0.17, 1.9, 8.0), [0.64, 0.45], [0.56, 0.8]]]],
};

// A digit in many hands: each style upright first, then narrower, wider and slanted.
export const hands = (styles) => styles.flatMap((lines) => [1, 0.75, 1.25, 0.5].flatMap((wide) => [0, 0.15, -0.15, 0.3, -0.3].map((slant) =>
  lines.map((line) => line.map(([x, y]) => [0.5 + wide * (x - 0.5) + slant * (0.5 - y), y])))));

/** @param {number[]} point @param {number[]} from @param {number[]} to */
function toSegment([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay], t = clamp(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0, 1);
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

// Ink at every pixel of the image that an encoder sees: full within about a pixel of a line, then fading. The longer side of
// the drawing becomes 20 of 28 rows, and its middle the middle of the image, as in the data.
export function raster(lines, [height, width]) {
  const points = lines.flat(), [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = 17 / 28 * Math.max(height, width) / Math.max(x1 - x0, y1 - y0, 0.05);
  /** @param {number[]} point */
  const place = ([x, y]) => [(x - (x0 + x1) / 2) * scale + width / 2 - 0.5, (y - (y0 + y1) / 2) * scale + height / 2 - 0.5];
  const placed = lines.map((line) => line.map(place));
  return Float32Array.from({ length: height * width }, (_, k) => {
    const pixel = [k % width, Math.floor(k / width)];
    let nearest = Infinity;
    for (const line of placed) for (let i = 0; i < line.length; i++) nearest = Math.min(nearest, toSegment(pixel, line[i], line[i + 1] || line[i]));
    return clamp(2.1 - nearest, 0, 1);
  });
}

// A pad to draw a digit on: { board, seen, clear, given, draw, change }. `seen` shows the drawing as an encoder sees it, `clear` is a button,
// and `given` a list, below `words`, of the digits `names` to have drawn in the lines of hand(name), with `none` for none of them.
// look(image) is called with every new drawing, null where it is empty, and says what it sees; draw() draws anew, change() looks anew.
export function digitPad(root, shape, { words = "", none, names, hand, look }) {
  const [height, width] = shape, lines = [], EMPTY = "Nothing is drawn yet";
  let image = null;
  const paper = element("canvas"), board = element("div", { class: "ae-board ae-frame", tabindex: 0, role: "application", "aria-roledescription": "pad",
    "aria-label": "Pad to draw a digit on. Arrow keys move the pen, with Shift in longer steps; Space or Enter draws." }, paper);
  const seen = element("canvas", { class: "ae-seen ae-frame", width, height, role: "img", "aria-label": EMPTY });
  const given = select(words, [["", none], ...names.map((name) => [name, name])], (name) => {
    lines.splice(0, Infinity, ...(name ? hand(name) : []));
    change();
  }, { name: "Have a digit drawn" });
  const clear = button("Clear", () => { lines.length = 0; given.value = ""; change(); });

  function draw() {
    const side = board.clientWidth, theme = colors(root), context = sharp(paper, side, side);
    context.strokeStyle = theme.text;
    [context.lineWidth, context.lineCap, context.lineJoin] = [side / 11, "round", "round"];
    for (const points of lines) {
      context.beginPath();
      points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x * side, y * side));
      if (points.length === 1) context.lineTo(points[0][0] * side + 0.1, points[0][1] * side);
      context.stroke();
    }
    if (image) put(seen, picture(image, shape, theme));
    else seen.getContext("2d").clearRect(0, 0, width, height);
  }
  function change() {
    image = lines.length ? raster(lines, shape) : null;
    draw();
    seen.setAttribute("aria-label", look(image) ?? EMPTY);
  }
  pad(board, { rows: height, columns: width, brush: 1.2, drawn: change, paint([row, column], fresh) {
    if (fresh) lines.push([]);
    lines.at(-1).push([(column + 0.5) / width, (row + 0.5) / height]);
  } });
  return { board, seen, clear, given, draw, change };
}
