// The self-quiz. What there is to say stands in the page already, folded; this opens, marks, adds up and keeps.
import { button } from "../page/controls.js";
import { announcer, element, parsed } from "../page/runtime.js";
import { download, store, undoLine, upload } from "../page/store.js";
import { formulaPreview, markFormula } from "./formula.js";

export function build(root, { groups, levels }) {
  const KEY = "self-quiz";
  const quiz = root.querySelector(".ae-quiz"), forms = [...quiz.querySelectorAll(".ae-question")];
  const blank = () => ({ text: "", done: false, mark: null });    // mark: 0, 0.5, 1, or null while it is awaited
  const state = new Map(forms.map((form) => [form, blank()]));
  let shown = false;                                              // the result is open
  quiz.dataset.ready = "";

  // ---- Marking -------------------------------------------------------------------------------------------

  const rows = (form) => [...form.querySelectorAll("li[data-value]")];
  const value = (row) => JSON.parse(row.dataset.value);
  const bare = (code) => code.replace(/#.*/, "").replace(/\s/g, "").replace(/;+$/, "").replace(/^z=/, "").replace(/'/g, '"')
    .replace(/,\)/g, ")").replace(/torch\./g, "");
  function sizes(text) { // "(64, 20)", "[64,20]", "64 x 20", "torch.Size([64, 20])" -> [64, 20]; anything else: null
    const inner = text.trim().replace(/^torch\.Size/i, "").replace(/[[\]()]/g, " ").trim().replace(/,\s*$/, "");
    const parts = inner.split(/\s*[,x×*]\s*|\s+/i);
    return parts.every((part) => /^\d+$/.test(part)) ? parts.map(Number) : null;
  }

  const known = new Map(forms.filter(({ dataset }) => dataset.formula).map((form) => [form, JSON.parse(form.dataset.formula)]));
  const marked = (form, text) => markFormula(text, known.get(form), rows(form).map((row) => ({ answer: value(row), right: row.dataset.right === "true" })));

  // For each kind: the prepared answer this is, undefined for none of them, or null where it is no answer at all.
  const judge = {
    choice: (form, text) => rows(form).find((row) => String(value(row)) === text) ?? null,
    numeric(form, text) {
      const readings = [text, text.replace(/[,'\s\u202f]/g, "")].map(parsed).filter((x) => !Number.isNaN(x)); // 3,072 may be thousands
      if (!readings.length) return null;
      const off = (row) => Math.min(...readings.map((x) => Math.abs(x - value(row))));
      return rows(form).filter((row) => off(row) <= Number(form.dataset.tolerance) + 1e-12).sort((a, b) => off(a) - off(b))[0];
    },
    shape(form, text) {
      const given = sizes(text);
      return given && rows(form).find((row) => String(value(row)) === String(given));
    },
    code: (form, text) => bare(text) ? rows(form).find((row) => value(row).map(bare).includes(bare(text))) : null,
    formula(form, text) {
      const { fault, row } = marked(form, text);
      return fault ? null : rows(form)[row];
    },
    open: (form, text) => text.trim() ? undefined : null,
  };
  const WANTED = {
    choice: "Choose an answer first.", numeric: "A number, please, such as 1.5 or 1,5.", shape: "A shape, please, such as (3, 28, 28).",
    code: "Write a line of code first.", open: "Write an answer first; a few words will do.",
  };
  const byReader = (form, entry) => entry.done && entry.text !== "" && ["open", "code"].includes(form.dataset.kind)
    && judge[form.dataset.kind](form, entry.text) === undefined;

  // An entry from storage or a file, with its mark worked out again; only the reader's own marks are taken as they are.
  function settled(form, { text, done, mark }) {
    const item = text && judge[form.dataset.kind](form, text);
    if (item === null || (form.dataset.kind === "choice" && text && !item)) return { ...blank(), text };
    const entry = { text, done, mark };
    if (!done) entry.mark = null;
    else if (text === "") entry.mark = 0;
    else if (!byReader(form, entry)) entry.mark = item?.dataset.right === "true" ? 1 : 0;
    else if (form.dataset.kind === "code" && mark === 0.5) entry.mark = null;
    return entry;
  }

  // A formula's box, and how what stands in it is read.
  const spoken = known.size ? announcer(root) : () => {};
  const previews = new Map([...known].map(([form, names]) => [form, formulaPreview(form.querySelector("[name=answer]"), form.querySelector(".ae-preview"), names, spoken)]));

  // ---- A question on the page ----------------------------------------------------------------------------

  const written = (form) => form.dataset.kind === "choice" ? form.querySelector("[name=answer]:checked")?.value ?? "" : form.querySelector("[name=answer]").value;
  const half = (points) => (points % 1 ? `${Math.floor(points) || ""}½` : String(points));
  const worth = (mark) => `${half(mark)} ${mark > 0 && mark <= 1 ? "point" : "points"}`;

  function verdict(form, entry) {
    const stands = "The solution stands below.";
    if (entry.text === "") return ["Left open: 0 points.", stands];
    if (byReader(form, entry)) {
      if (entry.mark !== null) return [`Your mark: ${worth(entry.mark)}.`];
      return form.dataset.kind === "open" ? ["Now compare.", "Mark your answer against the points below."]
        : ["This page cannot run Python.", "Your line is none of those it knows, and may still be right. Mark it below."];
    }
    if (entry.mark) return ["Right: 1 point."];
    const found = judge[form.dataset.kind](form, entry.text), hint = known.has(form) && !found && marked(form, entry.text).hint;
    return ["Not quite: 0 points.", found ? "" : hint ? `${hint} ${stands}` : stands];
  }

  function show(form) {
    const entry = state.get(form), own = byReader(form, entry), item = entry.done && entry.text ? judge[form.dataset.kind](form, entry.text) : null;
    for (const field of form.querySelectorAll("[name=answer]")) {
      if (field.type === "radio") [field.checked, field.disabled] = [field.value === entry.text, entry.done];
      else { if (field.value !== entry.text) field.value = entry.text; field.readOnly = entry.done; }
    }
    previews.get(form)?.();
    form.toggleAttribute("data-answered", entry.done);
    form.querySelector(".ae-buttons").hidden = entry.done;
    form.querySelector("details").open = entry.done;
    for (const row of rows(form)) row.toggleAttribute("data-chosen", row === item);
    const marks = form.querySelector(".ae-self");
    if (marks) marks.hidden = !own;
    for (const radio of form.querySelectorAll("[name=mark]")) radio.checked = own && entry.mark !== null && Number(radio.value) === entry.mark;
    say(form, entry.done ? verdict(form, entry) : [], entry.done && entry.mark !== null ? entry.mark : null);
  }

  function say(form, words, mark = null) {
    const [strong, more] = words;
    const box = element("div", mark === null ? {} : { "data-right": mark === 1 }, element("strong", {}, strong ?? ""), more ? ` ${more}` : "");
    form.querySelector(".ae-feedback").replaceChildren(...(strong ? [box] : []));
  }

  function commit(form, text) {
    const missing = judge[form.dataset.kind](form, text) === null;
    if (missing) say(form, [known.has(form) ? marked(form, text).fault.said : WANTED[form.dataset.kind], "Or say that you do not know, and see the solution."]);
    else finish(form, settled(form, { text, done: true, mark: null }));
    form.querySelector(".ae-feedback").focus();
  }

  function pass(form) {
    finish(form, { text: "", done: true, mark: 0 });
    form.querySelector(".ae-feedback").focus();
  }

  // ---- Storage: one entry, the same as an exported file --------------------------------------------------

  const answered = (form) => state.get(form).text !== "" || state.get(form).done;
  const packed = (answers) => ({ format: "aecourse self-quiz", version: 1, shown, answers });
  const all = () => packed(Object.fromEntries(forms.filter(answered).map((form) => [form.dataset.id, state.get(form)])));

  // One answer goes into what is kept by now: another tab may have answered other questions.
  function keep(form) {
    const answers = { ...store.read(KEY)?.answers };
    if (form) answers[form.dataset.id] = state.get(form);
    store.set({ [KEY]: packed(answers) });
    tally();
  }

  function finish(form, entry) {
    state.set(form, entry);
    show(form);
    undo.say("", null);
    keep(form);
    result();
  }

  function take(kept) { // these answers instead of those there are; null: none
    for (const form of forms) {
      const entry = kept && Object.hasOwn(kept.answers, form.dataset.id) ? settled(form, kept.answers[form.dataset.id]) : blank();
      state.set(form, entry);
      show(form);
    }
    shown = kept?.shown === true;
    result();
    tally();
  }

  // ---- The result ----------------------------------------------------------------------------------------

  const points = (form) => state.get(form).mark ?? 0;
  const sum = (some) => some.reduce((total, form) => total + points(form), 0);
  const outcome = element("div"), open = button("Show my result", () => {
    shown = true;
    keep();
    result();
    outcome.querySelector("h3").focus();
  });
  quiz.append(element("section", { class: "ae-result", "aria-label": "Result" }, element("p", {}, open), outcome));

  function result() {
    open.parentNode.hidden = shown;
    outcome.replaceChildren();
    if (!shown) return;
    const total = sum(forms), level = levels.find(({ from }) => total >= from), missed = forms.filter((form) => points(form) < 1);
    const waiting = forms.filter((form) => state.get(form).done && state.get(form).mark === null).length;
    const unanswered = forms.filter((form) => !state.get(form).done).length;
    const rest = [unanswered && `${unanswered} not answered`, waiting && `${waiting} not marked by you yet`].filter(Boolean);
    outcome.append(element("h3", { tabindex: "-1" }, `${half(total)} of ${forms.length}: ${level.name}`), element("p", {}, level.said));
    if (rest.length) outcome.append(element("p", {}, `Counted as 0: ${rest.join(", ")}.`));
    outcome.append(element("ul", { class: "ae-groups" }, ...groups.map((group) => {
      const own = forms.filter((form) => form.dataset.group === group);
      return element("li", {}, `${group}: ${half(sum(own))} of ${own.length}`);
    })));
    if (missed.length) outcome.append(element("p", {}, "To read again:"), element("ul", {}, ...missed.map((form) => {
      const links = [...form.querySelector(".ae-section").cloneNode(true).childNodes];
      return element("li", {}, `Question ${forms.indexOf(form) + 1}, ${worth(points(form))}. `, ...links);
    })));
  }

  // ---- The last line: how far, where it is kept, and what can be done with it -----------------------------

  const count = element("span", { role: "status" }), place = element("span"), undo = undoLine();
  const next = button("Next unanswered", () => { // below where the reader is, or else the first
    const left = forms.filter((form) => !state.get(form).done), here = forms.indexOf(document.activeElement.closest(".ae-question"));
    const form = left.find((each) => forms.indexOf(each) > here && each.getBoundingClientRect().top > 1) ?? left[0];
    form.scrollIntoView({ block: "start" });
    form.querySelector("[name=answer]").focus({ preventScroll: true });
  });
  const save = button("Export", () => download("self-quiz-answers.json", JSON.stringify(all(), null, 1)));
  const fetch = upload("Import", "File of exported answers", (text) => {
    const taken = store.unpack(text)?.[KEY];
    if (!taken) { undo.say("This file holds no answers of this quiz, or is damaged. Nothing was changed."); return; }
    const strange = Object.keys(taken.answers).filter((id) => !forms.some((form) => form.dataset.id === id)).length;
    replace(taken, `Imported.${strange ? ` Left out: ${strange}, for questions that are not in this quiz.` : ""}`);
  });
  const clear = button("Start again", () => {
    replace(null, "All answers are cleared.");
    undo.button.focus();
  });
  quiz.append(element("div", { class: "ae-group" }, save, ...fetch, clear, place), undo.line, element("div", { class: "ae-tally" }, count, next));

  function replace(kept, words) {
    const mine = all(), back = store.set({ [KEY]: kept });
    take(kept);
    undo.say(words, () => { back?.(); take(mine); clear.focus(); });
  }

  function tally() {
    const done = forms.filter((form) => state.get(form).done);
    const far = `${done.length} of ${forms.length} answered, ${worth(sum(done))} so far`;
    if (count.textContent !== far) count.textContent = far;       // said again only when it is news
    next.hidden = done.length === forms.length;
    place.textContent = store.works ? "Answers are kept in this browser only." : "This browser keeps no answers for this page. Export them before you leave.";
  }

  // ---- Start ---------------------------------------------------------------------------------------------

  for (const link of quiz.querySelectorAll(".ae-lesson")) { // in a notebook, a lesson is a notebook too
    if (root.closest(".bd-article") || /\.html$/.test(location.pathname)) continue;
    const { lesson } = link.dataset, words = link.textContent;
    link.replaceWith(/\.ipynb$/.test(location.pathname)
      ? element("a", { href: new URL(`${lesson}.ipynb`, location.href).href, target: "_blank" }, words) : words);
  }
  for (const form of forms) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector(".ae-commit").addEventListener("click", () => commit(form, written(form)));
    form.querySelector(".ae-pass").addEventListener("click", () => pass(form));
    form.addEventListener("input", (event) => {
      const entry = state.get(form);
      if (event.target.name === "mark") finish(form, { ...entry, mark: Number(event.target.value) });
      else if (!entry.done) {
        state.set(form, { ...entry, text: written(form) });
        keep(form);
      }
    });
    form.querySelector("input[type=text]")?.addEventListener("keydown", (event) => { // not left to the form: JupyterLab keeps Enter from it
      if (event.key !== "Enter" || state.get(form).done) return;
      event.preventDefault();
      commit(form, written(form));
    });
  }
  store.watch(KEY, () => take(store.read(KEY)));
  take(store.read(KEY));
}
