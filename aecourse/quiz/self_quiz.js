// The self-quiz. What there is to say stands in the page already, folded; this opens, marks, adds up and keeps.
function build(root, { groups, levels }) {
  const KEY = "aecourse:self-quiz", FORMAT = "aecourse self-quiz", LONGEST = 5000;
  const quiz = root.querySelector(".ae-quiz"), forms = [...quiz.querySelectorAll(".ae-question")];
  const blank = () => ({ text: "", done: false, mark: null });    // mark: 0, 0.5, 1, or null while it is awaited
  const state = new Map(forms.map((form) => [form, blank()]));
  let shown = false, works = true, before = null;                 // the result is open; storage works; what undo brings back
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

  // ---- A question on the page ----------------------------------------------------------------------------

  const written = (form) => form.dataset.kind === "choice" ? form.querySelector("[name=answer]:checked")?.value ?? "" : form.querySelector("[name=answer]").value;
  const half = (points) => (points % 1 ? `${Math.floor(points) || ""}½` : String(points));
  const worth = (mark) => `${half(mark)} ${mark > 0 && mark <= 1 ? "point" : "points"}`;

  function verdict(form, entry) {
    if (entry.text === "") return ["Left open: 0 points.", "The solution stands below."];
    if (byReader(form, entry)) {
      if (entry.mark !== null) return [`Your mark: ${worth(entry.mark)}.`];
      return form.dataset.kind === "open" ? ["Now compare.", "Mark your answer against the points below."]
        : ["This page cannot run Python.", "Your line is none of those it knows, and may still be right. Mark it below."];
    }
    return entry.mark ? ["Right: 1 point."] : ["Not quite: 0 points.", judge[form.dataset.kind](form, entry.text) ? "" : "The solution stands below."];
  }

  function show(form) {
    const entry = state.get(form), own = byReader(form, entry), item = entry.done && entry.text ? judge[form.dataset.kind](form, entry.text) : null;
    for (const field of form.querySelectorAll("[name=answer]")) {
      if (field.type === "radio") [field.checked, field.disabled] = [field.value === entry.text, entry.done];
      else { if (field.value !== entry.text) field.value = entry.text; field.readOnly = entry.done; }
    }
    form.toggleAttribute("data-answered", entry.done);
    form.querySelector(".ae-buttons").hidden = entry.done;
    form.querySelector("details").open = entry.done;
    for (const row of rows(form)) row.toggleAttribute("data-chosen", row === item);
    const marks = form.querySelector(".ae-self");
    if (marks) marks.hidden = !own;
    for (const radio of form.querySelectorAll("[name=mark]")) radio.checked = own && entry.mark !== null && Number(radio.value) === entry.mark;
    say(form, entry.done ? verdict(form, entry) : [], entry.done && entry.mark !== null ? entry.mark : null);
  }

  function say(form, [strong, more], mark = null) {
    const box = element("div", mark === null ? {} : { "data-right": mark === 1 }, element("strong", {}, strong ?? ""), more ? ` ${more}` : "");
    form.querySelector(".ae-feedback").replaceChildren(...(strong ? [box] : []));
  }

  function commit(form, text) {
    const missing = judge[form.dataset.kind](form, text) === null;
    if (missing) say(form, [WANTED[form.dataset.kind], "Or say that you do not know, and see the solution."]);
    else finish(form, settled(form, { text, done: true, mark: null }));
    form.querySelector(".ae-feedback").focus();
  }

  function pass(form) {
    finish(form, { text: "", done: true, mark: 0 });
    form.querySelector(".ae-feedback").focus();
  }

  function finish(form, entry) {
    state.set(form, entry);
    changed(form);
  }

  // ---- Storage: one text, the same as an exported file ---------------------------------------------------

  const attempt = (action) => { try { return action(); } catch { works = false; return null; } };
  const packed = () => ({
    format: FORMAT, version: 1, shown,
    answers: Object.fromEntries(forms.filter((form) => state.get(form).text || state.get(form).done).map((form) => [form.dataset.id, state.get(form)])),
  });
  const isObject = (x) => x !== null && typeof x === "object" && !Array.isArray(x);
  const sound = (entry) => isObject(entry) && typeof entry.text === "string" && entry.text.length <= LONGEST
    && typeof entry.done === "boolean" && [null, 0, 0.5, 1].includes(entry.mark);

  // Answers from a text. strict: null unless everything in it is as it was written; else what is sound is taken.
  function unpacked(text, strict) {
    let content = null;
    try { content = JSON.parse(text); } catch { return null; }
    if (!isObject(content) || content.format !== FORMAT || content.version !== 1 || !isObject(content.answers)) return null;
    if (strict && !Object.values(content.answers).every(sound)) return null;
    const entries = new Map(forms.map((form) => {
      const entry = Object.hasOwn(content.answers, form.dataset.id) ? content.answers[form.dataset.id] : null;
      return [form, sound(entry) ? settled(form, entry) : blank()];
    }));
    const strange = Object.keys(content.answers).filter((id) => !forms.some((form) => form.dataset.id === id)).length;
    return { entries, shown: content.shown === true, strange };
  }

  function keep() {
    attempt(() => localStorage.setItem(KEY, JSON.stringify(packed())));
    tally();
  }

  function changed(form) {
    show(form);
    before = null;
    undo.hidden = true;
    note.textContent = "";
    keep();
    result();
  }

  function take(taken) { // these answers instead of those there are; null: none
    for (const form of forms) state.set(form, taken?.entries.get(form) ?? blank());
    shown = taken?.shown ?? false;
    forms.forEach(show);
    result();
  }

  // ---- The result ----------------------------------------------------------------------------------------

  const points = (form) => state.get(form).mark ?? 0;
  const sum = (some) => some.reduce((total, form) => total + points(form), 0);
  const open = element("button", { type: "button" }, "Show my result"), outcome = element("div");
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

  open.addEventListener("click", () => {
    shown = true;
    keep();
    result();
    outcome.querySelector("h3").focus();
  });

  // ---- The last line: how far, where it is kept, and what can be done with it -----------------------------

  const count = element("span", { role: "status" }), place = element("span"), note = element("p", { role: "status", class: "ae-note" });
  const [save, fetch, clear, undo] = ["Export", "Import", "Start again", "Undo"].map((name) => element("button", { type: "button" }, name));
  const file = element("input", { type: "file", accept: ".json,application/json", hidden: "", "aria-label": "File of exported answers" });
  undo.hidden = true;
  quiz.append(element("div", { class: "ae-tally" }, count, element("span", {}, save, " ", fetch, " ", clear), place, file),
    element("div", { class: "ae-tools" }, note, undo));

  function tally() {
    const done = forms.filter((form) => state.get(form).done);
    const far = `${done.length} of ${forms.length} answered, ${worth(sum(done))} so far`;
    if (count.textContent !== far) count.textContent = far;       // said again only when it is news
    place.textContent = works ? "Answers are kept in this browser only." : "This browser keeps no answers for this page. Export them before you leave.";
  }

  function offerUndo(text, taken) { // do it, and keep what was there for the undo button
    const kept = JSON.stringify(packed());
    take(taken);
    keep();
    before = kept;
    undo.hidden = false;
    note.textContent = text;
  }

  save.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([JSON.stringify(packed(), null, 1)], { type: "application/json" }));
    const link = element("a", { href: url, download: "self-quiz-answers.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    note.textContent = "Exported as self-quiz-answers.json.";
  });
  fetch.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const taken = chosen.size < 1_000_000 ? unpacked(await chosen.text().catch(() => ""), true) : null;
    file.value = "";
    if (!taken) note.textContent = "This file holds no answers of this quiz, or is damaged. Nothing was changed.";
    else offerUndo(`Imported.${taken.strange ? ` Left out: ${taken.strange}, for questions that are not in this quiz.` : ""}`, taken);
  });
  clear.addEventListener("click", () => {
    offerUndo("All answers are cleared.", null);
    undo.focus();
  });
  undo.addEventListener("click", () => {
    take(unpacked(before, false));
    keep();
    before = null;
    undo.hidden = true;
    note.textContent = "Your answers are back.";
    clear.focus();
  });

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
        keep();
      }
    });
    form.querySelector("input[type=text]")?.addEventListener("keydown", (event) => { // not left to the form: JupyterLab keeps Enter from it
      if (event.key !== "Enter" || state.get(form).done) return;
      event.preventDefault();
      commit(form, written(form));
    });
  }
  const kept = attempt(() => localStorage.getItem(KEY));
  take(kept && unpacked(kept, false));
  tally();
}
