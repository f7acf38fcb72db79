import { button, group, loop, select, tabs, tryThis } from "../../page/controls.js";
import { bytes, colors, element, fill, number, palette, picture, redraw, sharp, shuffle, swatch } from "../../page/runtime.js";
import { randomness, trainable } from "./training.js";

// The playground: the reader trains an autoencoder or a VAE here, on 8x8 digits, and watches.
export function build(root, data) {
  const { side, trainCount, names } = data, pixels = side * side;
  const all = Float64Array.from(bytes(data.images), (v) => v / 16);
  const labels = bytes(data.labels), total = labels.length, testCount = total - trainCount;
  const train = all.subarray(0, trainCount * pixels), test = all.subarray(trainCount * pixels);
  const FLAT = 24, SHOWN = Math.min(10, testCount); // digits redrawn, samples

  // ---- Settings: in the controls, in the address, and in the model. Those marked live need no new start.
  const choices = {
    model: { text: "model", options: { vae: "VAE", autoencoder: "autoencoder" }, start: "vae" },
    code: { text: "code size", options: [1, 2, 3, 4, 8, 16, 32], start: 2 },
    width: { text: "hidden width", options: [8, 16, 32, 64, 128], start: 64 },
    layers: { text: "hidden layers", options: [0, 1, 2], start: 1 },
    activation: { text: "activation", options: { relu: "ReLU", tanh: "tanh", sigmoid: "sigmoid" }, start: "relu" },
    rate: { text: "learning rate", options: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1], start: 0.003, live: true },
    beta: { text: "β, weight of the KL", options: [0, 0.1, 0.25, 0.5, 1, 2, 4, 10, 64], start: 1, live: true, of: "vae" },
    sparsity: { text: "weight of |z|", options: [0, 0.01, 0.03, 0.1, 0.3, 1, 3], start: 0, live: true, of: "autoencoder" },
    noise: { text: "noise on the input", options: [0, 0.1, 0.2, 0.3, 0.5, 1], start: 0, live: true },
    batch: { text: "batch size", options: [8, 32, 128, 512], start: 32, live: true },
    seed: { text: "seed", options: [0, 1, 2, 3, 4], start: 0 },
  };
  // Seven things to try, as the page below lists them: what is set, everything else being as at first, at each press of the button;
  // and whether each press starts anew, even where only live settings change.
  /** @type {[string, string, Record<string, any>[], boolean?][]} */
  const TRIES = [
    ["Two numbers", "Train for 50 epochs. Which classes share a place in the plane, and what is decoded between them?", [{}]],
    ["Take the price away", "Train first, then press while it trains. Do the codes stay in their circle? What becomes of the last row?", [{ beta: 0 }, { beta: 1 }]],
    ["Raise the price", "Train, and count the latents that still move with the image.", [{ beta: 64 }]],
    ["More room", "Train. How many of the 16 move with the image?", [{ code: 16 }, { model: "autoencoder", code: 16 }]],
    ["Grow the code", "Train for 20 epochs each time, and note the held-out reconstruction. Where does a larger code stop paying?",
      [1, 2, 4, 8, 16].map((code) => ({ model: "autoencoder", code }))],
    ["Spoil the input", "Train. The second row is what the encoder sees. What does the third row keep of it?", [{ noise: 0.5 }]],
    ["Break it", "Train for 20 epochs at each rate. Which one ends lowest, and at which does training fail?", [0.01, 0.03, 0.1].map((rate) => ({ rate })), true],
  ];
  const options = (choice) => (Array.isArray(choice.options) ? choice.options.map((v) => [v, String(v)])
    : Object.entries(choice.options));
  /** @type {Record<string, any>} */
  const settings = { pixels, ...Object.fromEntries(Object.entries(choices).map(([key, choice]) => [key, choice.start])) };

  // Anything in the address that is no offered value is ignored; whether something was offered.
  function readAddress() {
    let offered = false;
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      const found = Object.hasOwn(choices, key) && options(choices[key]).find(([option]) => String(option) === value);
      if (found) [settings[key], offered] = [found[0], true];
    }
    return offered;
  }
  function writeAddress() {
    const changed = Object.entries(choices).filter(([key, choice]) => settings[key] !== choice.start);
    const hash = "#" + new URLSearchParams(changed.map(([key]) => [key, settings[key]]));
    try { history.replaceState(null, "", hash); } catch { /* a page opened as a file may not; the link below still holds it */ }
    return hash;
  }

  // ---- The parts.
  const run = button("Train", () => (training.running ? training.stop() : training.start()), { class: "ae-main" });
  const share = button("Copy link", copyLink);
  const state = element("span", { class: "ae-state" });
  const bar = group("Training", run, button("One epoch", () => { training.stop(); epochOnce(); show(true); }),
    button("Start again", () => { training.stop(); restart(); }), share, state);
  const inputs = Object.fromEntries(Object.entries(choices).map(([key, choice]) => [key, select(choice.text, options(choice), (value) => {
    settings[key] = value;
    [tries.value, stage] = [-1, -1];
    settled();
    if (!choice.live) restart(); // a new start goes on training if it was training
  })]));
  const panel = element("div", { class: "ae-settings", role: "group", "aria-label": "Settings" }, ...Object.values(inputs));
  const tries = tabs("Seven things to try", TRIES.map(([name], i) => `${i + 1} ${name}`), attempt, { value: -1 });
  const hint = tryThis("choose one of the seven, guess what will happen, and press Train."), told = document.createTextNode("");
  hint.lastChild.after(told);
  let tried = -1, stage = -1;
  const view = (label) => element("canvas", { class: "ae-frame", role: "img", "aria-label": label });
  const curves = view("Training curves"), plane = view("Plane of codes"), strips = view("Digits");
  const column = (title, canvas, note) => element("div", {}, element("p", { class: "ae-title" }, title), canvas, note);
  const curveNote = element("p", { class: "ae-muted ae-legend" }), planeNote = element("p", { class: "ae-muted" });
  const stripNote = element("p", { class: "ae-muted" },
    "Rows: held-out digits; what the encoder sees, where noise is on; the same digits redrawn; new ones decoded from z drawn from N(0, I).");
  const say = fill(root, bar, tries, hint, panel, element("div", { class: "ae-views" },
    column("Loss, nats per image", curves, curveNote), column("Codes of held-out digits", plane, planeNote)),
    column("Held-out digits and samples", strips, stripNote));

  // What is set, in the controls; and, once a reader has changed it, in the address.
  function apply() {
    for (const [key, { node, list }] of Object.entries(inputs)) {
      inputs[key].value = settings[key];
      list.disabled = Boolean(choices[key].of) && choices[key].of !== settings.model;
      node.classList.toggle("ae-off", list.disabled);
    }
  }

  function settled() {
    apply();
    writeAddress();
  }

  // One of the seven; pressed again, its next setting. A model that is trained goes on where only live settings change.
  function attempt(i) {
    const [, what, stages, fresh] = TRIES[i];
    [tried, stage] = [i, tried === i && stage >= 0 ? (stage + 1) % stages.length : 0];
    const wanted = { ...Object.fromEntries(Object.entries(choices).map(([key, { start }]) => [key, start])), seed: settings.seed, ...stages[stage] };
    const anew = fresh || broken || Object.keys(choices).some((key) => !choices[key].live && settings[key] !== wanted[key]);
    Object.assign(settings, wanted);
    settled();
    const text = (set) => Object.entries(set).map(([key, value]) => `${choices[key].text} = ${value}`).join(", ") || "everything as at first";
    hint.childNodes[1].textContent = `${what} `;
    told.textContent = `Set: ${text(stages[stage])}.` + (stages.length > 1 ? ` Press again for: ${text(stages[(stage + 1) % stages.length])}.` : "");
    if (anew) restart();
    say(hint.textContent);
  }

  function copyLink() {
    const link = location.href.split("#")[0] + writeAddress();
    const done = (worked) => { share.textContent = worked ? "Copied" : "Copy failed"; setTimeout(() => { share.textContent = "Copy link"; }, 1500); };
    (navigator.clipboard ? navigator.clipboard.writeText(link) : Promise.reject()).then(() => done(true), () => {
      const field = element("textarea", {}); // where the clipboard is not offered, e.g. in a page opened as a file
      field.value = link;
      root.append(field);
      field.select();
      done(document.execCommand("copy"));
      field.remove();
    });
  }

  // ---- Training.
  let model, random, history, epoch, order, at, sums, fixed, broken = false, frame = 0, seconds = 0;

  function restart() {
    random = randomness(1000 + settings.seed);
    model = trainable(settings, random);
    [history, epoch, at, sums, seconds, broken] = [[], 0, 0, {}, 0, false];
    const other = randomness(7); // what is drawn once, so that pictures change with the model only
    fixed = { z: other.normals(FLAT * settings.code), noise: other.normals(SHOWN * pixels) };
    history.push({ ...held() });
    show(true);
  }

  // Held-out terms, without noise in the input, and with z at its mean.
  function held() {
    const z = model.encode(test, testCount), image = model.decoder.outputs(z, testCount);
    let nats = 0;
    for (let k = 0; k < image.length; k++)
      nats += Math.max(image[k], 0) + Math.log1p(Math.exp(-Math.abs(image[k]))) - image[k] * test[k];
    return { held: nats / testCount };
  }

  function batchOnce() {
    if (at === 0) order = shuffle(Uint32Array.from({ length: trainCount }, (_, i) => i), random.uniform);
    const n = Math.min(settings.batch, trainCount - at), x = new Float64Array(n * pixels);
    for (let i = 0; i < n; i++) x.set(train.subarray(order[at + i] * pixels, (order[at + i] + 1) * pixels), i * pixels);
    const corruption = settings.noise ? random.normals(n * pixels).map((v) => v * settings.noise) : null;
    const terms = model.gradient(x, n, corruption, random.normals(n * settings.code));
    if (!Number.isFinite(terms.loss)) return false;
    model.update();
    for (const [name, value] of Object.entries(terms)) sums[name] = (sums[name] || 0) + value * n / trainCount;
    at += n;
    if (at >= trainCount) {
      history.push({ ...sums, ...held() });
      [epoch, at, sums] = [epoch + 1, 0, {}];
    }
    return true;
  }

  function epochOnce() {
    const before = epoch, began = performance.now();
    while (epoch === before) if (!batchOnce()) { broken = true; break; }
    seconds += (performance.now() - began) / 1000;
  }

  // A frame trains for a few milliseconds and leaves the rest to the page.
  const training = loop(root, () => {
    const began = performance.now();
    while (performance.now() - began < 11) if (!batchOnce()) { broken = true; return false; }
    seconds += (performance.now() - began) / 1000;
    if (++frame % 6 === 0) show(false);
    return true;
  }, () => {
    run.textContent = training.running ? "Pause" : "Train";
    run.setAttribute("aria-pressed", training.running);
    if (!training.running && model) show(true);
  });

  // ---- What is shown.
  function show(spoken) {
    state.textContent = broken
      ? `After epoch ${epoch} the loss is no number any more: the learning rate is too large. Lower it and start again.`
      : `epoch ${epoch}, ${number(seconds, 1)} s, ${model.weights.length.toLocaleString("en")} weights`;
    if (broken) return say(state.textContent);
    const theme = colors(root), ink = palette(theme.dark);
    drawCurves(theme, ink);
    drawPlane(theme, ink);
    drawStrips(theme);
    if (spoken) say(`${state.textContent}. ${curves.getAttribute("aria-label")}`);
  }

  function drawCurves(theme, ink) {
    const width = curves.clientWidth, height = curves.clientHeight, context = sharp(curves, width, height);
    const terms = { reconstruction: ["reconstruction, training", ink[0]], held: ["reconstruction, held out", ink[2]],
      kl: ["KL", ink[1]], penalty: ["|z|", ink[1]] };
    const last = history.at(-1), top = data.average * 1.08, left = 34, bottom = 18;
    const x = (e) => left + (width - left - 6) * e / Math.max(10, epoch), y = (v) => (height - bottom) * (1 - Math.min(v, top) / top) + 4;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = context.strokeStyle = theme.text;
    for (const v of [0, 10, 20]) {
      line([[0, v], [Math.max(10, epoch), v]], 0.15, []);
      context.textAlign = "right";
      context.fillText(v, left - 6, y(v) + 4);
    }
    context.textAlign = "center";
    context.fillText(`epoch ${Math.max(10, epoch)}`, width - 34, height - 3);
    for (const [text, v, above] of [["the average digit", data.average, -4], ["a perfect copy", data.floor, 12]]) {
      line([[0, v], [Math.max(10, epoch), v]], 0.8, [4, 4]);
      context.textAlign = "right";
      context.fillText(text, width - 8, y(v) + (above < 0 ? 12 : above));
    }
    const told = [];
    curveNote.replaceChildren();
    for (const [name, [text, color]] of Object.entries(terms)) {
      const points = history.map((row, e) => [e, row[name]]).filter(([, v]) => v !== undefined);
      if (!points.length) continue;
      context.strokeStyle = color;
      context.lineWidth = 2;
      line(points, 1, []);
      told.push(`${text} ${number(last[name] ?? points.at(-1)[1], 1)}`);
      curveNote.append(element("span", {}, swatch(color), " ", told.at(-1)), " ");
    }
    curves.setAttribute("aria-label", `Loss after ${epoch} epochs, in nats per image: ${told.join(", ")}. The average digit costs ${number(data.average, 1)}, a perfect copy ${number(data.floor, 1)}.`);

    function line(points, alpha, dash) {
      context.globalAlpha = alpha;
      context.setLineDash(dash);
      context.beginPath();
      points.forEach(([e, v], i) => context[i ? "lineTo" : "moveTo"](x(e), y(v)));
      if (points.length === 1) context.arc(x(points[0][0]), y(points[0][1]), 1, 0, 7);
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
    }
  }

  // The two latents that vary most, or the only one against the class.
  function drawPlane(theme, ink) {
    const size = plane.clientWidth, context = sharp(plane, size, size), k = settings.code, z = model.encode(test, testCount);
    const spread = Array.from({ length: k }, (_, j) => {
      let sum = 0, square = 0;
      for (let i = 0; i < testCount; i++) { sum += z[i * k + j]; square += z[i * k + j] ** 2; }
      return square / testCount - (sum / testCount) ** 2;
    });
    const [a, b] = spread.map((v, j) => [v, j]).sort((p, q) => q[0] - p[0]).slice(0, 2).map(([, j]) => j).sort((p, q) => p - q);
    let reach = 2.6;
    if (settings.model !== "vae") {
      const far = Array.from(z, Math.abs).sort((p, q) => p - q);
      reach = Math.max(1, far[Math.floor(0.995 * (far.length - 1))] * 1.15);
    }
    const at = (v) => size / 2 * (1 + v / reach);
    if (k === 2) { // decoded all over, faintly
      const cells = 11, grid = new Float64Array(cells * cells * 2);
      for (let r = 0; r < cells; r++) for (let c = 0; c < cells; c++)
        grid.set([reach * ((2 * c + 1) / cells - 1), reach * (1 - (2 * r + 1) / cells)], 2 * (r * cells + c));
      const decoded = model.decode(grid, cells * cells);
      context.globalAlpha = 0.45;
      for (let i = 0; i < cells * cells; i++)
        context.drawImage(picture(decoded.subarray(i * pixels, (i + 1) * pixels), [side, side], theme),
          (i % cells) * size / cells + 2, Math.floor(i / cells) * size / cells + 2, size / cells - 4, size / cells - 4);
    }
    context.globalAlpha = 0.3;
    context.strokeStyle = theme.text;
    context.beginPath();
    context.moveTo(at(0), 0); context.lineTo(at(0), size); context.moveTo(0, at(0)); context.lineTo(size, at(0));
    context.stroke();
    context.globalAlpha = 1;
    context.font = "bold 12px system-ui, sans-serif";
    context.textAlign = "center";
    for (let i = 0; i < testCount; i++) {
      const label = labels[trainCount + i];
      const across = at(z[i * k + a]), down = k > 1 ? size - at(z[i * k + b]) : size * (label + 0.5) / 10;
      context.fillStyle = ink[label];
      context.fillText(names[label], across, down + 4);
    }
    const active = spread.filter((v) => v > 0.01).length;
    planeNote.textContent = (k > 1 ? `Across z${a + 1}, up z${b + 1}` + (k > 2 ? ", the two that vary most. " : ". ") : "Across z1; each class has a row. ")
      + `${active} of ${k} ${k === 1 ? "latent moves" : "latents move"} with the image.`;
    plane.setAttribute("aria-label", `Codes of ${testCount} held-out digits. ${planeNote.textContent}`);
  }

  function drawStrips(theme) {
    const noisy = settings.noise > 0, originals = test.subarray(0, SHOWN * pixels);
    const seen = noisy ? originals.map((v, k) => v + settings.noise * fixed.noise[k]) : originals;
    const redrawn = model.decode(model.encode(seen, SHOWN), SHOWN), samples = model.decode(fixed.z.subarray(0, SHOWN * settings.code), SHOWN);
    const rows = [originals, ...(noisy ? [seen] : []), redrawn, samples], width = strips.clientWidth, cell = width / SHOWN;
    strips.style.height = `${rows.length * cell + 8}px`;
    const context = sharp(strips, width, rows.length * cell + 8);
    rows.forEach((row, r) => {
      for (let i = 0; i < SHOWN; i++)
        context.drawImage(picture(row.subarray(i * pixels, (i + 1) * pixels), [side, side], theme), i * cell + 3, r * cell + (r === rows.length - 1 ? 8 : 0) + 3, cell - 6, cell - 6);
    });
    strips.setAttribute("aria-label", `${SHOWN} held-out digits, ${noisy ? "the same with noise, " : ""}the same redrawn from ${settings.code} numbers, and ${SHOWN} samples, after ${epoch} epochs.`);
  }

  window.addEventListener("hashchange", () => { if (readAddress()) { settled(); restart(); } }); // an anchor of the page holds no setting
  readAddress();
  apply();
  restart();
  redraw(root, () => show(false));
  root.aecourse = { epochOnce, restart, average: data.average, floor: data.floor, get model() { return model; }, get settings() { return settings; }, get epoch() { return epoch; }, get history() { return history; } };
}
