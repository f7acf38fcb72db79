import { button, keys, loop, pad, pointing, shares, slider, tabs, tryThis } from "../../page/controls.js";
import { activations, bytes, calm, chart, clamp, colors, dense, element, fill, line, normals, number, palette, path, picture, put, redraw, rgb, sigmoid, svg, swatch, tidy, uniforms, unpack, words } from "../../page/runtime.js";

// Anatomy of a VAE: one image through every layer and every term of the loss, each box beside its lines of code.
export function build(root, { encoder, decoder, shape, latents, images, names, eps, seed, beta, listings, boxes }) {
  const [height, width] = shape, pixels = height * width, all = Array.from({ length: latents }, (_, j) => j);
  /** @returns {{ mu?: number, logVar?: number }[]} */
  function untouched() { return all.map(() => ({})); }
  const packed = bytes(images), bit = (i) => packed[i >> 3] >> (7 - (i & 7)) & 1;
  const originals = Array.from(names, (_, n) => Float32Array.from({ length: pixels }, (_, i) => bit(n * pixels + i)));
  const encode = traced(encoder), decode = traced(decoder);
  const LIMITS = { mu: [-4, 4], logVar: [-6, 2], eps: [-4, 4] };
  const REACH = 4, COSTLY = 4, SURE = 12; // ends of the scales of z, of the nats of a pixel, and of a logit
  const PAUSE = 7; // between two boxes, in seconds

  const draw_one = normals(uniforms(seed));
  let x, image = 0, own = untouched(); // own: mu and logVar set by hand
  let box = 0, latent = 0, pixel = null, waited = 0, now, ends; // ends: of the scales of the loss, of a KL and of a row's nats, set once
  eps = [...eps];

  // ---- What is computed ------------------------------------------------------------------------------------

  // A network that keeps what it computed on the way, and takes a gradient back to its input.
  function traced(layers) {
    const steps = layers.map((layer) => typeof layer === "string" ? bend(activations[layer]) : affine(layer));
    return (input) => {
      const values = [Float64Array.from(input)];
      for (const step of steps) values.push(step.forward(values.at(-1)));
      return {
        out: values.at(-1),
        hidden: values.filter((_, i) => i && typeof layers[i] === "object"), // what goes into each linear map but the first
        back: (gradient) => steps.reduceRight((g, step, i) => step.back(g, values[i]), gradient),
      };
    };
  }

  function bend(f) {
    const slope = (v) => (f(v + 1e-5) - f(v - 1e-5)) / 2e-5;
    return { forward: (values) => values.map(f), back: (g, values) => g.map((v, i) => v * slope(values[i])) };
  }

  function affine(layer) {
    const w = unpack(layer.weight), [rows, columns] = layer.weight.shape, run = dense(layer);
    return { forward: (values) => Float64Array.from(run(values)), back: (g) => {
      const sum = new Float64Array(columns);
      for (let i = 0, n = 0; i < rows; i++) for (let j = 0; j < columns; j++) sum[j] += w[n++] * g[i];
      return sum;
    } };
  }

  function compute() {
    const read = encode(x);
    const mu = all.map((j) => own[j].mu ?? read.out[j]), logVar = all.map((j) => own[j].logVar ?? read.out[latents + j]);
    const sigma = logVar.map((v) => Math.exp(v / 2)), z = all.map((j) => mu[j] + sigma[j] * eps[j]);
    const written = decode(z), a = written.out, mean = a.map(sigmoid);
    const nats = a.map((v, i) => Math.max(v, 0) - v * x[i] + Math.log1p(Math.exp(-Math.abs(v))));
    const kl = all.map((j) => (mu[j] ** 2 + sigma[j] ** 2 - 1 - logVar[j]) / 2);
    const g = written.back(mean.map((p, i) => p - x[i])); // of the reconstruction, at z
    const pulls = all.map((j) => ({
      mu: [g[j], beta * mu[j]], logVar: [sigma[j] * eps[j] * g[j] / 2, beta * (sigma[j] ** 2 - 1) / 2],
    }));
    return { mu, logVar, sigma, z, a, mean, nats, kl, g, pulls, encoder: read.hidden, decoder: written.hidden,
      reconstruction: sum(nats), totalKL: sum(kl), loss: sum(nats) + beta * sum(kl) };
  }

  function sum(values) { let total = 0; for (const v of values) total += v; return total; }

  // Hundredths that add up to the rounded sum: where rounding is off, the part that is least sure of it gives way.
  function rounded(values) {
    const cents = values.map((v) => Math.round(100 * v));
    let off = Math.round(100 * sum(values)) - sum(cents);
    while (off) {
      const lost = values.map((v, i) => Math.sign(off) * (100 * v - cents[i]));
      cents[lost.indexOf(Math.max(...lost))] += Math.sign(off);
      off -= Math.sign(off);
    }
    return cents.map((v) => v / 100);
  }

  // ---- The parts -------------------------------------------------------------------------------------------

  const div = (name, ...children) => element("div", { class: name }, ...children);
  const run = loop(root, (seconds) => { // from box to box
    waited += seconds;
    if (waited < PAUSE) return true;
    waited = 0;
    if (box < boxes.length - 1) select(box + 1);
    return box < boxes.length - 1;
  }, () => explain());
  const play = button("Play", toggle, { class: "ae-main" }), place = element("span", { class: "ae-muted ae-step" });
  const stage = element("div", { class: "ae-map ae-stage", tabindex: 0, role: "application", "aria-roledescription": "image to paint on",
    "aria-label": "The image x. Arrow keys choose a pixel, Space draws or erases there, Escape lets go of it." });
  const maps = { x: mapOf(stage), logits: mapOf(div("ae-map")), mean: mapOf(div("ae-map")), nats: mapOf(div("ae-map")) };
  const sums = svg("svg", { class: "ae-sums ae-chart", "aria-hidden": "true" });
  const rows = Object.fromEntries(["heads", "q", "z", "kl"].map((key) => [key, all.map((j) => {
    const row = element("div", { class: "ae-row" });
    row.addEventListener("pointerenter", () => light(j));
    row.addEventListener("pointerleave", () => light(null));
    row.addEventListener("click", () => choose(j));
    return row;
  })]));
  const bells = all.map((j) => {
    const bell = svg("svg", { role: "img" });
    pointing(bell, (x) => {
      latent = j;
      eps[j] = clamp((REACH * (2 * x - 1) - now.mu[j]) / now.sigma[j], ...LIMITS.eps);
      draw();
    });
    rows.q[j].append(bell);
    return bell;
  });
  const strips = Object.fromEntries(["encoder", "decoder"].map((key) => [key, element("canvas", { role: "img" })]));
  const reading = element("p", { class: "ae-reading ae-muted" });
  const split = element("p", { class: "ae-value" }), priced = element("p", { class: "ae-value" });
  const equation = element("p", { class: "ae-equation" }), bar = svg("svg", { role: "img", class: "ae-chart" });
  /** @type {(sign: string, name: string, ends: number[], step: number, change: (value: number) => void, digits?: number) => ReturnType<typeof slider>} */
  const set = (sign, name, [low, high], step, change, digits = 2) => slider(`${sign} = `, { low, high, step, name, text: (v) => number(v, digits) }, (v) => { run.stop(); change(v); draw(); });
  const weight = set("β", "beta", [0, 10], 0.1, (v) => { beta = v; }, 1);
  const table = element("tbody");
  const contents = {
    x: [stage], encoder: [strips.encoder], heads: rows.heads, q: rows.q, z: rows.z, decoder: [strips.decoder],
    logits: [maps.logits.node], mean: [maps.mean.node], nats: [split, div("ae-pair", maps.nats.node, sums)], kl: [priced, ...rows.kl],
    loss: [equation, bar, weight],
    gradient: [element("table", {}, element("thead", {}, element("tr", {}, element("td"),
      ...["−log p", "β KL", "sum"].map((text) => element("th", { scope: "col" }, text)))), table)],
  };
  const heads = [], nodes = boxes.map(({ key, symbol, title, shape: size }, i) => {
    const head = button("", () => select(i), { class: "ae-name", "aria-label": `${symbol}: ${title}` });
    head.append(element("b", {}, symbol), element("span", { class: "ae-muted" }, size));
    head.addEventListener("focus", () => { if (!run.running) select(i); });
    keys(head, (key, arrow) => {
      const to = arrow ? box + arrow[0] + arrow[1] : { Home: 0, End: boxes.length - 1 }[key];
      if (to === undefined) return false;
      go(to);
      heads[box].focus();
    });
    heads.push(head);
    const node = element("div", { class: `ae-box ae-box-${key}`, role: "group", "aria-label": title }, head, div("ae-inside", ...contents[key]));
    node.addEventListener("click", () => { if (box !== i) select(i); });
    return node;
  });

  const small = names.map(() => element("canvas", { width, height, "aria-hidden": "true" }));
  const thumbs = tabs("Which image", small, load, { names: names.map((name, i) => `image ${i + 1}: ${name}`) });
  const which = tabs("Which latent is set by hand", all.map((j) => `${j + 1}`), choose);
  const hand = {
    mu: set("μ", "mu", LIMITS.mu, 0.01, (v) => { own[latent].mu = v; }),
    logVar: set("σ", "sigma", LIMITS.logVar, 0.02, (v) => { own[latent].logVar = v; }),
    eps: set("ε", "eps", LIMITS.eps, 0.01, (v) => { eps[latent] = v; }),
  };
  const forget = () => { own = untouched(); };
  const release = button("reset", () => { forget(); draw(); }, { "aria-label": "reset μ and σ to the encoder’s" });
  const worked = div("ae-worked"), told = div("ae-told"), code = element("pre", { "aria-label": "The code of this box" });
  const listing = element("details", { class: "ae-listing" }, element("summary", {}, "The code of this box"), code);
  const top = div("ae-anatomy-top",
    div("ae-bar", play, button("‹", () => go(box - 1), { "aria-label": "Previous box" }), button("›", () => go(box + 1), { "aria-label": "Next box" }), place,
      div("ae-luck", button("New draw of ε", () => { eps = all.map(() => clamp(draw_one(), ...LIMITS.eps)); draw(); }),
        button("No noise, ε = 0", () => { eps = all.map(() => 0); draw(); }))),
    told,
    div("ae-bar", thumbs, button("x as it was", () => load(image)), button("x blank", () => { x = new Float32Array(pixels); forget(); draw(); })),
    div("ae-path", ...nodes.slice(0, 8)), reading,
    div("ae-terms", div("ae-hand", div("ae-choice", element("span", {}, "latent"), which, release), hand.mu, hand.logVar, hand.eps, worked), ...[9, 8, 11, 10].map((i) => nodes[i])),
    listing);
  const say = fill(root, tryThis("press Play. Then move ε of a latent: which terms of the loss change?"), top);
  listing.open = top.clientWidth > 560; // a phone has little room

  // A picture with a mark on the pixel that is followed.
  function mapOf(node) {
    const canvas = element("canvas", { width, height, ...(node === stage ? {} : { role: "img" }) }), spot = element("i", { class: "ae-spot" });
    node.append(canvas, spot);
    if (node !== stage) node.addEventListener("pointermove", (event) => follow(under(event, canvas)));
    node.addEventListener("pointerleave", () => follow(null));
    return { node, canvas, spot };
  }

  function under(event, canvas) {
    const [across, down] = shares(event, canvas);
    return [clamp(Math.floor(height * down), 0, height - 1), clamp(Math.floor(width * across), 0, width - 1)];
  }

  // ---- What a reader does ----------------------------------------------------------------------------------

  function select(i) {
    box = i;
    explain();
    drawBells();
  }

  const go = (i) => { run.stop(); select(clamp(i, 0, boxes.length - 1)); };

  function toggle() {
    if (run.running) { run.stop(); return; }
    if (calm.matches) { select((box + 1) % boxes.length); return; } // nothing moves by itself
    if (box === boxes.length - 1) select(0);
    waited = 0;
    run.start();
  }

  function choose(j) {
    latent = j;
    draw();
  }

  function light(j) {
    for (const list of Object.values(rows)) list.forEach((row, i) => row.classList.toggle("ae-lit", i === j));
  }

  function follow(place) {
    pixel = place;
    readPixel();
  }

  function load(i) {
    image = thumbs.value = i;
    x = Float32Array.from(originals[i]);
    forget();
    draw();
  }

  // Painting: where it starts decides between ink and rubber. A click or a key changes one pixel, a stroke is wider.
  let ink = 1, last = -1;
  pad(stage, { rows: height, columns: width, drawn: () => { forget(); draw(); },
    moved: (at) => follow(at.map(Math.round)),
    start: (at) => { const [row, column] = at.map(Math.round); ink = 1 - x[row * width + column]; },
    paint(at, fresh) {
      const [row, column] = at.map(Math.round), cell = row * width + column;
      if (!fresh && cell === last) return;
      last = cell;
      for (const [down, right] of [[0, 0], ...(fresh ? [] : [[-1, 0], [1, 0], [0, -1], [0, 1]])]) {
        const [r, c] = [row + down, column + right];
        if (r >= 0 && r < height && c >= 0 && c < width) x[r * width + c] = ink;
      }
    },
    key(name) { if (name !== "Escape") return false; follow(null); } });
  stage.addEventListener("blur", () => follow(null));

  // ---- What is shown ---------------------------------------------------------------------------------------

  const coloured = () => {
    const { dark, paper, ink: text } = colors(root), set = palette(dark);
    return { paper, ink: text, plus: rgb(set[2]), minus: rgb(set[4]), cost: rgb(set[1]), plain: { kl: set[0], cost: set[1], plus: set[2], minus: set[4] } };
  };

  // Signed values from -reach to reach -> a canvas of rows x columns, green above 0 and purple below.
  function signed(values, [rows, columns], reach, { paper, plus, minus }) {
    const canvas = element("canvas", { width: columns, height: rows }), context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    values.forEach((v, i) => {
      const end = v < 0 ? minus : plus, share = Math.min(1, Math.abs(v) / reach);
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(paper[c] + share * (end[c] - paper[c]));
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
    return canvas;
  }

  // Layers as columns of at most 32 cells.
  function layersOn(canvas, layers, theme) {
    const columns = layers.map((values) => Math.ceil(values.length / 32)), high = 160, cell = 8, gap = 4;
    canvas.width = cell * sum(columns) + gap * (layers.length - 1);
    canvas.height = high;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    let left = 0;
    layers.forEach((values, i) => {
      const tall = Math.ceil(values.length / columns[i]), padded = new Float64Array(tall * columns[i]);
      values.forEach((v, n) => { padded[(n % tall) * columns[i] + Math.floor(n / tall)] = v; });
      context.drawImage(signed(padded, [tall, columns[i]], Math.max(1e-9, ...values.map(Math.abs)), theme), left, 0, cell * columns[i], high);
      left += cell * columns[i] + gap;
    });
  }

  function draw() {
    now = compute();
    ends ??= { loss: tidy(1.6 * now.loss), kl: tidy(1.3 * Math.max(...now.kl)), row: tidy(1.3 * Math.max(...rowSums())) };
    const theme = coloured(), parts = rounded(now.kl);
    put(maps.x.canvas, picture(x, shape, theme));
    put(maps.logits.canvas, signed(now.a, shape, SURE, theme));
    put(maps.mean.canvas, picture(now.mean, shape, theme));
    put(maps.nats.canvas, picture(now.nats.map((v) => v / COSTLY), shape, { ink: theme.cost, paper: theme.paper }));
    layersOn(strips.encoder, now.encoder, theme);
    layersOn(strips.decoder, now.decoder, theme);
    strips.encoder.setAttribute("aria-label", `Activations of the encoder: ${now.encoder.map((v) => v.length).join(", ")} numbers`);
    strips.decoder.setAttribute("aria-label", `Activations of the decoder: ${now.decoder.map((v) => v.length).join(", ")} numbers`);
    maps.logits.canvas.setAttribute("aria-label", `Logits from ${number(Math.min(...now.a), 1)} to ${number(Math.max(...now.a), 1)}`);
    maps.mean.canvas.setAttribute("aria-label", "Probabilities of all pixels");
    maps.nats.canvas.setAttribute("aria-label", `Nats of all pixels, from 0 to ${number(Math.max(...now.nats))}`);
    all.forEach((j) => {
      rows.heads[j].replaceChildren(pair("μ", number(now.mu[j]), own[j].mu !== undefined), pair("log σ²", number(now.logVar[j]), own[j].logVar !== undefined));
      rows.z[j].replaceChildren(pair("ε", number(eps[j])), pair("z", number(now.z[j])));
      const price = div("ae-price");
      price.style.width = `${clamp(100 * now.kl[j] / ends.kl, 0, 100)}%`;
      price.style.background = theme.plain.kl;
      rows.kl[j].replaceChildren(element("span", {}, `${j + 1}`), div("ae-track", price), element("span", {}, number(parts[j])));
    });
    for (const list of Object.values(rows)) list.forEach((row, j) => row.classList.toggle("ae-chosen", j === latent));
    drawBells();
    drawTerms(theme);
    drawHand();
    readPixel();
    explain(false);
    say(`Reconstruction ${number(now.reconstruction)}, KL ${number(now.totalKL)}, loss ${number(now.loss)} nats`);
  }

  const pair = (name, value, mine) => element("span", mine ? { class: "ae-mine" } : {}, element("i", {}, `${name} `), value);
  const rowSums = () => Array.from({ length: height }, (_, r) => sum(now.nats.subarray(r * width, (r + 1) * width)));

  // Bells to one scale in each row: the prior is the lower, the more the code says.
  function drawBells() {
    const { kl: blue, cost } = coloured().plain, pulling = boxes[box].key === "gradient";
    const strongest = Math.max(...now.pulls.flatMap(({ mu }) => mu.map(Math.abs)), 1e-9);
    bells.forEach((bell, j) => {
      const wide = bell.clientWidth || 110, high = bell.clientHeight || 36, base = high - (pulling ? 11 : 3), mu = now.mu[j], sigma = now.sigma[j];
      const at = (v) => wide * (v + REACH) / (2 * REACH), peak = Math.max(1 / sigma, 1);
      const density = (v, m, s) => base - (base - 4) * Math.exp(-(((v - m) / s) ** 2) / 2) / s / peak;
      const grid = (m, s) => [...Array.from({ length: 91 }, (_, i) => REACH * (i / 45 - 1)), ...Array.from({ length: 41 }, (_, i) => m + s * (i / 5 - 4))]
        .filter((v) => Math.abs(v) <= REACH).sort((a, b) => a - b);
      const curve = (m, s) => grid(m, s).map((v) => [at(v).toFixed(2), density(v, m, s).toFixed(2)]);
      bell.setAttribute("viewBox", `0 0 ${wide} ${high}`);
      bell.setAttribute("aria-label", `Latent ${j + 1}: mean ${number(mu)}, standard deviation ${number(sigma)}, drawn z ${number(now.z[j])}`);
      bell.replaceChildren(
        line(0, base, wide, base), line(at(0), base - 3, at(0), base + 3, { stroke: "var(--ae-muted)" }),
        path(curve(mu, sigma), { fill: blue, "fill-opacity": 0.3, stroke: blue, "stroke-width": 1.6, class: "ae-q" }),
        path(curve(0, 1), { fill: "var(--ae-muted)", "fill-opacity": 0.15, stroke: "var(--ae-muted)", "stroke-width": 1.3, "stroke-dasharray": "3 3" }),
        line(at(now.z[j]), 3, at(now.z[j]), base, { stroke: "var(--ae-text)", "stroke-width": 1 }),
        svg("circle", { cx: at(now.z[j]), cy: base, r: 4, fill: "var(--ae-text)", stroke: "var(--ae-paper)", "stroke-width": 1.5, class: "ae-draw" }));
      if (pulling) now.pulls[j].mu.forEach((gradient, term) => { // downhill, from mu
        const x1 = at(mu), y = high - 6 + 4 * term, x2 = clamp(x1 - 0.45 * wide * gradient / strongest, 2, wide - 2), tip = Math.sign(x2 - x1) * 4;
        bell.append(svg("path", { d: `M${x1} ${y}L${x2} ${y}m${-tip} -2.5l${tip} 2.5l${-tip} 2.5`, fill: "none", "stroke-width": 2,
          stroke: term ? blue : cost, class: "ae-pull" }));
      });
    });
  }

  function drawTerms(theme) {
    const ones = sum(now.nats.filter((_, i) => x[i] === 1)), [a, b] = rounded([ones, now.reconstruction - ones]);
    const shown = (v) => element("b", {}, number(v)), first = a + b, second = Math.round(100 * now.totalKL) / 100;
    split.replaceChildren(shown(first), ` nats = ${number(a)} on ones + ${number(b)} on zeros`);
    priced.replaceChildren(shown(second), " nats, the sum of the bars");
    const charged = Math.round(100 * beta * second) / 100;
    equation.replaceChildren(swatch(theme.plain.cost), ` ${number(first)} + `, swatch(theme.plain.kl), ` ${beta === 1 ? "" : `${number(beta, 1)} × `}${number(second)} = `, shown(first + charged),
      ` nats, or ${number((first + charged) / Math.LN2, 1)} bits`);

    const wide = bar.clientWidth || 300, high = 26, at = (v) => wide * v / ends.loss; // a scale that holds still: longer is more
    const rect = (x, width, fill, attributes) => svg("rect", { x, width: Math.max(0, width), y: 0, height: high, fill, ...attributes });
    let left = at(now.reconstruction);
    chart(bar, wide, high + 18, `Reconstruction ${number(first)} and beta times KL ${number(charged)}, end to end, on a scale to ${ends.loss}`,
      rect(0, wide, "var(--ae-surface)"), rect(0, left, theme.plain.cost),
      ...now.kl.map((v) => {
        left += at(beta * v);
        return rect(left - at(beta * v), at(beta * v), theme.plain.kl, { stroke: "var(--ae-paper)", "stroke-width": 1, class: "ae-piece" });
      }),
      ...[0, 1, 2, 3, 4].map((k) => words(wide * k / 4, high + 14, k === 4 && now.loss > ends.loss ? `beyond ${ends.loss} ›` : `${ends.loss * k / 4}`, { "text-anchor": ["start", "middle", "middle", "middle", "end"][k] })));
    weight.value = beta;

    const tall = maps.nats.canvas.clientHeight || 110, step = tall / height, across = sums.clientWidth || 90;
    chart(sums, across, tall, "", ...rowSums().map((v, r) => svg("rect", { x: 0, y: r * step, height: Math.max(1, step - 1), width: across * v / ends.row, fill: theme.plain.cost })));

    table.replaceChildren(...[["mu", "∂/∂μ"], ["logVar", "∂/∂log σ²"]].map(([key, name]) => {
      const [pull, price] = rounded(now.pulls[latent][key]);
      return element("tr", {}, element("th", { scope: "row" }, name), ...[pull, price, pull + price].map((v) => element("td", {}, number(v))));
    }));
  }

  function drawHand() {
    const [mu, sigma, logVar, e] = [now.mu[latent], now.sigma[latent], now.logVar[latent], eps[latent]];
    const around = (v) => v < 0 ? `(${number(v, 3)})` : number(v, 3);
    [hand.mu.value, hand.logVar.value, hand.eps.value, which.value] = [mu, logVar, e, latent];
    hand.logVar.shown.textContent = number(sigma, sigma < 0.1 ? 3 : 2);
    hand.logVar.input.setAttribute("aria-valuetext", hand.logVar.shown.textContent);
    worked.replaceChildren(
      element("p", {}, "z = ", `${number(mu, 3)} + ${number(sigma, 3)} × ${around(e)} = `, element("b", {}, number(now.z[latent]))),
      element("p", {}, "KL = ", `½ (${number(mu ** 2, 3)} + ${number(sigma ** 2, 3)} − 1 ${logVar < 0 ? "+" : "−"} ${number(Math.abs(logVar), 3)}) = `,
        element("b", {}, number(now.kl[latent]))));
    release.disabled = own.every((set) => set.mu === undefined && set.logVar === undefined);
  }

  function readPixel() {
    for (const { spot } of Object.values(maps)) {
      spot.hidden = !pixel;
      if (pixel) [spot.style.top, spot.style.left, spot.style.height, spot.style.width] =
        [pixel[0] / height, pixel[1] / width, 1 / height, 1 / width].map((share) => `${100 * share}%`);
    }
    if (!pixel) { reading.textContent = "Point at a pixel to follow it; click or drag on x to draw or erase."; return; }
    const i = pixel[0] * width + pixel[1];
    reading.textContent = `Row ${pixel[0] + 1}, column ${pixel[1] + 1}: x = ${x[i]}, a = ${number(now.a[i])}, `
      + `x̂ = ${number(now.mean[i], 3)}, so −log p = ${number(now.nats[i])} nats`;
    if (document.activeElement === stage) say(reading.textContent);
  }

  function explain(aloud = true) {
    const { key, symbol, title, shape: size, formula, words, code: marks } = boxes[box];
    top.classList.toggle("ae-playing", run.running);
    play.textContent = run.running ? "Pause" : calm.matches ? "Next step" : "Play";
    place.textContent = `${box + 1} of ${boxes.length}`;
    nodes.forEach((node, i) => { node.classList.toggle("ae-selected", i === box); node.classList.toggle("ae-ahead", i > box); });
    heads.forEach((head, i) => head.setAttribute("aria-pressed", i === box));
    if (told.dataset.key !== key) {
      told.dataset.key = key;
      told.replaceChildren(element("p", { class: "ae-title" }, element("b", {}, symbol), ` ${title} `, element("span", { class: "ae-muted" }, `(shape: ${size})`)),
        element("p", { class: "ae-formula" }, formula), element("p", {}, words));
      const shown = [...new Set(["VAE.loss", ...marks.map(([name]) => name)])];
      code.replaceChildren(...shown.flatMap((name) => listings[name].map((text, i) =>
        codeLine(text, marks.filter(([from, at]) => from === name && at === i), i === 0))));
    }
    if (aloud) say(`${symbol}: ${title}. ${words}`);
  }

  // A line of Python; the part that a box points to is marked. Long lines are broken under their own beginning.
  function codeLine(text, marks, first) {
    const indent = text.search(/\S|$/), node = element("span", { class: "ae-line" });
    [node.style.paddingLeft, node.style.textIndent] = [`${indent + 2}ch`, `${-indent - 2}ch`];
    if (marks.length) node.classList.add("ae-here");
    if (first) node.classList.add("ae-first");
    let from = 0;
    for (const [, , start, length] of [...marks].sort((a, b) => a[2] - b[2])) {
      node.append(...tinted(text.slice(from, start)), element("mark", {}, ...tinted(text.slice(start, start + length))));
      from = start + length;
    }
    node.append(...tinted(text.slice(from)), "\n");
    return node;
  }

  const tinted = (text) => text.split(/\b(def|return|if|else|is|for|in|None|self)\b/).map((word, i) =>
    i % 2 ? element("span", { class: word === "self" ? "ae-self" : "ae-key" }, word) : word);

  root.aecourse = {
    select: (key) => select(boxes.findIndex((part) => part.key === key)),
    get state() {
      const plain = Object.fromEntries(Object.entries(now).map(([key, value]) => [key, value instanceof Float64Array ? [...value] : value]));
      return { ...plain, encoder: now.encoder.map((v) => [...v]), decoder: now.decoder.map((v) => [...v]), x: [...x], eps: [...eps], beta, latent, pixel,
        box: boxes[box].key, playing: run.running };
    },
  };
  load(0);
  redraw(root, () => {
    const theme = coloured();
    small.forEach((node, i) => put(node, picture(originals[i], shape, theme)));
    draw();
  });
}
