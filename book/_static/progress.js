// What this reader has read, answered and worked out: kept in the reader's own browser, shown beside the lessons in the sidebar.
(function () {
  "use strict";
  const PREFIX = "aecourse:", QUIZ = PREFIX + "self-quiz";
  const attempt = (action, otherwise = null) => { try { return action(); } catch { return otherwise; } };
  const store = attempt(() => (localStorage.getItem(QUIZ), localStorage));
  const read = (key) => attempt(() => JSON.parse(store.getItem(key))) || {};
  const write = (key, value) => attempt(() => (store.setItem(key, JSON.stringify(value)), true), false);
  const remove = (key) => attempt(() => (store.removeItem(key), true), false);
  const mine = (start = PREFIX) => attempt(() => Object.keys(store).filter((key) => key.startsWith(start)), []);
  const today = () => new Date().toISOString().slice(0, 10);

  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  // ---- What is kept of a page: { seen, right, of, exercises }, the last the ids of all its exercises ---------------

  const fileOf = (path) => path.split("/").pop().replace(/\.html$/, "");
  const isLesson = (path) => /\/notebooks\/\d\d_[^/]*\.html$/.test(path);
  const keyOf = (path) => PREFIX + "page:" + fileOf(path);
  const keep = (change, path = location.pathname) => write(keyOf(path), { ...read(keyOf(path)), ...change });
  const exercise = (id) => `${PREFIX}exercise:${id}`;                // id: "05:the-kl-term", so that its number may change
  const isDone = (id) => Boolean(read(exercise(id)).done);
  const lessons = () => [...document.querySelectorAll(".bd-sidebar-primary a[href]")].filter((link) => isLesson(link.pathname));

  // What a lesson's entry in the sidebar, and its row of the overview, have to say.
  function record({ pathname }) {
    const { seen = "", right = 0, of = 0, exercises } = read(keyOf(pathname)), listed = Array.isArray(exercises) ? exercises : [];
    return { seen, right, of, done: listed.filter(isDone).length, exercises: listed.length, quiz: fileOf(pathname).endsWith("_self_quiz") ? selfQuiz(of) : null };
  }

  function selfQuiz(of) {
    const taken = Object.values(read(QUIZ).answers || {}).filter((entry) => entry?.done);
    const sum = taken.reduce((points, { mark }) => points + (Number(mark) || 0), 0);
    const points = sum % 1 ? `${Math.floor(sum) || ""}\u00bd` : String(sum);
    if (!taken.length) return { sign: "", words: "" };
    return taken.length < of ? { sign: `${taken.length}/${of}`, words: `${taken.length} of ${of} questions answered` }
      : { sign: `\u2713 ${points}/${taken.length}`, words: `taken, ${points} of ${taken.length} points` };
  }

  // ---- In the sidebar ----------------------------------------------------------------------------------------------

  function show() {
    for (const link of lessons()) {
      link.querySelector(".course-progress")?.remove();
      link.dataset.title ??= link.textContent.trim();
      const { seen, right, of, done, exercises, quiz } = record(link);
      const parts = (quiz ? [quiz.words && [quiz.sign, quiz.words]] : [
        seen && ["\u2713", "read"],
        right && [`?\u2009${right}/${of}`, `${right} of ${of} check questions right`],
        done && [`\u270e\ufe0e\u2009${done}/${exercises}`, `${done} of ${exercises} exercises done`],
      ]).filter(Boolean);
      if (!parts.length) continue;
      const words = parts.map(([, said]) => said).join(", ");
      link.append(" ", element("span", { class: "course-progress", role: "img", title: words, "aria-label": words }, parts.map(([sign]) => sign).join("\u2002")));
    }
  }

  // ---- The boxes to tick: in a lesson beside each exercise, on the page of all exercises in each row ----------------

  const places = () => [...document.querySelectorAll("[data-exercise]")];
  const tally = element("p", { role: "status" });

  function offer() {
    const homes = new Map();                                         // lesson -> its exercises: of this page, or of the page a row links to
    for (const place of places()) {
      const { exercise: id, name } = place.dataset, { pathname } = place.closest("tr")?.querySelector("a") ?? location;
      homes.set(pathname, [...homes.get(pathname) ?? [], id]);
      const box = element("input", { type: "checkbox", "aria-label": `Done: exercise ${name}` }), note = element("em", { role: "status" });
      place.replaceChildren(element("label", { class: "course-done" }, box, element("span", { "aria-hidden": "true" }, "Done")), note);
      box.addEventListener("change", () => {
        const kept = box.checked ? write(exercise(id), { done: today() }) : remove(exercise(id));
        note.textContent = kept ? "" : "Not kept: this browser\u2019s storage is full.";
        refresh();
      });
    }
    for (const [path, exercises] of homes) keep({ exercises }, path);
    document.querySelector("table [data-exercise]")?.closest("section section")?.before(tally);
  }

  // Everything on this page, as it is kept now; another page may have changed it. Nothing is written here.
  function refresh() {
    for (const place of places()) place.querySelector("input").checked = isDone(place.dataset.exercise);
    const said = `You have ticked ${places().filter(({ dataset }) => isDone(dataset.exercise)).length} of ${places().length}.`;
    if (tally.isConnected && tally.textContent !== said) tally.textContent = said;
    show();
    overview();
  }

  // How many check questions of this page are answered rightly.
  function count() {
    const forms = document.querySelectorAll(".ae-question[data-id]").length;
    if (!forms || !isLesson(location.pathname)) return;
    const own = mine(`${PREFIX}quiz:${fileOf(location.pathname).slice(0, 2)}:`);
    keep({ right: Math.min(forms, own.filter((key) => read(key).right === true).length), of: forms });
  }

  // A lesson counts as read when its summary has been on the screen for two seconds.
  function watch() {
    const end = document.getElementById("what-to-remember");
    if (!end || !isLesson(location.pathname)) return;
    let timer;
    new IntersectionObserver(([entry], observer) => {
      clearTimeout(timer);
      if (entry.isIntersecting) timer = setTimeout(() => { keep({ seen: today() }); show(); observer.disconnect(); }, 2000);
    }).observe(end.querySelector("h2") || end);
  }

  // ---- On the page that offers it: an overview, and everything the course keeps as a file, from a file, and away ---

  const table = element("table", { class: "course-overview" });

  function overview() {
    if (!table.isConnected) return;
    const cell = (text, attributes = {}) => element("td", attributes, text), head = (content, scope) => element("th", { scope }, content);
    const part = (n, of) => cell(of ? `${n} of ${of}` : "\u2013");
    const rows = lessons().map((link) => ({ link, ...record(link) })), own = rows.filter(({ quiz }) => !quiz), cards = mine(PREFIX + "cards:").length;
    const sum = (key) => own.reduce((total, row) => total + row[key], 0);
    table.replaceChildren(
      element("thead", {}, element("tr", {}, ...["Lesson", "Read", "Exercises", "Questions"].map((text) => head(text, "col")))),
      element("tbody", {}, ...rows.map(({ link, seen, done, exercises, right, of, quiz }) => element("tr", {},
        head(element("a", { href: link.href }, link.dataset.title), "row"),
        ...(quiz ? [cell(quiz.words || "not taken", { colspan: 3 })] : [cell(seen ? "\u2713" : "\u2013"), part(done, exercises), part(right, of)])))),
      element("tfoot", {}, element("tr", {}, head("All lessons", "row"), cell(`${own.filter(({ seen }) => seen).length} of ${own.length}`), cell(`${sum("done")} done`), cell(`${sum("right")} right`)),
        element("tr", {}, head("Question bank", "row"), cell(`${cards || "no"} ${cards === 1 ? "card" : "cards"} asked`, { colspan: 3 }))));
  }

  function desk() {
    const place = document.getElementById("course-desk");
    if (!place) return;
    const state = element("p", { role: "status" });
    const tell = (text) => { state.textContent = text; };
    if (!store) { tell("This browser keeps nothing for this page, so there is no progress to show."); place.append(state); return; }
    const button = (text, act) => {
      const node = element("button", { type: "button" }, text);
      node.addEventListener("click", act);
      place.append(node);
      return node;
    };
    place.before(table);
    button("Save to a file", () => {
      const all = Object.fromEntries(mine().map((key) => [key, store.getItem(key)]));
      const link = element("a", { href: URL.createObjectURL(new Blob([JSON.stringify(all, null, 1)], { type: "application/json" })), download: "autoencoders-progress.json" });
      link.click();
      tell(`Saved ${mine().length} entries.`);
    });
    const field = element("input", { type: "file", accept: ".json,application/json", hidden: "", "aria-label": "File of progress" });
    place.append(field);
    button("Load from a file", () => field.click());
    field.addEventListener("change", async () => {
      const [file] = field.files;
      field.value = "";
      const given = await file.text().then((text) => attempt(() => JSON.parse(text)));
      const entries = given && typeof given === "object" && !Array.isArray(given) ? Object.entries(given) : [];
      if (!entries.length || entries.some(([key, value]) => !key.startsWith(PREFIX) || typeof value !== "string"))
        return tell("This file holds no progress of this course. Nothing was changed.");
      const failed = attempt(() => { entries.forEach(([key, value]) => store.setItem(key, value)); return false; }, true);
      tell(failed ? "The browser would not keep all of it." : `Loaded ${entries.length} entries.`);
      refresh();
    });
    let sure = false;
    const forget = button("Forget everything", () => {
      if (!sure) { sure = true; forget.textContent = "Press again to forget everything"; return; }
      mine().forEach(remove);
      [sure, forget.textContent] = [false, "Forget everything"];
      tell("Nothing is kept any more.");
      refresh();
    });
    forget.addEventListener("blur", () => { sure = false; forget.textContent = "Forget everything"; });
    place.append(state);
  }

  addEventListener("DOMContentLoaded", () => {
    desk();
    if (!store) return;
    offer();
    count();
    watch();
    refresh();
    document.addEventListener("aecourse:answer", () => setTimeout(() => { count(); show(); }, 0));
    if (document.querySelector(".ae-quiz")) for (const event of ["click", "input"]) addEventListener(event, () => setTimeout(show, 0));
    addEventListener("storage", refresh);                            // another tab
    addEventListener("pageshow", ({ persisted }) => { if (persisted) refresh(); });
  });
})();
