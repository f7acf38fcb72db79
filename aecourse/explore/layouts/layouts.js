import { area, keys, loop, nextTo, pointing, slider, tryThis } from "../../page/controls.js";
import { calm, colors, element, fill, greys, number, palette, parted, picture, put, redraw, sharp, unpack } from "../../page/runtime.js";

// Several pictures of the same codes: the points move from one to the next, and a chosen one shows who its neighbours are.
export function build(root, { names, places, kept, true: near, labels, classes, images, shape, start }) {
  const layouts = places.map(unpack), count = labels.length, k = near[0].length, values = parted(greys(images), shape[0] * shape[1]);
  let chosen = start, layout = 0, now = Float32Array.from(layouts[0]), from = now, t = 1;

  // The parts.
  const which = slider("Picture: ", { low: 0, high: names.length - 1, step: 1, name: "Picture", text: (i) => names[i] }, moveTo);
  const canvas = element("canvas");
  const stage = area("picture of codes", "Picture of codes. Arrow keys choose the next point in their direction; Home returns to the first.", canvas);
  const image = element("canvas", { class: "ae-chosen ae-frame", role: "img" });
  const strip = element("div", { class: "ae-strip", role: "img" });
  const reading = element("p", { class: "ae-reading" }), overall = element("p", { class: "ae-reading" });
  const say = fill(root, tryThis("move the slider. Do the lines of the chosen digit become shorter? Then choose a digit in the middle of its group."),
    which,
    element("div", { class: "ae-columns" }, stage,
      element("div", { class: "ae-beside" }, image,
        element("div", {}, element("p", {}, `Its ${k} nearest codes:`), strip, reading, overall))),
    element("p", { class: "ae-muted" }, "Click or tap a point, or focus the picture and use the arrow keys. Lines lead to the nearest "
      + "codes; framed images are near in the picture, too."));

  const at = (points, i) => [points[i], points[count + i]];
  /** @type {(a: number[], b: number[]) => number} */
  const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);

  // The k nearest points in the picture that is shown, the place of the movement not counting.
  function found(i) {
    const points = layouts[layout], here = at(points, i);
    return labels.map((_, j) => j).filter((j) => j !== i)
      .map((j) => [distance(here, at(points, j)), j]).sort((a, b) => a[0] - b[0]).slice(0, k).map(([, j]) => j);
  }

  function draw() {
    const side = stage.clientWidth, theme = colors(root), ink = palette(theme.dark), context = sharp(canvas, side, side);
    const where = (i) => at(now, i).map((value, axis) => side / 2 + (axis ? -1 : 1) * value * (side / 2 - 12));
    const [x, y] = where(chosen);
    context.strokeStyle = theme.text;
    context.globalAlpha = 0.55;
    context.beginPath();
    for (const j of near[chosen]) { context.moveTo(x, y); context.lineTo(...where(j)); }
    context.stroke();
    context.textAlign = "center";
    context.textBaseline = "middle";
    const size = side > 400 ? 12 : 10.5, special = new Set([chosen, ...near[chosen]]);
    const order = labels.map((_, i) => i).sort((a, b) => Number(special.has(a)) - Number(special.has(b)));
    for (const i of order) {
      const spot = where(i), marked = special.has(i);
      if (marked) disc(spot, i === chosen ? 11 : 8.5, i === chosen ? 3 : 1.5);
      context.globalAlpha = marked ? 1 : 0.8;
      context.font = `${marked ? "bold " : ""}${size}px system-ui, sans-serif`;
      context.fillStyle = ink[labels[i]];
      context.fillText(classes[labels[i]][0] || "•", ...spot);
    }

    function disc(spot, radius, width) {
      context.globalAlpha = 1;
      context.beginPath();
      context.arc(...spot, radius, 0, 2 * Math.PI);
      context.fillStyle = `rgb(${theme.paper.join()})`;
      context.fill();
      context.lineWidth = width;
      context.strokeStyle = theme.text;
      context.stroke();
      context.lineWidth = 1;
    }
  }

  function show() {
    const theme = colors(root), pictured = found(chosen), shared = near[chosen].filter((j) => pictured.includes(j)).length;
    put(image, picture(values[chosen], shape, theme));
    image.setAttribute("aria-label", `The image of the chosen code, a ${classes[labels[chosen]]}`);
    strip.replaceChildren(...near[chosen].map((j) => {
      const node = element("canvas", { class: pictured.includes(j) ? "ae-kept" : "ae-lost" });
      put(node, picture(values[j], shape, theme));
      return node;
    }));
    strip.setAttribute("aria-label", `Its nearest codes: ${near[chosen].map((j) => classes[labels[j]]).join(", ")}`);
    reading.textContent = `${shared} of these ${k} are among its ${k} nearest in this picture.`;
    overall.textContent = `Average over all ${count} points: ${number(k * kept[layout], 1)} of ${k}.`;
    say(`${names[layout]}, a ${classes[labels[chosen]]}. ${reading.textContent}`);
    draw();
  }

  function choose(i) { chosen = i; show(); }

  // From where the points are to where the next picture has them, in half a second.
  const move = loop(root, (seconds) => {
    t = Math.min(t + 2 * seconds, 1);
    now = from.map((value, i) => value + t * t * (3 - 2 * t) * (layouts[layout][i] - value));
    draw();
    return t < 1;
  });

  function moveTo(next) {
    which.value = layout = next;
    [from, t] = [Float32Array.from(now), calm.matches ? 1 : 0];
    if (calm.matches) now = Float32Array.from(layouts[next]);
    else move.start();
    show();
  }

  pointing(stage, (x, y) => {
    const side = stage.clientWidth, spot = [(x - 0.5) * side / (side / 2 - 12), (0.5 - y) * side / (side / 2 - 12)];
    choose(labels.reduce((best, _, i) => distance(at(now, i), spot) < distance(at(now, best), spot) ? i : best, 0));
  });
  keys(stage, (key, arrow) => {
    if (arrow) step(arrow);
    else if (key === "Home") choose(start);
    else return false;
  });

  function step([right, down]) {
    const next = nextTo(labels.map((_, i) => at(layouts[layout], i)), chosen, [right, -down]);
    if (next >= 0) choose(next);
  }

  root.aecourse = {
    choose, moveTo, found,
    get state() { return { chosen, layout, moving: move.running, place: [...at(now, chosen)], shared: strip.querySelectorAll(".ae-kept").length }; },
  };
  redraw(root, show);
}
