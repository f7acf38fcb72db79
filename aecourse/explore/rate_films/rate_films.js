import { button, group, tabs, tryThis } from "../../page/controls.js";
import { colors, element, fill, floats, network, palette, redraw, swatch, unpack } from "../../page/runtime.js";

// A reader's choices as a row of zeros and ones, and the first films of three rankings of all others.
export function build(root, data) {
  const { k, titles, genres, names, offered, top, family } = data, count = titles.length;
  const encoder = network(data.encoder), decoder = network(data.decoder);
  const weights = unpack(data.weights), popularity = floats(data.popularity);
  const chosen = new Set();
  let before = {}, now = {}; // for each list: film -> its place, before the last choice and after it
  let theme = colors(root);

  const methods = {
    "Popularity": () => popularity,
    "EASE": () => {
      if (!chosen.size) return null; // a sum of no rows says nothing
      const scores = new Float32Array(count);
      for (const i of chosen) for (let j = 0; j < count; j++) scores[j] += weights[i * count + j];
      return scores;
    },
    [family]: () => {
      const row = new Float32Array(count), size = Math.sqrt(chosen.size);
      for (const i of chosen) row[i] = 1 / size;
      return decoder(chosen.size ? encoder(row).subarray(0, k) : new Float32Array(k));
    },
  };
  const ranked = (scores) => Array.from(scores.keys()).filter((i) => !chosen.has(i)).sort((a, b) => scores[b] - scores[a]);

  // The parts.
  const kinds = tabs("Genre", names.map((name) => element("span", {}, swatch(), ` ${name}`)), offer);
  const shelf = group("Films of this genre");
  const chips = group("Your choices");
  const lists = Object.fromEntries(Object.keys(methods).map((name) => [name, element("ol", { "aria-label": `First films by ${name}` })]));
  const readings = Object.fromEntries(Object.keys(methods).map((name) => [name, element("p", { class: "ae-reading ae-note" })]));
  const say = fill(root,
    tryThis("choose two westerns, then one horror film. Which lists notice, and how soon?"),
    kinds, shelf, chips,
    element("div", { class: "ae-lists" }, ...Object.keys(methods).map((name) => element("div", {}, element("p", { class: "ae-head" }, element("b", {}, name)), lists[name], readings[name]))));

  const dot = (i) => element("span", { title: genres[i].map((g) => names[g]).join(", ") }, ...genres[i].map((g) => swatch(palette(theme.dark)[g])));
  function toggle(i) {
    if (!chosen.delete(i)) chosen.add(i);
    change();
  }
  function change() {
    [before, now] = [now, {}];
    offer();
    show();
  }
  function offer() {
    shelf.replaceChildren(...offered[kinds.value].map((i) => button(titles[i], () => {
      toggle(i);
      shelf.children[offered[kinds.value].indexOf(i)].focus();
    }, { "aria-pressed": chosen.has(i) })));
  }
  function show() {
    theme = colors(root);
    kinds.buttons.forEach((node, g) => { node.querySelector(".ae-swatch").style.background = palette(theme.dark)[g]; });
    chips.replaceChildren(...(chosen.size ? [...chosen].map((i) => button(element("span", {}, dot(i), ` ${titles[i]} ×`), () => {
      toggle(i);
      (chips.querySelector("button") ?? shelf.querySelector("button")).focus();
    }, { "aria-label": `Take back ${titles[i]}` })) : [element("span", { class: "ae-note" }, "Nothing chosen yet.")]));
    if (chosen.size > 1) chips.append(button("Clear", () => { chosen.clear(); change(); shelf.querySelector("button").focus(); }));
    const words = Object.entries(methods).map(([name, score]) => list(name, score()));
    say(words.join(" "));
  }
  function list(name, scores) {
    if (!scores) {
      lists[name].replaceChildren();
      readings[name].textContent = "Without a choice EASE adds up nothing: all scores are 0.";
      return `${name}: no list.`;
    }
    const order = ranked(scores), first = order.slice(0, top), old = before[name];
    now[name] = new Map(order.map((i, r) => [i, r]));
    lists[name].replaceChildren(...first.map((i, r) => {
      const up = old?.has(i) ? old.get(i) - r : 0;
      const moved = up ? element("span", { class: "ae-moved" }, `${up > 0 ? "▲" : "▼"}${Math.abs(up)}`) : "";
      return element("li", {}, dot(i), element("span", { class: "ae-title" }, titles[i]), moved);
    }));
    const tally = names.map((label, g) => [first.filter((i) => genres[i][0] === g).length, label]).filter(([n]) => n).sort(([a], [b]) => b - a);
    readings[name].textContent = tally.map(([n, label]) => `${n} ${label}`).join(", ");
    return `${name}: ${titles[first[0]]} first; ${readings[name].textContent}.`;
  }

  root.aecourse = { toggle, scores: (name) => Array.from(methods[name]() ?? []), ranked: (name) => ranked(methods[name]()),
    get chosen() { return [...chosen]; } };
  offer();
  redraw(root, show);
}
