import { area, keys, loop, pointing, shares, tabs, tryThis } from "../../page/controls.js";
import { between, calm, captioned, clamp, colors, element, fill, greys, network, number, palette, picture, redraw, rgb, sharp, squashes, stepLengths, strip, total, unpack } from "../../page/runtime.js";
import { refined, search } from "./shorter.js";

// Two ways between two codes: the straight line, and a shorter path, looked for while the reader waits.
export function build(root, data) {
  const { extent, shape, labels, names, ground, places, ends: given } = data;
  const codes = unpack(data.codes), count = labels.length, run = network(data.layers);
  const decode = (z) => run(z).map(squashes[data.output]);
  const PLACES = 25, SHOWN = 9, FINER = 4, BEND = 0.3; // of a path; of them, in a strip; parts of a step, to measure; how far a bent start leaves the line, as a share of it
  const ends = given.map((end) => [...end]);
  let chosen = 0, hunt, straight, found, apart;

  // The parts.
  const plane = element("canvas"), reading = element("p", { class: "ae-reading" });
  const stage = area("plane of codes", "Plane of codes with two ends of a path, A and B. Arrow keys move the chosen end, with Shift in longer steps; Space chooses the other end; Home puts both back.", plane);
  const which = tabs("End that moves", ["A", "B"], (i) => { chosen = i; show(); }, { names: ["Move end A", "Move end B"] });
  const start = tabs("The search begins", ["on the line", "left of it", "right of it"], begin);
  const lengths = ["blend of the two images", "straight line", "path found"].map((name, i) => ({ name, line: element("span", { class: `ae-key ae-key-${i}`, "aria-hidden": true }),
    value: element("td") }));
  const table = element("table", {}, element("thead", {}, element("tr", {}, element("th", {}, "path"), element("th", {}, "length"))),
    element("tbody", {}, ...lengths.map(({ name, line, value }) => element("tr", {}, element("th", { scope: "row" }, line, ` ${name}`), value))));
  const rows = ["straight line", "path found"].map((name) => captioned(`Images on the ${name}, A to B`));
  const say = fill(root,
    tryThis("move an end into another group of digits. Does the path found bend, and how much does it save? Then let the search begin left and right of the line: does it end at the same length?"),
    element("div", { class: "ae-columns" }, stage, element("div", {}, element("p", {}, "End that moves:"), which, element("p", {}, "The search begins:"), start, table, reading)),
    ...rows, element("p", { class: "ae-muted" }, "Drag an end, or tap where it shall go; or focus the plane and use the arrow keys. The bluer the ground, the further a small step "
      + "moves the image. No path is shorter than the blend, which leaves what the decoder can draw."));

  const image = (path) => refined(path, FINER).map(decode), lengthOf = (path) => total(stepLengths(image(path)));
  const seek = loop(root, () => { const more = hunt.step(); measure(); return more; }, () => { if (!seek.running) show(); });

  // From the two ends anew: the line at once, the path found in a step a frame.
  function begin() {
    const [a, b] = ends, side = [0, 1, -1][start.value], aside = [a[1] - b[1], b[0] - a[0]];
    const line = Array.from({ length: PLACES }, (_, t) => between(a, b, t / (PLACES - 1)));
    const bent = line.map((z, t) => z.map((value, axis) => value + side * BEND * Math.sin(Math.PI * t / (PLACES - 1)) * aside[axis]));
    hunt = search(decode, bent);
    straight = { path: line, images: line.map(decode), length: lengthOf(line) };
    apart = total(stepLengths([straight.images[0], straight.images.at(-1)]));
    if (calm.matches) while (hunt.step());
    measure();
    if (!calm.matches) seek.start();
  }

  function measure() {
    found = { path: hunt.path, images: hunt.images, length: lengthOf(hunt.path) };
    show();
  }

  const across = ([x, y]) => [(x + extent) / (2 * extent), (extent - y) / (2 * extent)];

  function draw(theme, ink) {
    const side = stage.clientWidth, context = sharp(plane, side, side), at = (z) => across(z).map((share) => share * side);
    const tint = { paper: theme.paper, ink: theme.paper.map((value, c) => Math.round(value + 0.55 * (rgb(ink[0])[c] - value))) };
    context.imageSmoothingEnabled = true;
    context.drawImage(picture(greys(ground), [places, places], tint), 0, 0, side, side);
    context.font = "bold 10px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.globalAlpha = 0.85;
    for (let i = 0; i < count; i++) {
      context.fillStyle = ink[labels[i]];
      context.fillText(names[labels[i]][0] || "•", ...at([codes[i], codes[count + i]]));
    }
    context.globalAlpha = 1;
    way(straight.path, 2, [6, 4]);
    way(found.path, 3.5, []);
    ends.forEach((end, i) => {
      const [x, y] = at(end);
      context.beginPath();
      context.arc(x, y, i === chosen ? 13 : 11, 0, 2 * Math.PI);
      context.fillStyle = `rgb(${theme.paper.join()})`;
      context.fill();
      context.lineWidth = i === chosen ? 4 : 2;
      context.strokeStyle = context.fillStyle = theme.text;
      context.stroke();
      context.font = "bold 13px system-ui, sans-serif";
      context.fillText("AB"[i], x, y + 1);
    });

    function way(path, width, dash) { // with a halo of paper
      for (const halo of [true, false]) {
        context.setLineDash(halo ? [] : dash);
        context.lineWidth = width + (halo ? 3 : 0);
        context.strokeStyle = halo ? `rgb(${theme.paper.join()})` : theme.text;
        context.beginPath();
        path.forEach((z, t) => context[t ? "lineTo" : "moveTo"](...at(z)));
        context.stroke();
      }
      context.setLineDash([]);
    }
  }

  function show() {
    const theme = colors(root), ink = palette(theme.dark), saved = straight.length ? 1 - found.length / straight.length : 0;
    draw(theme, ink);
    [apart, straight.length, found.length].forEach((length, i) => { lengths[i].value.textContent = number(length); });
    const percent = number(100 * Math.abs(saved), 1);
    reading.textContent = seek.running ? `Step ${hunt.steps} of the search.`
      : `After ${hunt.steps} steps the path found is ${percent} % ${saved < 0 ? "longer" : "shorter"} than the line.`;
    [straight, found].forEach(({ images, length }, i) => {
      strip(rows[i].canvas, Array.from({ length: SHOWN }, (_, k) => images[k * (PLACES - 1) / (SHOWN - 1)]), shape, theme);
      rows[i].canvas.setAttribute("aria-label", `${SHOWN} images on the ${["straight line", "path found"][i]} from A to B, length ${number(length)}`);
    });
    if (!seek.running) say(`End ${"AB"[chosen]} at ${ends[chosen].map((value) => number(value)).join(", ")}. Straight line ${number(straight.length)}. ${reading.textContent}`);
  }

  function go(i, place) {
    ends[i] = place.map((value) => clamp(value, -extent, extent));
    begin();
  }

  stage.addEventListener("pointerdown", (event) => { // the end that is nearer
    const spot = shares(event, stage), far = ends.map((end) => Math.hypot(...across(end).map((share, axis) => share - spot[axis])));
    which.value = chosen = far[0] <= far[1] ? 0 : 1;
  });
  pointing(stage, (x, y) => go(chosen, [(2 * x - 1) * extent, (1 - 2 * y) * extent]));
  keys(stage, (key, arrow, far) => {
    const step = extent * (far ? 0.1 : 0.02);
    if (arrow) go(chosen, [ends[chosen][0] + step * arrow[0], ends[chosen][1] - step * arrow[1]]);
    else if (key === " " || key === "Enter") { which.value = chosen = 1 - chosen; show(); }
    else if (key === "Home") { given.forEach((end, i) => { ends[i] = [...end]; }); begin(); }
    else return false;
  });

  root.aecourse = { decode: (z) => [...decode(z)], go, lengthOf,
    get state() { return { ends: ends.map((end) => [...end]), chosen, running: seek.running, steps: hunt.steps, energy: hunt.energy, straight: straight.length, found: found.length,
      apart, path: hunt.path.map((z) => [...z]) }; } };
  begin();
  redraw(root, show);
}
