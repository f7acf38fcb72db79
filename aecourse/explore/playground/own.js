import { button, group } from "../../page/controls.js";
import { digitPad, hands, STROKES } from "../../page/drawing.js";
import { clamp, element, picture } from "../../page/runtime.js";

// Digits of the reader's own, drawn here or loaded from pictures, made like those of the data: these were scanned as 32 x 32 dots, as
// large as the frame, of which each pixel counts 4 x 4.
const DOTS = 32;

const paperOf = (width, height) => element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });

// A picture of one digit, dark on light or light on dark -> side x side values in [0, 1], or null where nothing stands out.
/** @param {CanvasImageSource & { width: number, height: number }} source @param {number} side */
export function likeData(source, side) {
  const scale = Math.min(1, 160 / Math.max(source.width, source.height));
  const [wide, high] = [source.width, source.height].map((length) => Math.max(1, Math.round(length * scale)));
  const whole = paperOf(wide, high);
  whole.fillStyle = "#fff"; // below what is transparent
  whole.fillRect(0, 0, wide, high);
  whole.drawImage(source, 0, 0, wide, high);
  const { data } = whole.getImageData(0, 0, wide, high);
  const light = Float32Array.from({ length: wide * high }, (_, i) => (0.3 * data[4 * i] + 0.59 * data[4 * i + 1] + 0.11 * data[4 * i + 2]) / 255);
  const rim = light.filter((_, i) => i < wide || i >= wide * (high - 1) || i % wide === 0 || i % wide === wide - 1).sort();
  const ground = rim[rim.length >> 1], ink = light.map((value) => Math.abs(value - ground)), most = ink.reduce((a, b) => Math.max(a, b));
  if (most < 0.2) return null;
  let [left, right, top, bottom] = [wide, -1, high, -1];
  ink.forEach((value, i) => {
    if (value < most / 2) return;
    const [x, y] = [i % wide, Math.floor(i / wide)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  const [w, h] = [right - left + 1, bottom - top + 1], grown = DOTS / Math.max(w, h), framed = paperOf(DOTS, DOTS);
  framed.drawImage(picture(ink.map((value) => clamp(value / most, 0, 1)), [high, wide], { ink: [255, 255, 255], paper: [0, 0, 0] }),
    left, top, w, h, (DOTS - grown * w) / 2, (DOTS - grown * h) / 2, grown * w, grown * h);
  const dots = framed.getImageData(0, 0, DOTS, DOTS).data, block = DOTS / side;
  return Float64Array.from({ length: side * side }, (_, k) => {
    let sum = 0;
    for (let r = 0; r < block; r++) for (let c = 0; c < block; c++)
      sum += dots[4 * ((Math.floor(k / side) * block + r) * DOTS + (k % side) * block + c)];
    return sum / (255 * block * block);
  });
}

// The place where they are made: { node, images, draw }; changed() is called when `images`, at most `room`, are others.
export function ownDigits(root, side, room, changed) {
  const images = [];
  let loaded = [], sketched = null;
  const told = element("p", { class: "ae-muted", role: "status" }, "The figures above then show what the model makes of it, and go on doing so while it trains.");
  const field = element("input", { type: "file", accept: "image/*", multiple: "", hidden: "", "aria-label": "Pictures of single digits" });
  const sketch = digitPad(root, [DOTS, DOTS], { words: "or have one drawn", none: "–", names: Object.keys(STROKES),
    hand: (name) => hands(STROKES[name])[0], look(drawn) {
      sketched = drawn && likeData(picture(drawn, [DOTS, DOTS], { ink: [0, 0, 0], paper: [255, 255, 255] }), side);
      gather();
      return sketched ? "Your digit" : null;
    } });
  const forget = button("Forget all", () => { loaded = []; sketch.clear.click(); });
  field.addEventListener("change", async () => {
    const files = [...field.files], read = await Promise.all(files.map((file) => createImageBitmap(file).then((bitmap) => likeData(bitmap, side), () => null)));
    field.value = "";
    const found = read.filter(Boolean);
    loaded = [...found, ...loaded];
    gather();
    told.textContent = `${found.length} of ${files.length} pictures hold something that stands out from its ground. At most ${room} are shown.`;
  });
  function gather() {
    images.splice(0, Infinity, ...[...(sketched ? [sketched] : []), ...loaded].slice(0, room));
    changed();
  }
  const node = element("details", { class: "ae-own" }, element("summary", {}, "Digits of your own"),
    element("div", { class: "ae-own-parts" }, sketch.board, element("div", {}, element("p", {}, "Draw a digit, as large as you like, or load pictures of one digit each. They stay in this page."),
      sketch.given, group("Your digits", button("Load pictures", () => field.click()), sketch.clear, forget), field, told)));
  node.addEventListener("toggle", () => { if (node.open) sketch.draw(); });
  return { node, images, draw: () => { if (node.open) sketch.draw(); } };
}
