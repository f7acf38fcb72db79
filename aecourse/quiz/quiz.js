// Check questions. Everything to be said stands in the page already, in each question's folded answer.
function build(root, { lesson }) {
  const forms = [...root.querySelectorAll(".ae-question")];
  const key = (form) => `aecourse:quiz:${lesson}:${form.dataset.id}`;

  // The reader's own browser keeps { answer, right, first, tries }; a browser that keeps nothing is no error.
  const memory = {
    works: true,
    attempt(action) { try { return action(); } catch { this.works = false; return null; } },
    read(form) { return this.attempt(() => JSON.parse(localStorage.getItem(key(form)))); },
    write(form, kept) { this.attempt(() => localStorage.setItem(key(form), JSON.stringify(kept))); },
    forget(form) { this.attempt(() => localStorage.removeItem(key(form))); },
  };
  const state = new Map(); // form -> what was answered

  // Which of the prepared answers this is; undefined where none fits.
  const judge = {
    choice: (form, answer) => form.querySelectorAll("li")[Number(answer)],
    numeric(form, answer) {
      const off = (item) => Math.abs(Number(item.dataset.value) - parsed(answer));
      const near = [...form.querySelectorAll("li")].filter((item) => off(item) <= Number(form.dataset.tolerance) + 1e-12);
      return near.sort((a, b) => off(a) - off(b))[0];
    },
  };

  function reply(form, right, verdict, why, section) {
    const box = element("div", {}, element("strong", {}, verdict), " ", ...why);
    if (right !== null) box.dataset.right = right;
    if (section) box.append(section);
    form.querySelector(".ae-feedback").replaceChildren(box);
    if (window.MathJax && MathJax.typesetPromise && !box.querySelector("mjx-container")) MathJax.typesetPromise([box]).catch(() => {});
  }

  // Judge an answer and say why. Returns whether it is right, or null where it is no answer.
  function respond(form, answer) {
    if (form.dataset.kind === "numeric" && Number.isNaN(parsed(answer))) {
      reply(form, null, "A number, please,", ["such as 1.5 or 1,5."]);
      return null;
    }
    const item = judge[form.dataset.kind](form, answer), right = item?.dataset.right === "true";
    form.querySelectorAll(".ae-section a").forEach((link) => { // in a notebook, the heading may be out of reach
      if (!document.getElementById(link.hash.slice(1))) link.replaceWith(...link.childNodes);
    });
    const why = item ? [...item.querySelector(".ae-why").cloneNode(true).childNodes]
      : ["That is not the number. Work it through once more, or open the answer."];
    reply(form, right, right ? "Right." : "Not quite.", why, right ? null : form.querySelector(".ae-section").cloneNode(true));
    form.dataset.answered = "";
    return right;
  }

  function answer(form) {
    const given = new FormData(form).get("answer"), right = respond(form, given);
    if (right === null) return;
    const before = state.get(form);
    const kept = { answer: given, right, first: before ? before.first : right, tries: (before ? before.tries : 0) + 1 };
    state.set(form, kept);
    memory.write(form, kept);
    tally();
    root.dispatchEvent(new CustomEvent("aecourse:answer", { bubbles: true, detail: { lesson, id: form.dataset.id, ...kept } }));
  }

  function restore(form) {
    const kept = memory.read(form);
    if (!kept || typeof kept.answer !== "string") return;
    const field = form.dataset.kind === "choice"
      ? form.querySelectorAll("input")[Number(kept.answer)] : form.querySelector("input");
    if (!field) return; // the question has changed since
    if (field.type === "radio") field.checked = true;
    else field.value = kept.answer;
    if (respond(form, kept.answer) !== null) state.set(form, kept);
  }

  // The last line: how many are right, where answers are kept, and a way to forget them.
  const count = element("span"), place = element("span"), clear = element("button", { type: "button" }, "Clear my answers");
  root.append(element("div", { class: "ae-tally" }, count, place, clear));
  function tally() {
    const right = [...state.values()].filter((kept) => kept.right).length;
    count.textContent = `${state.size} of ${forms.length} answered, ${right} right`;
    place.textContent = memory.works ? "Answers are kept in this browser only." : "This browser does not keep answers for this page.";
  }
  clear.addEventListener("click", () => {
    for (const form of forms) {
      memory.forget(form);
      form.reset();
      form.querySelector(".ae-feedback").replaceChildren();
      delete form.dataset.answered;
    }
    state.clear();
    tally();
  });

  for (const form of forms) {
    form.addEventListener("submit", (event) => event.preventDefault());
    if (form.dataset.kind === "choice") form.addEventListener("change", () => answer(form));
    else {
      form.querySelector("button").addEventListener("click", () => answer(form));
      form.querySelector("input").addEventListener("keydown", (event) => { // not left to the form: JupyterLab keeps Enter from it
        if (event.key !== "Enter") return;
        event.preventDefault();
        answer(form);
      });
    }
    restore(form);
  }
  tally();
}
