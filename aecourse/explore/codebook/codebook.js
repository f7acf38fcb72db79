import { area, button, group, keys, pointing, tabs, tryThis } from "../../page/controls.js";
import { activations, colors, element, fill, floats, greys, parted, picture, redraw, sharp, squashes, unpack } from "../../page/runtime.js";

// An image made of words: choose a cell, put another word there, and the decoder redraws the image here.
export function build(root, { layers, words, dim, indices, grid, shape, blank, looks: average, patch, labels, output }) {
  const [rows, columns] = grid, cells = rows * columns, book = floats(words), count = book.length / dim;
  const run = layers.map((layer) => (typeof layer === "string" ? activation(layer) : convolution(layer)));
  const state = { image: 0, cell: Math.floor(rows / 2) * columns + Math.floor(columns / 2), word: 0 };
  const edited = indices.map((grid) => [...grid]);

  // ---- The decoder: channels of height x width numbers, one after the other.
  function activation(name) {
    return (x) => ({ ...x, values: x.values.map(activations[name]) });
  }

  function convolution({ weight, bias, size: [high, wide], channels: [ins, outs], padding, stride, up }) {
    const w = unpack(weight), b = floats(bias);
    return ({ values, height, width }) => {
      const [h, v] = up
        ? [(height - 1) * stride - 2 * padding + high + up[0], (width - 1) * stride - 2 * padding + wide + up[1]]
        : [height + 2 * padding - high + 1, width + 2 * padding - wide + 1];
      const y = new Float32Array(outs * h * v);
      for (let o = 0; o < outs; o++) y.fill(b[o], o * h * v, (o + 1) * h * v);
      const step = up ? stride : 1, way = up ? 1 : -1; // a number at s counts at s * step + way * (j - padding), where that is inside
      for (let c = 0; c < ins; c++) for (let o = 0; o < outs; o++) for (let i = 0; i < high; i++) for (let j = 0; j < wide; j++) {
        const weighed = w[(((up ? c * outs + o : o * ins + c) * high) + i) * wide + j];
        const down = way * (i - padding), across = way * (j - padding);
        const first = Math.max(0, Math.ceil(-across / step)), last = Math.min(width - 1, Math.floor((v - 1 - across) / step));
        for (let r = 0; r < height; r++) {
          const row = r * step + down;
          if (row < 0 || row >= h) continue;
          const from = (c * height + r) * width, to = (o * h + row) * v + across;
          for (let s = first; s <= last; s++) y[to + s * step] += weighed * values[from + s];
        }
      }
      return { values: y, height: h, width: v };
    };
  }

  function decode(chosen) {
    const values = new Float32Array(dim * cells);
    chosen.forEach((k, i) => { for (let d = 0; d < dim; d++) values[d * cells + i] = book[k * dim + d]; });
    return run.reduce((x, step) => step(x), { values, height: rows, width: columns }).values.map(squashes[output]);
  }

  const looks = parted(greys(average), patch[0] * patch[1]); // each word as it usually is

  // ---- The parts.
  const image = tabs("Which image", labels, (n) => { state.image = n; draw(); });
  const across = Math.ceil(Math.sqrt(count));
  const page = board("ae-cells", rows, columns, "Image as a grid of words. Arrow keys choose a cell; the codebook then says what to put there.",
    (cell) => { state.cell = cell; state.word = words_()[cell]; draw(); });
  const shelf = board("ae-shelf", Math.ceil(count / across), across, "Codebook. Arrow keys go from word to word, and each is put into the chosen cell.",
    (word) => { if (word < count) put(word); });
  const reading = element("p", { class: "ae-reading" });
  const tools = group("All words of the image",
    button("restore", () => { edited[state.image] = [...indices[state.image]]; draw(); }),
    button("empty page", () => { edited[state.image].fill(blank); draw(); }),
    button("words at random", () => { edited[state.image] = edited[state.image].map(() => Math.floor(Math.random() * count)); draw(); }));
  const say = fill(root, tryThis("choose a cell on a stroke and give it another word. Does only this cell change, or do those around it as well?"),
    image,
    element("div", { class: "ae-columns" },
      element("figure", {}, element("figcaption", {}, "1. choose a cell"), page.stage),
      element("figure", {}, element("figcaption", {}, `2. choose one of ${count} words for it`), shelf.stage)),
    reading, tools,
    element("p", { class: "ae-muted" }, "Each word is shown as it looks on average, with the cells around it. Click or touch; or focus either board and use the arrow keys."));

  const words_ = () => edited[state.image];

  function put(word) {
    words_()[state.cell] = state.word = word;
    draw();
  }

  // A canvas of down x across cells, of which one is chosen by pointer or keys.
  function board(name, down, across, label, choose) {
    const canvas = element("canvas");
    const stage = area("grid", label, canvas);
    stage.classList.add(name);
    const at = () => (name === "ae-cells" ? state.cell : state.word);
    pointing(stage, (x, y) => {
      const place = (share, n) => Math.min(Math.floor(share * n), n - 1), cell = place(y, down) * across + place(x, across);
      if (cell !== at()) choose(cell);
    });
    keys(stage, (_, arrow) => {
      if (!arrow) return false;
      const row = Math.floor(at() / across) + arrow[1], column = at() % across + arrow[0];
      if (row >= 0 && row < down && column >= 0 && column < across) choose(row * across + column);
    });
    return { canvas, stage };
  }

  // ---- Drawing.
  function draw() {
    const theme = colors(root), accent = getComputedStyle(page.stage).getPropertyValue("--ae-accent") || "#3f86dd";
    state.word = words_()[state.cell];
    drawPage(theme, accent);
    drawShelf(theme, accent);
    const changed = words_().filter((k, i) => k !== indices[state.image][i]).length;
    const row = Math.floor(state.cell / columns) + 1, column = state.cell % columns + 1, was = indices[state.image][state.cell];
    const told = `Row ${row}, column ${column}: word ${state.word}${state.word === was ? "" : ` (it was ${was})`}. `
      + `${changed} of ${cells} words changed.`;
    reading.textContent = told;
    say(told);
  }

  function outline(context, left, top, width, height, color) {
    context.setLineDash([]);
    for (const [line, style] of [[5, `rgb(${colors(root).paper.join()})`], [2.5, color]]) {
      context.lineWidth = line;
      context.strokeStyle = style;
      context.strokeRect(left + 1, top + 1, width - 2, height - 2);
    }
  }

  function drawPage(theme, accent) {
    const width = page.stage.clientWidth, height = width * shape[0] / shape[1];
    const context = sharp(page.canvas, width, height), [cell, tall] = [width / columns, height / rows];
    page.stage.style.aspectRatio = `${shape[1]} / ${shape[0]}`;
    context.drawImage(picture(decode(words_()), shape, theme), 0, 0, width, height);
    context.strokeStyle = "rgba(127, 127, 127, .45)";
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 1; i < columns; i++) { context.moveTo(i * cell, 0); context.lineTo(i * cell, height); }
    for (let i = 1; i < rows; i++) { context.moveTo(0, i * tall); context.lineTo(width, i * tall); }
    context.stroke();
    words_().forEach((k, i) => { // a corner marks what was changed
      if (k === indices[state.image][i]) return;
      const x = (i % columns) * cell, y = Math.floor(i / columns) * tall;
      context.fillStyle = accent;
      context.beginPath();
      context.moveTo(x, y); context.lineTo(x + cell / 3, y); context.lineTo(x, y + tall / 3);
      context.fill();
    });
    outline(context, (state.cell % columns) * cell, Math.floor(state.cell / columns) * tall, cell, tall, accent);
  }

  function drawShelf(theme, accent) {
    const down = Math.ceil(count / across), width = shelf.stage.clientWidth, height = width * down * patch[0] / (across * patch[1]);
    const context = sharp(shelf.canvas, width, height), [cell, tall] = [width / across, height / down], gap = 1.5;
    shelf.stage.style.aspectRatio = `${across * patch[1]} / ${down * patch[0]}`;
    context.fillStyle = "rgba(127, 127, 127, .45)";
    context.fillRect(0, 0, width, height);
    looks.forEach((values, k) => context.drawImage(picture(values, patch, theme),
      (k % across) * cell + gap, Math.floor(k / across) * tall + gap, cell - 2 * gap, tall - 2 * gap));
    outline(context, (state.word % across) * cell, Math.floor(state.word / across) * tall, cell, tall, accent);
  }

  root.aecourse = { decode, looks, get place() { return state.cell; }, get words() { return [...words_()]; } };
  redraw(root, draw);
}
