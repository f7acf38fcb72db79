// The question bank: filters, rounds of cards, and Leitner's boxes in the reader's own browser.
// A card that is known moves one box up, one that is not goes back to the first; a card in box n is due after DAYS[n] days.
import { button } from "../page/controls.js";
import { announcer, element, parsed } from "../page/runtime.js";
import { store, undoLine } from "../page/store.js";
import { formulaPreview, markFormula } from "./formula.js";

export function build(root) {
  const DAYS = [0, 1, 2, 4, 8, 16];
  const find = (selector) => root.querySelector(selector);
  const cards = [...root.querySelectorAll(".ae-card")];
  const filters = [...root.querySelectorAll("select")], status = find(".ae-status"), stop = find(".ae-stop"), due = find(".ae-due");
  let round = null; // { cards, at, known: [card, ...] } while cards are being asked

  const today = () => { const d = new Date(); return Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) / 864e5; };
  const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

  // ---- What is kept of a card: { box: 1 to 5, day: when it was marked last, from: its box before that day } ----

  const boxes = new Map(); // id -> what is kept
  const key = (id) => `cards:${id}`;
  function recall() {
    for (const { dataset: { id } } of cards) {
      const kept = store.read(key(id));
      if (kept) boxes.set(id, kept);
      else boxes.delete(id);
    }
    show();
  }
  const isDue = (card) => { const kept = boxes.get(card.dataset.id); return Boolean(kept) && kept.day + DAYS[kept.box] <= today(); };

  // ---- What is shown ---------------------------------------------------------------------------------------

  const fits = (card) => filters.every(({ name, value }) => !value || card.dataset[name] === value);

  function show() {
    const chosen = cards.filter(fits), asked = round && round.cards[round.at];
    const shown = new Set(!round ? chosen : asked ? [asked] : round.cards);
    for (const card of cards) {
      card.hidden = !shown.has(card);
      const kept = boxes.get(card.dataset.id);
      card.querySelector(".ae-box").textContent = kept ? `box ${kept.box} of 5${isDue(card) ? ", due" : ""}` : "not asked yet";
    }
    for (const section of root.querySelectorAll(".ae-lesson")) section.hidden = ![...section.querySelectorAll(".ae-card")].some((card) => !card.hidden);
    const ready = chosen.filter(isDue).length, fresh = chosen.filter((card) => !boxes.has(card.dataset.id)).length;
    due.textContent = `Ask what is due (${ready})`;
    due.disabled = !ready;
    stop.hidden = !round;
    const kept = store.works ? "" : " This browser keeps nothing for this page: the boxes last until it is closed.";
    status.textContent = (asked ? `Card ${round.at + 1} of ${round.cards.length}.`
      : round ? `You knew ${round.known} of ${round.cards.length}. Below are the cards of this round.`
      : `${plural(chosen.length, "card")}: ${ready} due, ${fresh} not asked yet.`) + kept;
  }

  function cover(card) { // as if it had not been asked
    card.querySelector("details").open = false;
    card.querySelectorAll("input").forEach((input) => { input.checked = false; if (input.type === "text") input.value = ""; });
    card.querySelector(".ae-preview")?.replaceChildren();
    card.querySelectorAll("[role=status]").forEach((line) => { line.textContent = ""; });
  }

  function ask(list) {
    round = list.length ? { cards: list, at: 0, known: 0 } : null;
    list.forEach(cover);
    show();
    if (round) list[0].focus();
    else status.textContent = "No card fits these filters.";
  }

  // One mark a day: a second one corrects the first.
  function mark(card, known) {
    const { id } = card.dataset, before = boxes.get(id), from = before?.day === today() ? before.from ?? before.box - 1 : before?.box ?? 0;
    const kept = { box: known ? Math.min(from + 1, DAYS.length - 1) : 1, day: today(), from };
    boxes.set(id, kept);
    store.set({ [key(id)]: kept });
    undo.say("", null);
    if (round && round.cards[round.at] === card) {
      round.known += known;
      round.at += 1;
      show();
      (round.cards[round.at] ?? stop).focus();
    } else show();
    card.querySelector(".ae-mark [role=status]").textContent = `Box ${kept.box}: it comes back in ${plural(DAYS[kept.box], "day")}.`;
  }

  function shuffled(list) { // Fisher and Yates
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  }

  const spoken = cards.some(({ dataset }) => dataset.formula) ? announcer(root) : () => {};

  // ---- One card ------------------------------------------------------------------------------------------

  const amount = (text) => parsed(text.replace(/(?<=\d)[ ,\u202f](?=\d{3}(\D|$))/g, "")); // "489,136" and "489 136" too

  for (const card of cards) {
    const details = card.querySelector("details"), verdict = element("p", { class: "ae-verdict", role: "status" });
    const knew = button("I knew it", () => mark(card, true), { class: "ae-knew" }), missed = button("Not yet", () => mark(card, false), { class: "ae-missed" });
    card.querySelector(".ae-solution").append(element("div", { class: "ae-group ae-mark" }, knew, missed, element("span", { role: "status" })));
    details.before(verdict);
    details.addEventListener("toggle", () => { if (details.open) details.scrollIntoView({ block: "nearest" }); });
    const answer = (right, ...why) => {
      verdict.replaceChildren(right ? "Right." : "Not quite.", ...why);
      verdict.dataset.right = right;
      details.open = true;
    };
    const reasons = [...card.querySelectorAll(".ae-reasons > li")], field = card.querySelector("input[type=text]");
    const known = card.dataset.formula && JSON.parse(card.dataset.formula), prepared = [...card.querySelectorAll("[data-value]")];
    if (known) formulaPreview(field, card.querySelector(".ae-preview"), known, spoken);
    const judge = () => {
      const { fault, row, right, hint } = markFormula(field.value, known, prepared.map(({ dataset }) => ({ answer: dataset.value, right: dataset.right === "true" })));
      const why = prepared[row]?.querySelector(".ae-why");
      if (fault) verdict.textContent = fault.said;
      else answer(right, " ", ...(why ? why.cloneNode(true).childNodes : [hint ?? ""]));
      if (why && !verdict.querySelector("mjx-container")) window["MathJax"]?.typesetPromise?.([verdict]).catch(() => {});
    };
    const check = () => {
      if (known) { judge(); return; }
      const chosen = card.querySelector("input:checked")?.value, given = field && amount(field.value);
      if (field && Number.isNaN(given)) verdict.textContent = "A number, please, such as 1.5 or 1,5.";
      else if (field) answer(Math.abs(given - Number(card.dataset.number)) <= Number(card.dataset.tolerance) + 1e-12);
      else if (!chosen) verdict.textContent = "Choose an answer first.";
      else answer(reasons[Number(chosen)].dataset.right === "true");
    };
    card.querySelector(".ae-check")?.addEventListener("click", check);
    card.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.tagName === "INPUT") { event.preventDefault(); check(); } });
  }

  // ---- Starting afresh -------------------------------------------------------------------------------------

  const undo = undoLine(), reset = button("Empty all boxes", () => {
    const back = store.set(Object.fromEntries(cards.map(({ dataset: { id } }) => [key(id), null])));
    boxes.clear();
    round = null;
    show();
    undo.say("All boxes are empty.", () => { back(); recall(); });
  });
  root.append(element("p", { class: "ae-group ae-keep" }, reset), undo.line);

  filters.forEach((filter) => filter.addEventListener("change", () => { round = null; show(); }));
  find(".ae-ten").addEventListener("click", () => ask(shuffled(cards.filter(fits)).slice(0, 10)));
  due.addEventListener("click", () => ask(shuffled(cards.filter((card) => fits(card) && isDue(card)))));
  stop.addEventListener("click", () => { round = null; show(); filters[0].focus(); });
  find(".ae-bar").hidden = false;
  store.watch("cards:", recall);
  recall();
}
