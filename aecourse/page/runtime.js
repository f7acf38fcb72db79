// Shared by all parts of a page. `fragment` gives each its own copy, inside its own function: nothing here is global.

// ---- Numbers that travel as text -------------------------------------------------------------------------

export function bytes(base64) {
  const text = atob(base64), numbers = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) numbers[i] = text.charCodeAt(i);
  return numbers;
}
export const floats = (base64) => new Float32Array(bytes(base64).buffer);

// Values in [0, 1] that travel in 8 bits each.
export const greys = (base64) => Float32Array.from(bytes(base64), (value) => value / 255);

// A matrix stored as whole multiples of one scale per row -> Float32Array, row after row.
export function unpack({ shape: [rows, columns], bits, integers, scale }) {
  const whole = new (bits === 8 ? Int8Array : Int16Array)(bytes(integers).buffer);
  const scales = floats(scale), weights = new Float32Array(whole.length);
  for (let i = 0, k = 0; i < rows; i++) for (let j = 0; j < columns; j++, k++) weights[k] = whole[k] * scales[i];
  return weights;
}

// ---- The forward pass ------------------------------------------------------------------------------------

export function erf(x) { // Abramowitz & Stegun 7.1.26: right to 1.5e-7
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - tail * Math.exp(-x * x));
}

export const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export const activations = {
  relu: (x) => Math.max(x, 0),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  tanh: Math.tanh,
  silu: (x) => x * sigmoid(x),
  sigmoid: sigmoid,
  identity: (x) => x,
};

// How a network's numbers become pixels.
export const squashes = { sigmoid, tanh: (x) => (Math.tanh(x) + 1) / 2, identity: (x) => x };

export function dense({ weight, bias }) {
  const w = unpack(weight), b = floats(bias), [rows, columns] = weight.shape;
  return (x) => {
    const y = new Float32Array(rows);
    for (let i = 0, k = 0; i < rows; i++) {
      let sum = b[i];
      for (let j = 0; j < columns; j++) sum += w[k++] * x[j];
      y[i] = sum;
    }
    return y;
  };
}

// Layers as `network.export` writes them -> a function from a code to the decoder's outputs.
export function network(layers) {
  const steps = layers.map((layer) =>
    typeof layer === "string" ? (x) => x.map(activations[layer]) : dense(layer));
  return (z) => steps.reduce((x, step) => step(x), Float32Array.from(z));
}

// ---- Paths -----------------------------------------------------------------------------------------------

// The place at t on the straight line from a to b.
export const between = (a, b, t) => a.map((value, i) => (1 - t) * value + t * b[i]);

// How far each place of a path is from the one before it.
export const stepLengths = (path) => path.slice(1).map((now, i) => {
  let sum = 0;
  for (let k = 0; k < now.length; k++) sum += (now[k] - path[i][k]) ** 2;
  return Math.sqrt(sum);
});

export const total = (values) => values.reduce((sum, value) => sum + value, 0);

// ---- Chance ----------------------------------------------------------------------------------------------

// Uniform numbers strictly between 0 and 1 from a seed (mulberry32).
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

// A list in an order by chance, in its place.
export function shuffle(list, uniform) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

// Standard normal numbers, made of two uniform ones at a time (Box and Muller).
export function normals(uniform) {
  let spare = null;
  return () => {
    if (spare !== null) { const kept = spare; spare = null; return kept; }
    const radius = Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

// ---- The page --------------------------------------------------------------------------------------------

// An element with attributes and children; a child may be text, or a control, which has its element as `node`.
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.map((child) => child.node ?? child));
  return node;
}

