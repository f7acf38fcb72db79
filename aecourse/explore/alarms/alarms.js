import { button, group, pointing, slider, tabs, tryThis } from "../../page/controls.js";
import { chart, element, fill, line, number, path, redraw, svg, total, words } from "../../page/runtime.js";

// Scores of two kinds of cases, counted between thresholds; the reader moves the threshold and the prices.
export function build(root, { detectors, names, limits, miss, false_alarm: price }) {
  const all = { normal: total(detectors[0].normal), anomaly: total(detectors[0].anomaly) };
  const firsts = detectors.map(({ start }) => start);
  let chosen = 0, place = firsts[0];

  // What a threshold does: alarms are the cases above edge number `at`.
  const now = () => detectors[chosen];
  function counts(at) {
    const found = total(now().anomaly.slice(at)), wrong = total(now().normal.slice(at));
    return { found, missed: all.anomaly - found, wrong, quiet: all.normal - wrong, cost: miss * (all.anomaly - found) + price * wrong };
  }
  const costs = () => now().edges.map((_, at) => counts(at).cost);
  const cheapest = () => { const list = costs(); return list.lastIndexOf(Math.min(...list)); };
  const whole = (n) => Math.round(n).toLocaleString("en");
  const share = (part, of) => of ? `${number(100 * part / of, part / of < 0.1 ? 1 : 0)} %` : "none";
  const score = (v) => v !== 0 && (Math.abs(v) < 0.01 || Math.abs(v) >= 1e5) ? v.toExponential(1).replace("-", "\u2212") : number(v, Math.abs(v) < 10 ? 2 : 0);

  // The parts.
  const which = tabs("Detector", detectors.map(({ name }) => name), (i) => { chosen = i; place = firsts[i]; draw(); });
  const level = slider("alarm above ", { low: 0, high: now().edges.length - 1, step: 1, value: place, name: "Threshold",
    text: (at) => score(now().edges[at]) }, (at) => { place = at; draw(); });
  const euro = (v) => number(v, v < 10 ? 1 : 0);
  const prices = [slider("a miss costs ", { low: limits[0], high: limits[1], value: miss, name: "Cost of a miss", text: euro, log: true }, (v) => { miss = v; draw(); }),
    slider("a false alarm costs ", { low: limits[0], high: limits[1], value: price, name: "Cost of a false alarm", text: euro, log: true }, (v) => { price = v; draw(); })];
  const picture = svg("svg", { role: "img", class: "ae-chart" }), stage = element("div", {}, picture);
  const cells = ["found", "missed", "wrong", "quiet"].map((name) => element("td", { class: `ae-${name}` }));
  const table = element("table", {}, element("thead", {}, element("tr", {}, element("td"), element("th", { scope: "col" }, "alarm"), element("th", { scope: "col" }, "no alarm"))),
    element("tbody", {}, element("tr", {}, element("th", { scope: "row" }, names[1]), cells[0], cells[1]),
      element("tr", {}, element("th", { scope: "row" }, names[0]), cells[2], cells[3])));
  const reading = element("p", { class: "ae-reading" });
  const hint = tryThis("make a miss as cheap as a false alarm, and press Cheapest threshold. Where does it go?");
  const top = element("div", {}, hint, ...(detectors.length > 1 ? [which.node] : []), level.node, element("div", { class: "ae-sliders" }, ...prices.map(({ node }) => node)),
    group("Choose a threshold", button("Cheapest threshold", () => { place = cheapest(); draw(); }), button("Back to the first", () => { place = firsts[chosen]; draw(); })),
    stage, element("p", { class: "ae-muted" }, "Press the picture to put the threshold there. Bars are as high as the square root of their counts, so that "
      + "single cases are seen."), table, reading);
  const say = fill(root, top);

  // Where an edge stands in the chart, 0 to 1; the chart and the slider have the same scale.
  const across = (at) => at / (now().edges.length - 1);

  function draw() {
    level.input.max = now().edges.length - 1;
    level.value = place;
    const { found, missed, wrong, quiet, cost } = counts(place);
    [found, missed, wrong, quiet].forEach((n, i) => { cells[i].textContent = whole(n); });
    reading.textContent = `Precision ${share(found, found + wrong)} of alarms, recall ${share(found, all.anomaly)} of ${names[1]}, `
      + `false alarms ${share(wrong, all.normal)} of ${names[0]}. Cost ${whole(cost)}; at the cheapest threshold ${whole(Math.min(...costs()))}.`;
    drawChart();
    say(reading.textContent);
  }

  function drawChart() {
    const wide = top.clientWidth, left = 8, right = 8, high = 334, width = wide - left - right;
    const x = (at) => left + width * across(at), list = costs(), { edges } = now();
    const dearest = Math.max(...list);
    chart(picture, wide, high, `Histograms of the scores of ${whole(all.normal)} ${names[0]} and ${whole(all.anomaly)} ${names[1]} with the threshold `
      + `at ${score(edges[place])}, and the cost of every threshold`);
    const panel = (counted, head, floor, tall, color) => {
      const most = Math.max(...counted);
      picture.append(line(left, floor, wide - right, floor));
      counted.forEach((n, at) => {
        if (!n) return;
        const size = Math.max(1.5, tall * Math.sqrt(n / most));
        picture.append(svg("rect", { x: x(at), width: Math.max(1, width / (edges.length - 1) - 0.4), y: floor - size, height: size,
          fill: color, "fill-opacity": at >= place ? 1 : 0.35, class: at >= place ? "ae-alarm" : "ae-none" }));
      });
      picture.append(words(left, floor - tall - 6, head, { class: "ae-strong" }));
    };
    panel(now().normal, `${whole(all.normal)} ${names[0]}`, 110, 70, "var(--ae-muted)");
    panel(now().anomaly, `${whole(all.anomaly)} ${names[1]}`, 210, 70, "#d9525c");
    const y = (cost) => 308 - 62 * cost / dearest;
    picture.append(line(left, 308, wide - right, 308),
      path(list.map((cost, at) => [x(at), y(cost)]), { stroke: "var(--ae-accent)", "stroke-width": 2 }),
      words(left, 240, "cost", { class: "ae-strong" }),
      svg("circle", { cx: x(place), cy: y(list[place]), r: 5, fill: "var(--ae-accent)" }),
      line(x(place), 16, x(place), 308, { stroke: "var(--ae-text)", "stroke-width": 1.5, "stroke-dasharray": "4 3" }));
    const end = place > 0.6 * (edges.length - 1);
    picture.append(words(x(place) + (end ? -6 : 6), 12, `alarm above ${score(edges[place])}`, { "text-anchor": end ? "end" : "start", class: "ae-strong" }));
    for (const part of [0.02, 0.34, 0.66, 0.98]) {
      const at = Math.round(part * (edges.length - 1));
      picture.append(words(x(at), 326, score(edges[at]), { "text-anchor": part < 0.1 ? "start" : part > 0.9 ? "end" : "middle" }));
    }
  }

  pointing(stage, (share) => {
    const wide = top.clientWidth, along = (share * wide - 8) / (wide - 16);
    place = Math.round(Math.min(Math.max(along, 0), 1) * (now().edges.length - 1));
    draw();
  });

  root.aecourse = { counts, cheapest, get state() { return { detector: now().name, place, threshold: now().edges[place], miss, price, ...counts(place) }; } };
  redraw(root, draw);
}
