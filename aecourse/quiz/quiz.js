// Check questions. Everything to be said stands in the page already, in each question's folded answer.
import { button } from "../page/controls.js";
import { announcer, element, parsed } from "../page/runtime.js";
import { store, undoLine } from "../page/store.js";
import { formulaPreview, markFormula } from "./formula.js";

export function build(root, { lesson }) {
  const forms = [...root.querySelectorAll(".ae-question")];
  const key = (form) => `quiz:${lesson}:${form.dataset.id}`;
  const state = new Map(); // form -> { answer, right, first, tries }; the first answer is the one that counts

  const known = new Map(forms.filter(({ dataset }) => dataset.formula).map((form) => [form, JSON.parse(form.dataset.formula)]));
  const prepared = (form) => [...form.querySelectorAll("li")];

  // What is no answer at all, and what to say then.
  const wanting = {
    choice: (form, answer) => answer === null && ["Choose an answer first."],
    numeric: (form, answer) => Number.isNaN(parsed(answer)) && ["A number, please,", "such as 1.5 or 1,5."],
    formula(form, answer) {
      const { fault } = marked(form, answer);
      return fault && [fault.said];
    },
  };
  const marked = (form, answer) => markFormula(answer, known.get(form),
    prepared(form).map(({ dataset: { value, right } }) => ({ answer: value, right: right === "true" })));

  // Which of the prepared answers this is; undefined where none fits.
  const judge = {
    choice: (form, answer) => prepared(form)[Number(answer)],
    formula: (form, answer) => prepared(form)[marked(form, answer).row],
    numeric(form, answer) {
      const off = (item) => Math.abs(Number(item.dataset.value) - parsed(answer));
      const near = prepared(form).filter((item) => off(item) <= Number(form.dataset.tolerance) + 1e-12);
      return near.sort((a, b) => off(a) - off(b))[0];
    },
  };

  function reply(form, right, verdict, why, section) {
    const box = element("div", {}, element("strong", {}, verdict), " ", ...why);
    if (right !== null) box.dataset.right = right;
    if (section) box.append(section);
    form.querySelector(".ae-feedback").replaceChildren(box);
    if (!box.querySelector("mjx-container")) window["MathJax"]?.typesetPromise?.([box]).catch(() => {});
  }

  // Judge an answer and say why. Returns whether it is right, or null where it is no answer.
  function respond(form, answer) {
    const missing = wanting[form.dataset.kind](form, answer);
    if (missing) {
      reply(form, null, missing[0], missing.slice(1));
      return null;
    }
    const item = judge[form.dataset.kind](form, answer), right = item?.dataset.right === "true";
    form.querySelectorAll(".ae-section a").forEach((link) => { // in a notebook, the heading may be out of reach
      if (!document.getElementById(link.hash.slice(1))) link.replaceWith(...link.childNodes);
    });
    const why = item ? [...item.querySelector(".ae-why").cloneNode(true).childNodes]
      : form.dataset.kind === "numeric" ? ["That is not the number. Work it through once more, or open the answer."]
      : [marked(form, answer).hint || "Its values are others. Try it at values where you know the answer, or open the answer."];
    reply(form, right, right ? "Right." : "Not quite.", why, right ? null : form.querySelector(".ae-section").cloneNode(true));
    form.dataset.answered = "";
    return right;
  }

  function answer(form) {
    const given = new FormData(form).get("answer"), right = respond(form, given), before = state.get(form);
    if (right === null) return;
    const kept = { answer: given, right, first: before ? before.first : right, tries: (before?.tries ?? 0) + 1 };
    state.set(form, kept);
    store.set({ [key(form)]: kept });
    undo.say("", null);
    tally();
  }

  function recall() { // show what is kept; another tab may have changed it
    for (const form of forms) {
      const kept = store.read(key(form));
      const field = kept && (form.dataset.kind === "choice" ? form.querySelectorAll("input")[Number(kept.answer)] : form.querySelector("input"));
      if (!field || (field.type === "text" && wanting[form.dataset.kind](form, kept.answer))) { // nothing, or the question has changed since
        if (state.delete(form)) form.reset();
        previews.get(form)?.();
        form.querySelector(".ae-feedback").replaceChildren();
        delete form.dataset.answered;
        continue;
      }
      if (field.type === "radio") field.checked = true;
      else field.value = kept.answer;
      previews.get(form)?.();
      respond(form, kept.answer);
      state.set(form, kept);
    }
    tally();
  }

  // The last line: how many are right, where answers are kept, and a way to forget them.
  const count = element("span"), place = element("span"), undo = undoLine();
  const clear = button("Clear my answers", () => {
    const back = store.set(Object.fromEntries(forms.map((form) => [key(form), null])));
    recall();
    undo.say("Your answers are cleared.", () => { back(); recall(); });
  });
  root.append(element("div", { class: "ae-tally" }, count, place, clear), undo.line);
  function tally() {
    const right = [...state.values()].filter(({ first }) => first).length;
    count.textContent = `${state.size} of ${forms.length} answered, ${right} right at the first try`;
    place.textContent = store.works ? "Answers are kept in this browser only." : "This browser does not keep answers for this page.";
  }

  const spoken = known.size ? announcer(root) : () => {};
  const previews = new Map([...known].map(([form, names]) => [form, formulaPreview(form.querySelector("input"), form.querySelector(".ae-preview"), names, spoken)]));
  for (const form of forms) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("button").addEventListener("click", () => answer(form));
    form.addEventListener("keydown", (event) => { // not left to the form: JupyterLab keeps Enter from it
      if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
      event.preventDefault();
      answer(form);
    });
  }
  store.watch(`quiz:${lesson}:`, recall);
  recall();
}
