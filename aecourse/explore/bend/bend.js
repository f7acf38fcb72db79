import { button, group, pointing, slider, tabs, tryThis } from "../../page/controls.js";
import { chart, clamp, colors, element, fill, line, normals, number, palette, path, redraw, svg, uniforms, words } from "../../page/runtime.js";

// A Gaussian that planar steps bend, as `models.Posterior`: a draw e is bent step by step, then stretched by sigma and moved to mu.
export function build(root, { targets, limits, extent, seed }) {
  const normal = normals(uniforms(seed)), draws = Array.from({ length: 300 }, () => [normal(), normal()]), side = 61, STEPS = 3;
  const nodes = Array.from({ length: side * side }, (_, i) => [10 * (i % side) / (side - 1) - 5, 10 * Math.floor(i / side) / (side - 1) - 5]);
  const spacing = 10 / (side - 1), log2pi = Math.log(2 * Math.PI), still = () => ({ u: [0, 0], w: [1, 0], b: 0 });
  let target = 0, mu = [0, 0], sigma = [1, 1], steps = Array.from({ length: STEPS }, still), part = 1;

  const gauss = (off, width) => -0.5 * (off / width) ** 2 - Math.log(width) - 0.5 * log2pi;
  const joints = { // log p(x, z), as in `aecourse.bending`
    banana: ([a, b]) => gauss(1 - b - a * a, 0.4),
    "two humps": ([a]) => { const far = gauss(2 + 2 * a, 0.6), near = gauss(2 - 2 * a, 0.6), top = Math.max(far, near);
      return top + Math.log(Math.exp(far - top) + Math.exp(near - top)) - Math.log(2); },
  };
  const joint = (z) => joints[targets[target].name](z) - 0.5 * (z[0] ** 2 + z[1] ** 2) - log2pi;

  // What one step does, with u moved along w until it can be undone, as in `models.planar`.
  function ready({ u, w, b }) {
    const along = u[0] * w[0] + u[1] * w[1], shifted = along + Math.log(Math.E - 1);
    const allowed = (shifted > 30 ? shifted : Math.log1p(Math.exp(shifted))) - 1, more = (allowed - along) / (w[0] ** 2 + w[1] ** 2 + 1e-12);
    return { u: [u[0] + more * w[0], u[1] + more * w[1]], w, b, along: allowed };
  }

  // Where a draw lands, from a step on, and log q there.
  function push(e, bends, from = 0) {
    let z = e, logq = -0.5 * (e[0] ** 2 + e[1] ** 2) - log2pi - Math.log(sigma[0] * sigma[1]);
    for (const { u, w, b, along } of bends.slice(from)) {
      const bend = Math.tanh(w[0] * z[0] + w[1] * z[1] + b);
      z = [z[0] + u[0] * bend, z[1] + u[1] * bend];
      logq -= Math.log(1 + (1 - bend * bend) * along);
    }
    return { z: [mu[0] + sigma[0] * z[0], mu[1] + sigma[1] * z[1]], logq };
  }

  function elbo(bends) {
    let sum = 0;
    for (const e of nodes) {
      const share = spacing ** 2 * Math.exp(-0.5 * (e[0] ** 2 + e[1] ** 2)) / (2 * Math.PI);
      const { z, logq } = push(e, bends);
      sum += share * (joint(z) - logq);
    }
    return sum;
  }

  // The controls: a posterior, a q to begin with, and the sliders of the Gaussian or of one step.
  const choose = tabs("Posterior", targets.map(({ name }) => name), (i) => { target = i; offer(); set(targets[i].members[0]); });
  const presets = element("div"), round = (v) => Math.round(1e4 * v) / 1e4;
  const offer = () => presets.replaceChildren(group("Settings", ...targets[target].members.map((member) => button(member.name[0].toUpperCase() + member.name.slice(1), () => set(member))),
    button("Unbend", () => { steps = steps.map(still); show(); })));
  const knob = (text, name, kind, read, write) => slider(text, { low: limits[kind][0], high: limits[kind][1], step: 0.05, value: read(), name }, (v) => { write(v); draw(); });
  const subs = "₁₂";
  const knobs = [
    [...[0, 1].map((i) => knob(`µ${subs[i]} = `, `mean ${i + 1} of q`, "mu", () => mu[i], (v) => { mu[i] = v; })),
      ...[0, 1].map((i) => knob(`σ${subs[i]} = `, `standard deviation ${i + 1} of q`, "sigma", () => sigma[i], (v) => { sigma[i] = v; }))],
    ...[0, 1, 2].map((k) => [
      ...[0, 1].map((i) => knob(`u${subs[i]} = `, `u ${i + 1} of step ${k + 1}`, "u", () => steps[k].u[i], (v) => { steps[k].u[i] = v; })),
      ...[0, 1].map((i) => knob(`w${subs[i]} = `, `w ${i + 1} of step ${k + 1}`, "w", () => steps[k].w[i], (v) => { steps[k].w[i] = v; })),
      knob("b = ", `b of step ${k + 1}`, "b", () => steps[k].b, (v) => { steps[k].b = v; })]),
  ];
  const values = () => [[...mu, ...sigma], ...steps.map(({ u, w, b }) => [...u, ...w, b])];
  const parts = tabs("What the sliders set", ["Gaussian", "Step 1", "Step 2", "Step 3"], (i) => { part = i; draw(); }, { value: part });
  const boxes = knobs.map((some) => element("div", { class: "ae-sliders" }, ...some));
  const scene = svg("svg", { role: "img", class: "ae-chart ae-drag ae-scene" }), gauge = svg("svg", { role: "img", class: "ae-chart" }), said = element("p", { class: "ae-said ae-reading" });
  const top = element("div", {}, tryThis("begin with the best Gaussian, choose Step 1, and move u. Then turn w."), choose, presets, parts, ...boxes, scene, said, gauge);
  const say = fill(root, top);

  function set(member) {
    mu = [...member.mu];
    sigma = [...member.sigma];
    steps = Array.from({ length: STEPS }, (_, k) => (member.steps[k] ? { u: [...member.steps[k].u], w: [...member.steps[k].w], b: member.steps[k].b } : still()));
    show();
  }

  function show() {
    const now = values();
    knobs.forEach((some, k) => some.forEach((control, i) => { control.value = round(now[k][i]); }));
    draw();
  }

  function draw() {
    boxes.forEach((box, k) => { box.hidden = k !== part; });
    const bends = steps.map(ready), bound = elbo(bends), { evidence, members } = targets[target], ink = palette(colors(root).dark);
    drawScene(bends, ink, evidence - bound);
    drawGauge(evidence - bound, members[0].lost, ink);
    said.textContent = `The ELBO of this q is ${number(bound)} nats, ${number(evidence - bound)} below log p(x) = ${number(evidence)}. `
      + `The best Gaussian lies ${number(members[0].lost)} below.`;
    say(said.textContent);
  }

  function drawScene(bends, ink, lost) {
    const wide = Math.min(top.clientWidth, 460), at = (/** @type {number[]} */ [a, b]) => [wide * (a + extent) / (2 * extent), wide * (extent - b) / (2 * extent)];
    chart(scene, wide, wide, `The ${targets[target].name} in grey, and over it draws and rings of q, which loses ${number(lost)} nats`);
    for (const shape of targets[target].shapes) scene.append(svg("path", { d: shape.map((ring) => `M${ring.map(([a, b]) => at([a / 100, b / 100]).map((v) => v.toFixed(1)).join(" ")).join("L")}Z`).join(""),
      fill: "var(--ae-muted)", "fill-opacity": 0.24 }));
    const cloud = draws.map((e) => at(push(e, bends).z));
    scene.append(svg("path", { d: cloud.map(([a, b]) => `M${a.toFixed(1)} ${b.toFixed(1)}h0`).join(""), stroke: ink[0], "stroke-width": 4, "stroke-linecap": "round", "stroke-opacity": 0.55 }));
    for (const share of [0.5, 0.9]) {
      const reach = Math.sqrt(-2 * Math.log(1 - share)), turn = Array.from({ length: 241 }, (_, i) => 2 * Math.PI * i / 240);
      scene.append(path(turn.map((t) => at(push([reach * Math.cos(t), reach * Math.sin(t)], bends).z)), { stroke: ink[0], "stroke-width": share < 0.6 ? 2.4 : 1.4, class: "ae-ring" }));
    }
    if (part) { // the line of the chosen step, as the later steps leave it
      const { w, b } = steps[part - 1], long = w[0] ** 2 + w[1] ** 2;
      if (long > 1e-6) scene.append(path(Array.from({ length: 81 }, (_, i) => (i - 40) / 8).map((t) => at(push([-b * w[0] / long - t * w[1] / Math.sqrt(long), -b * w[1] / long + t * w[0] / Math.sqrt(long)], bends, part - 1).z)),
        { stroke: ink[1], "stroke-width": 2, "stroke-dasharray": "6 4", class: "ae-fold" }));
    }
    const keys = [["var(--ae-muted)", "posterior"], [ink[0], "q (drag it)"], ...(part ? [[ink[1], `line of step ${part}`]] : [])];
    keys.forEach(([color, text], i) => scene.append(svg("rect", { x: 4 + i * wide / 3, y: 6, width: 12, height: 8, fill: color, "fill-opacity": i ? 1 : 0.5 }), words(20 + i * wide / 3, 14, text)));
  }

  function drawGauge(lost, least, ink) {
    const wide = top.clientWidth, most = 1.6 * least, at = (nats) => (wide - 8) * clamp(nats / most, 0, 1) + 4;
    chart(gauge, wide, 46, `${number(lost)} nats lost; the best Gaussian loses ${number(least)}`,
      svg("rect", { x: 4, y: 20, width: wide - 8, height: 12, fill: "var(--ae-muted)", "fill-opacity": 0.2 }),
      svg("rect", { x: 4, y: 20, width: at(lost) - 4, height: 12, fill: ink[0] }),
      line(at(least), 16, at(least), 36, { stroke: "var(--ae-text)", "stroke-width": 2 }),
      words(at(least), 12, "best Gaussian", { "text-anchor": "middle" }), words(4, 45, "nats lost, 0 on the left"));
  }

  pointing(scene, (x, y) => { // q follows the pointer
    mu = [x, 1 - y].map((share) => Math.round(20 * clamp(2 * extent * share - extent, ...limits.mu)) / 20);
    show();
  });

  root.aecourse = { get state() { const bends = steps.map(ready); return { target: targets[target].name, mu, sigma, steps, elbo: elbo(bends), evidence: targets[target].evidence,
    lands: draws.slice(0, 5).map((e) => ({ e, ...push(e, bends) })) }; } };
  offer();
  set(targets[0].members[0]);
  redraw(root, draw);
}