// The parts of a figure, put before its description -> its announcer.
export function fill(root, ...parts) {
  root.querySelector("style").after(...parts.map((part) => part.node ?? part));
  return announcer(root);
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Whether this reader would rather have nothing move by itself.
export const calm = matchMedia("(prefers-reduced-motion: reduce)");

// A number as a reader writes it, with a true minus sign.
export const number = (x, digits = 2) => x.toFixed(digits).replace("-", "\u2212");

// "1.5", "1,5", "-1e-3" and a true minus sign are numbers; anything else is NaN.
export function parsed(text) {
  const plain = text.trim().replace(/^[\u2212\u2013]/, "-").replace(",", ".");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

// A text that screen readers speak when it has stood still for a moment.
export function announcer(root) {
  const node = element("p", { class: "ae-spoken", role: "status" });
  let timer;
  root.append(node);
  return (text) => { clearTimeout(timer); timer = setTimeout(() => { node.textContent = text; }, 500); };
}

// ---- Colour ----------------------------------------------------------------------------------------------

const met = {}; // colours asked for before: to read a pixel back may wait for the screen

export function rgb(color) { // any CSS colour -> [r, g, b]
  if (met[color]) return met[color];
  const context = element("canvas", { width: 1, height: 1 }).getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return met[color] = context.getImageData(0, 0, 1, 1).data.slice(0, 3);
}

// The figure's colours as they are now: images are drawn in ink on paper, whatever the theme.
export function colors(root) {
  const style = getComputedStyle(root);
  const ink = rgb(style.color), paper = rgb(style.backgroundColor);
  return { ink, paper, text: style.color, dark: ink[1] > paper[1] };
}

// Call draw now, whenever the theme changes, and whenever the root changes its width.
export function redraw(root, draw) {
  const again = () => requestAnimationFrame(draw);
  const watch = new MutationObserver(again);
  for (const node of [document.documentElement, document.body]) watch.observe(node, { attributes: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let width = root.clientWidth;
  new ResizeObserver(() => { if (root.clientWidth !== width) { width = root.clientWidth; again(); } }).observe(root);
  draw();
}

// Ten colours for classes: told apart on white and on near-black.
export const palette = (dark) => dark
  ? ["#7aa7ff", "#ffb454", "#5fd38d", "#ff7f8a", "#c99bff", "#d0a06e", "#ff9ad5", "#b8c0cc", "#dede5a", "#56dfe8"]
  : ["#1f5fc4", "#d97300", "#15803d", "#cf2436", "#7c3fbf", "#85552a", "#d9459a", "#64707f", "#8f8a00", "#0891a5"];

// A dot of a colour, for a legend.
export const swatch = (color = "none") => element("span", { class: "ae-swatch", style: `background: ${color}`, "aria-hidden": "true" });

// ---- Images ----------------------------------------------------------------------------------------------

// Values in [0, 1], row after row -> a canvas of width x height pixels, 0 as paper and 1 as ink.
export function picture(values, [height, width], { ink, paper }) {
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height), { data } = image;
  for (let i = 0; i < values.length; i++) {
    const v = Math.min(Math.max(values[i], 0), 1);
    for (let c = 0; c < 3; c++) data[4 * i + c] = Math.round(paper[c] + v * (ink[c] - paper[c]));
    data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Make a canvas show a drawn picture, pixel by pixel.
export function put(canvas, drawn) {
  [canvas.width, canvas.height] = [drawn.width, drawn.height];
  canvas.getContext("2d").drawImage(drawn, 0, 0);
}

// Make a canvas show a row of images, two pixels apart.
/** @param {HTMLCanvasElement} canvas @param {Float32Array[]} images @param {number[]} shape */
export function strip(canvas, images, [height, width], theme) {
  [canvas.width, canvas.height] = [images.length * (width + 2) - 2, height];
  const context = canvas.getContext("2d");
  images.forEach((values, n) => context.drawImage(picture(values, [height, width], theme), n * (width + 2), 0));
}

// A canvas for such a row, below words: { canvas, node }.
export function captioned(...heading) {
  const canvas = element("canvas", { role: "img" });
  return { canvas, node: element("div", { class: "ae-row" }, element("p", {}, ...heading), canvas) };
}

// One image after the other, in one long array -> each on its own.
export const parted = (values, pixels) => Array.from({ length: values.length / pixels }, (_, n) => values.subarray(n * pixels, (n + 1) * pixels));

// Make a canvas as sharp as the screen, and return its context in CSS pixels.
export function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.imageSmoothingEnabled = false;
  return context;
}

// ---- Charts ----------------------------------------------------------------------------------------------

// An SVG element with attributes and children.
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const line = (x1, y1, x2, y2, attributes = {}) => svg("line", { x1, y1, x2, y2, stroke: "var(--ae-line)", ...attributes });
export const words = (x, y, text, attributes = {}) => svg("text", { x, y, ...attributes }, text);
export const path = (points, attributes = {}) => svg("path", { d: `M${points.map(([x, y]) => `${x} ${y}`).join("L")}`, fill: "none", ...attributes });

// A chart anew: as wide as given, said in words, with these parts.
export function chart(node, wide, high, label, ...parts) {
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${wide} ${high}`, height: high, "aria-label": label })) node.setAttribute(name, value);
  node.replaceChildren(...parts);
}

// The least of 1, 2 and 5 times a power of ten that is no smaller than a value: how far apart the lines of a chart stand.
export function tidy(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= value * 0.999);
}
