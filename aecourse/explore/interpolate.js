// From one image to another on several ways: the blend of the pixels, and decoded lines and arcs between codes.
function build(root, { images, shape, labels, networks, methods, ends, t: start, output }) {
  const PLACES = 40, SECONDS = 4, TOP = 2, HIGH = 44; // steps of a measured path; one way of the animation; the highest speed drawn, and the height of its chart
  const pixels = images.map((image) => Float32Array.from(bytes(image), (value) => value / 255));
  const run = networks.map(network);
  const squash = { sigmoid, tanh: (x) => (Math.tanh(x) + 1) / 2, identity: (x) => x }[output];
  const codes = methods.map((method) => (method.codes || []).map(floats));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let [from, to] = ends, t = start, speeds = [], frame = 0, heading = 1;

  // ---- The ways.
  const linear = (a, b, t) => a.map((value, i) => (1 - t) * value + t * b[i]);

  function slerp(a, b, t) {
    const size = (v) => Math.hypot(...v), [na, nb] = [size(a), size(b)];
    const u = a.map((value) => value / na), v = b.map((value) => value / nb);
    const omega = 2 * Math.atan2(size(u.map((value, i) => value - v[i])), size(u.map((value, i) => value + v[i])));
    if (omega < 1e-3) return linear(a, b, t);
    const [wa, wb] = [1 - t, t].map((share) => Math.sin(share * omega) / Math.sin(omega));
    return a.map((value, i) => wa * value + wb * b[i]);
  }

  function image(m, t) {
    const { network: which, way } = methods[m];
    if (which === undefined) return linear(pixels[from], pixels[to], t);
    return run[which]((way === "slerp" ? slerp : linear)(codes[m][from], codes[m][to], t)).map(squash);
  }

  function measure() { // the length of every step of every way
    speeds = methods.map((_, m) => {
      const steps = [];
      for (let i = 0, before = null; i <= PLACES; i++) {
        const now = image(m, i / PLACES);
        if (before) steps.push(Math.hypot(...now.map((value, p) => value - before[p])));
        before = now;
      }
      const length = steps.reduce((sum, step) => sum + step, 0);
      return { steps, length, jump: length ? Math.max(...steps) / (length / PLACES) : NaN };
    });
  }

  // ---- The parts.
  const choices = ["From", "To"].map((word, side) => {
    const group = element("div", { class: "ae-choices" });
    pixels.forEach((_, n) => {
      const input = element("input", { type: "radio", name: `${root.id}-${word}`, "aria-label": `${word} image ${n + 1}: ${labels[n]}` });
      input.addEventListener("change", () => choose(...(side ? [from, n] : [n, to])));
      group.append(element("label", {}, input, element("canvas", { "aria-hidden": true })));
    });
    return { group, node: element("fieldset", {}, element("legend", {}, word), group) };
  });
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "Place t between the two images" });
  const play = element("button", { type: "button" }), shown = element("output");
  const cards = methods.map(({ name }) => {
    const view = element("canvas", { role: "img", class: "ae-frame" }), speed = element("p", { class: "ae-speed" });
    const chart = element("svg", { viewBox: `0 0 100 ${HIGH}`, "aria-hidden": true });
    return { name, view, chart, speed, node: element("figure", {}, element("figcaption", {}, name), view, chart, speed) };
  });
  const top = element("div", {}, ...choices.map(({ node }) => node),
    element("div", { class: "ae-place" }, play, slider, shown),
    element("div", { class: "ae-methods" }, ...cards.map(({ node }) => node)),
    element("p", { class: "ae-muted" }, "The curve below each image is the speed at which it changes on the way, dashed where it would be at an even pace; the dot is t."));
  root.querySelector("style").after(top);
  const say = announcer(root);

  const y = (speed) => HIGH - 1 - (HIGH - 4) * Math.min(speed, TOP) / TOP; // a speed's height in a chart

  function paint(canvas, values, theme) {
    const drawn = picture(values, shape, theme);
    [canvas.width, canvas.height] = [drawn.width, drawn.height];
    canvas.getContext("2d").drawImage(drawn, 0, 0);
  }

  function draw() { // everything
    const theme = colors(root);
    choices.forEach(({ group }, side) => [...group.children].forEach((label, n) => {
      paint(label.querySelector("canvas"), pixels[n], theme);
      label.querySelector("input").checked = n === (side ? to : from);
    }));
    const width = 100, x = (i) => width * (i + 0.5) / PLACES;
    cards.forEach(({ chart, speed }, m) => {
      const { steps, length, jump } = speeds[m];
      const line = { stroke: "var(--ae-muted)", "stroke-width": 0.8, "stroke-dasharray": "2 2" };
      chart.replaceChildren(element("line", { x1: 0, x2: width, y1: y(1), y2: y(1), ...line }),
        element("line", { x1: 0, x2: width, y1: y(0), y2: y(0), stroke: "var(--ae-line)", "stroke-width": 0.8 }));
      if (length) chart.append(element("path", { d: `M${steps.map((step, i) => `${x(i)} ${y(step * PLACES / length)}`).join("L")}`,
        fill: "none", stroke: "var(--ae-accent)", "stroke-width": 1.6 }));
      chart.append(element("circle", { r: 2.6, fill: "var(--ae-text)" }));
      speed.replaceChildren(...length ? [element("b", {}, number(jump, 2)), " × mean at the fastest; length ", element("b", {}, number(length, 1))]
        : ["no way to go"]);
    });
    show();
  }

  function show() { // what depends on t
    const theme = colors(root);
    cards.forEach(({ name, view, chart }, m) => {
      paint(view, image(m, t), theme);
      view.setAttribute("aria-label", `${name}: the image at t = ${number(t)} between ${labels[from]} and ${labels[to]}`);
      const { steps, length } = speeds[m], at = Math.min(PLACES - 1, Math.floor(t * PLACES));
      const dot = chart.querySelector("circle");
      dot.setAttribute("cx", 100 * t);
      dot.setAttribute("cy", y(length ? steps[at] * PLACES / length : 0));
    });
    slider.value = t;
    shown.textContent = `t = ${number(t)}`;
    slider.setAttribute("aria-valuetext", `t = ${number(t)}, from ${labels[from]} to ${labels[to]}`);
    play.textContent = calm.matches ? "Step" : frame ? "Pause" : "Play";
    if (!frame) say(`From ${labels[from]} to ${labels[to]}, t ${number(t)}. ` + cards.map(({ name }, m) => Number.isNaN(speeds[m].jump)
      ? name : `${name}: fastest ${number(speeds[m].jump)} times the mean, length ${number(speeds[m].length, 1)}`).join("; "));
  }

  // ---- What a reader does.
  function choose(a, b) {
    [from, to] = [a, b];
    measure();
    draw();
  }

  function pause() { cancelAnimationFrame(frame); frame = 0; }

  play.addEventListener("click", () => {
    if (calm.matches) { t = t >= 1 ? 0 : Math.min(1, Math.round(10 * t + 1) / 10); show(); return; }
    if (frame) { pause(); show(); return; }
    let last = null;
    frame = requestAnimationFrame(function advance(now) {
      t += heading * (last === null ? 0 : Math.min(now - last, 100) / 1000 / SECONDS);
      if (t >= 1 || t <= 0) [t, heading] = [Math.min(Math.max(t, 0), 1), t >= 1 ? -1 : 1];
      last = now;
      frame = root.isConnected ? requestAnimationFrame(advance) : 0;
      show();
    });
    show();
  });
  slider.addEventListener("input", () => { pause(); t = Number(slider.value); show(); });

  root.aecourse = { image: (m, place) => [...image(m, place)], choose,
    get state() { return { from, to, t, running: frame !== 0, speeds: speeds.map(({ length, jump }) => ({ length, jump })) }; } };
  measure();
  redraw(root, draw);
}
