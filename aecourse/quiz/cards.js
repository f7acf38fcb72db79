// The question bank: filters, rounds of cards, and Leitner's boxes in the reader's own browser.
// A card that is known moves one box up, one that is not goes back to the first; a card in box n is due after DAYS[n] days.
function build(root) {
  const DAYS = [0, 1, 2, 4, 8, 16], KEY = "aecourse:cards:";
  const find = (selector) => root.querySelector(selector);
  const cards = [...root.querySelectorAll(".ae-card")];
  const filters = [...root.querySelectorAll("select")], status = find(".ae-status"), stop = find(".ae-stop"), due = find(".ae-due");
  let round = null; // { cards, at, known: [card, ...] } while cards are being asked

  const today = () => { const d = new Date(); return Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) / 864e5; };
  const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

  // ---- What is kept: { box: 1 to 5, day: when the card was asked last } for each card that has been asked ----

  const sound = (kept) => kept && Number.isInteger(kept.box) && DAYS[kept.box] && Number.isInteger(kept.day);
  const memory = {
    works: true,
    attempt(action) { try { return action(); } catch { this.works = false; return null; } },
    read(id) {
      const text = this.attempt(() => localStorage.getItem(KEY + id));
      try { const kept = JSON.parse(text); return sound(kept) ? kept : null; } catch { return null; }
    },
    write(id, kept) { this.attempt(() => localStorage.setItem(KEY + id, JSON.stringify(kept))); },
    forget(id) { this.attempt(() => localStorage.removeItem(KEY + id)); },
  };
  const boxes = new Map(); // id -> { box, day }
  function recall() {
    boxes.clear();
    for (const { dataset: { id } } of cards) { const kept = memory.read(id); if (kept) boxes.set(id, kept); }
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
    const kept = memory.works ? "" : " This browser keeps nothing for this page: the boxes last until it is closed.";
    status.textContent = (asked ? `Card ${round.at + 1} of ${round.cards.length}.`
      : round ? `You knew ${round.known} of ${round.cards.length}. Below are the cards of this round.`
      : `${plural(chosen.length, "card")}: ${ready} due, ${fresh} not asked yet.`) + kept;
  }

  function cover(card) { // as if it had not been asked
    card.querySelector("details").open = false;
    card.querySelectorAll("input").forEach((input) => { input.checked = false; if (input.type === "text") input.value = ""; });
    card.querySelector(".ae-verdict").textContent = "";
  }

  function ask(list) {
    round = list.length ? { cards: list, at: 0, known: 0 } : null;
    list.forEach(cover);
    show();
    if (round) list[0].focus();
    else status.textContent = "No card fits these filters.";
  }

  function mark(card, known) {
    const before = boxes.get(card.dataset.id)?.box ?? 0;
    const kept = { box: known ? Math.min(before + 1, DAYS.length - 1) : 1, day: today() };
    boxes.set(card.dataset.id, kept);
    memory.write(card.dataset.id, kept);
    const wait = `Box ${kept.box}: it comes back in ${plural(DAYS[kept.box], "day")}.`;
    if (round && round.cards[round.at] === card) {
      round.known += known;
      round.at += 1;
      show();
      (round.cards[round.at] ?? stop).focus();
    } else show();
    card.querySelector(".ae-verdict").textContent = wait;
  }

  function shuffled(list) { // Fisher and Yates
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  }

  // ---- One card ------------------------------------------------------------------------------------------

  const amount = (text) => parsed(text.replace(/(?<=\d)[ ,\u202f](?=\d{3}(\D|$))/g, "")); // "489,136" and "489 136" too

  for (const card of cards) {
    const details = card.querySelector("details"), verdict = element("p", { class: "ae-verdict", role: "status" });
    const knew = element("button", { type: "button", class: "ae-knew" }, "I knew it");
    const missed = element("button", { type: "button", class: "ae-missed" }, "Not yet");
    card.querySelector(".ae-solution").append(element("p", { class: "ae-row ae-mark" }, knew, missed));
    details.before(verdict);
    knew.addEventListener("click", () => mark(card, true));
    missed.addEventListener("click", () => mark(card, false));
    const answer = (right) => { verdict.textContent = right ? "Right." : "Not quite."; verdict.dataset.right = right; details.open = true; };
    const reasons = [...card.querySelectorAll(".ae-reasons > li")];
    card.querySelectorAll("input[type=radio]").forEach((radio, i) =>
      radio.addEventListener("change", () => answer(reasons[i].dataset.right === "true")));
    const field = card.querySelector("input[type=text]");
    if (field) {
      const check = () => {
        const given = amount(field.value);
        if (Number.isNaN(given)) verdict.textContent = "A number, please, such as 1.5 or 1,5.";
        else answer(Math.abs(given - Number(card.dataset.number)) <= Number(card.dataset.tolerance) + 1e-12);
      };
      card.querySelector(".ae-check").addEventListener("click", check);
      field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); check(); } });
    }
  }

  // ---- Starting afresh -------------------------------------------------------------------------------------

  const reset = element("button", { type: "button" }, "Empty all boxes");
  root.append(element("p", { class: "ae-row ae-keep" }, reset));
  reset.addEventListener("click", () => {
    if (!confirm("Forget which cards you know?")) return;
    for (const { dataset: { id } } of cards) memory.forget(id);
    boxes.clear();
    round = null;
    show();
  });

  filters.forEach((filter) => filter.addEventListener("change", () => { round = null; show(); }));
  find(".ae-ten").addEventListener("click", () => ask(shuffled(cards.filter(fits)).slice(0, 10)));
  due.addEventListener("click", () => ask(shuffled(cards.filter((card) => fits(card) && isDue(card)))));
  stop.addEventListener("click", () => { round = null; show(); filters[0].focus(); });
  find(".ae-bar").hidden = false;
  recall();
  show();
}
