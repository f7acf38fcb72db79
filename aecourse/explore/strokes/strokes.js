import { area, button, group, inReach, initials, pad, slider, tabs, tryThis } from "../../page/controls.js";
import { colors, element, fill, floats, greys, network, number, picture, put, redraw, sharp, unpack } from "../../page/runtime.js";

// Draw a digit and see which features of a sparse code light up; the slider chooses the price that activity had.
export function build(root, { models, images, labels, shape, price }) {
  const [height, width] = shape, pixels = height * width, STRONGEST = 6;
  const given = images.map(greys);
  const nets = models.map(({ encoder, decoder }) => {
    const weight = unpack(decoder[0].weight), units = decoder[0].weight.shape[1];
    const features = Array.from({ length: units }, (_, j) => Float32Array.from({ length: pixels }, (_, i) => weight[i * units + j]));
    return { encode: network(encoder), decode: network(decoder), bias: floats(decoder[0].bias), units, features,
      tiles: features.map((f) => { const top = Math.max(...f.map(Math.abs)) || 1; return f.map((v) => 0.5 + v / (2 * top)); }) };
  });
  const across = Math.ceil(Math.sqrt(nets[0].units) * 1.25), down = Math.ceil(nets[0].units / across);
  const state = { model: models.length >> 1, image: 0, ink: Float32Array.from(given[0]), left: new Set() };

  // ---- What the network says.
  const code = (ink) => nets[state.model].encode(ink);
  function shown(z) { // the code without what the reader has left out
    return z.map((v, j) => (state.left.has(j) ? 0 : v));
  }
  const order = (z) => [...z.keys()].filter((j) => z[j] > 0).sort((a, b) => z[b] * norm(b) - z[a] * norm(a));
  const norm = (j) => Math.hypot(...nets[state.model].features[j]);

  // ---- The parts.
  const choose = tabs("Which image", labels, (n) => { state.ink = Float32Array.from(given[n]); state.image = n; state.left.clear(); draw(); });
  const tools = group("Drawing", choose, button("clear", () => { state.ink.fill(0); state.left.clear(); draw(); }));
  const stage = area("image to draw on",
    "Your digit. Arrow keys move the pen, with Shift in longer steps; Space or Enter draws; E chooses the eraser, D the pen.", element("canvas"));
  const TOOLS = ["draw", "erase"], tool = tabs("What the pen does", TOOLS, () => {});
  const remade = element("canvas", { role: "img" }), wall = element("canvas", { role: "img", class: "ae-wall" });
  const reading = element("p", { class: "ae-reading" });
  const dial = slider(`${price} `, { low: 0, high: models.length - 1, step: 1, value: state.model, name: price, text: (i) => models[i].price },
    (i) => { state.model = i; state.left.clear(); draw(); });
  const best = Array.from({ length: STRONGEST }, () => {
    const view = element("canvas"), amount = element("span");
    const node = button(view, () => {
      const j = Number(node.dataset.unit);
      if (state.left.has(j)) state.left.delete(j); else state.left.add(j);
      draw();
    }, { "aria-pressed": "false" });
    node.append(amount);
    return { node, view, amount };
  });
  const say = fill(root, tryThis("press the strongest feature to leave it out. What is gone from the digit? Then move the slider: how many features are still lit?"),
    tools, dial,
    element("div", { class: "ae-parts" },
      element("figure", {}, element("figcaption", {}, "draw here"), stage, tool.node),
      element("figure", {}, element("figcaption", {}, "made of the lit features"), element("div", { class: "ae-stage ae-frame" }, remade), reading),
      element("figure", { class: "ae-whole" }, element("figcaption", {}, "all features: the lit ones are active"), element("div", { class: "ae-frame" }, wall))),
    element("div", { class: "ae-best" }, element("p", { class: "ae-muted" }, "The strongest features. Press one to leave it out:"),
      group("The strongest features", ...best)));

  function draw() {
    const theme = colors(root), net = nets[state.model], z = code(state.ink), kept = shown(z), image = net.decode(kept);
    put(stage.querySelector("canvas"), picture(state.ink, shape, theme));
    put(remade, picture(image, shape, theme));
    const lit = order(z), top = lit.length ? z[lit[0]] * norm(lit[0]) : 1;
    const error = image.reduce((sum, v, i) => sum + (v - state.ink[i]) ** 2, 0);

    // The wall, drawn as sharp as the screen: pale tiles, and lit ones in a frame.
    const wide = wall.parentElement.clientWidth || 300, step = wide / across, context = sharp(wall, wide, step * down);
    wall.style.height = `${step * down}px`;
    const accent = getComputedStyle(dial.input).accentColor;
    net.tiles.forEach((tile, j) => {
      const x = (j % across) * step, y = Math.floor(j / across) * step, on = kept[j] > 0;
      context.globalAlpha = on ? 0.45 + 0.55 * Math.min(1, z[j] * norm(j) / top) : 0.16;
      context.drawImage(picture(tile, shape, theme), x + 1.5, y + 1.5, step - 3, step - 3);
      context.globalAlpha = 1;
      if (!on) return;
      context.strokeStyle = accent === "auto" ? theme.text : accent;
      context.lineWidth = 2;
      context.strokeRect(x + 1.5, y + 1.5, step - 3, step - 3);
    });

    best.forEach(({ node, view, amount }, place) => {
      const j = lit[place];
      node.disabled = j === undefined;
      node.dataset.unit = j ?? "";
      node.setAttribute("aria-pressed", state.left.has(j));
      node.setAttribute("aria-label", j === undefined ? "no further feature" : `feature ${j + 1}, activity ${number(z[j], 1)}${state.left.has(j) ? ", left out" : ""}`);
      put(view, picture(j === undefined ? new Float32Array(pixels) : net.tiles[j], shape, theme));
      amount.textContent = j === undefined ? "–" : number(z[j], 1);
    });
    const words = `${lit.length} of ${net.units} features active, squared error ${number(error, 1)}`;
    reading.replaceChildren(element("b", {}, `${lit.length} of ${net.units}`), " active, error ", element("b", {}, number(error, 1)));
    wall.setAttribute("aria-label", `${net.units} features, of which ${lit.length} are lit`);
    remade.setAttribute("aria-label", "the digit made of the active features");
    dial.input.setAttribute("aria-valuetext", models[state.model].price);
    say(`${price} ${models[state.model].price}: ${words}${state.left.size ? `, ${state.left.size} left out` : ""}`);
  }

  // The pen: soft at its rim, as digits are; the eraser is wider.
  pad(stage, { rows: height, columns: width, brush: 1.5, drawn: draw, key: initials(tool, TOOLS),
    paint(place) {
      const erases = tool.value === 1, reach = erases ? 2.8 : 1.9;
      inReach(shape, place, reach, (i, distance) => {
        const much = Math.min(1, reach - distance);
        state.ink[i] = erases ? Math.min(state.ink[i], 1 - much) : Math.max(state.ink[i], much);
      });
    } });

  root.aecourse = { state, code: (ink) => [...code(Float32Array.from(ink))], decode: (z) => [...nets[state.model].decode(z)],
    image: () => [...nets[state.model].decode(shown(code(state.ink)))] };
  redraw(root, draw);
}
