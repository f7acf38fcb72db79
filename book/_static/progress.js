// What this reader has read, answered and worked out: kept in the reader's own browser, shown beside the lessons in the sidebar.
import { button } from "../../aecourse/page/controls.js";
import { element } from "../../aecourse/page/runtime.js";
import { download, store, undoLine, upload } from "../../aecourse/page/store.js";

(function () {
  const today = () => new Date().toISOString().slice(0, 10);

  // ---- What is kept of a page: { seen, of, exercises }: when it was read, how many questions it asks, the ids of its exercises ----

  const slugOf = (path) => path.split("/").pop().replace(/^\d\d_|\.html$/g, "");
  const isLesson = (path) => /\/notebooks\/\d\d_[^/]*\.html$/.test(path);
  const pageOf = (path) => `page:${slugOf(path)}`;
  const keep = (change, path = location.pathname) => store.set({ [pageOf(path)]: { ...store.read(pageOf(path)), ...change } });
  const exercise = (id) => `exercise:${id}`;                          // id: "vae_elbo:the-kl-term", so that numbers may change
  const isDone = (id) => Boolean(store.read(exercise(id)));
  /** @type {(selector: string) => any[]} */
  const all = (selector) => [...document.querySelectorAll(selector)];
  const lessons = () => all(".bd-sidebar-primary a[href]").filter((link) => isLesson(link.pathname));

  // What a lesson's entry in the sidebar, and its row of the overview, have to say.
  function record({ pathname }) {
    const { seen = "", of = 0, exercises = [] } = store.read(pageOf(pathname)) ?? {}, slug = slugOf(pathname);
    const right = store.keys(`quiz:${slug}:`).filter((key) => store.read(key)?.first).length;
    return { seen, right: Math.min(right, of), of, done: exercises.filter(isDone).length, exercises: exercises.length, quiz: slug === "self_quiz" ? selfQuiz(of) : null };
  }

  function selfQuiz(of) {
    const taken = Object.values(store.read("self-quiz")?.answers ?? {}).filter(({ done }) => done), n = taken.length;
    const waiting = taken.filter(({ mark }) => mark === null).length, sum = taken.reduce((points, { mark }) => points + (mark ?? 0), 0);
    const points = sum % 1 ? `${Math.floor(sum) || ""}\u00bd` : String(sum);
    const marks = waiting ? `, ${waiting} to be marked by you` : "";
    if (!n) return { sign: "", words: "" };
    return n < of || waiting ? { sign: `${n}/${of}`, words: `${n} of ${of} questions answered${marks}` }
      : { sign: `\u2713 ${points}/${n}`, words: `taken, ${points} of ${n} points` };
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

  const places = () => all("[data-exercise]");
  const tally = element("p", { role: "status" });

  function offer() {
    const homes = new Map();                                         // lesson -> its exercises: of this page, or of the page a row links to
    for (const place of places()) {
      const { exercise: id, name } = place.dataset, { pathname } = place.closest("tr")?.querySelector("a") ?? location;
      homes.set(pathname, [...homes.get(pathname) ?? [], id]);
      const box = element("input", { type: "checkbox", "aria-label": `Done: exercise ${name}` }), note = element("em", { role: "status" });
      place.replaceChildren(element("label", { class: "course-done" }, box, element("span", { "aria-hidden": "true" }, "Done")), note);
      box.addEventListener("change", () => {
        const kept = store.set({ [exercise(id)]: box.checked ? { done: today() } : null });
        note.textContent = kept ? "" : "Not kept: this browser\u2019s storage is full.";
        refresh();
      });
    }
    for (const [path, exercises] of homes) keep({ exercises }, path);
    const of = all(".ae-question[data-id]").length;
    if (of && isLesson(location.pathname)) keep({ of });
    document.querySelector("table [data-exercise]")?.closest("section section")?.before(tally);
  }

  // Everything on this page, as it is kept now; a quiz or another tab may have changed it. Nothing is written here.
  function refresh() {
    for (const place of places()) place.querySelector("input").checked = isDone(place.dataset.exercise);
    const said = `You have ticked ${places().filter(({ dataset }) => isDone(dataset.exercise)).length} of ${places().length}.`;
    if (tally.isConnected && tally.textContent !== said) tally.textContent = said;
    show();
    overview();
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
    const rows = lessons().map((link) => ({ link, ...record(link) })), own = rows.filter(({ quiz }) => !quiz), cards = store.keys("cards:").length;
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
    if (!store.works) { place.append("This browser keeps nothing for this page, so there is no progress to show."); return; }
    const undo = undoLine();
    const change = (changes, words) => {
      const back = store.set(changes);
      undo.say(back ? words : "The browser would not keep all of it. Nothing was changed.", back && (() => { back(); refresh(); }));
      refresh();
    };
    const save = button("Save to a file", () => {
      download("autoencoders-progress.json", store.pack());
      undo.say(`Saved ${store.keys().length} entries.`);
    });
    const load = upload("Load from a file", "File of progress", (text) => {
      const entries = store.unpack(text);
      if (entries) change(entries, `Loaded ${Object.keys(entries).length} entries.`);
      else undo.say("This file holds no progress of this course, or is damaged. Nothing was changed.");
    });
    const forget = button("Forget everything", () => change(Object.fromEntries(store.keys().map((key) => [key, null])), "Nothing is kept any more."));
    place.before(table);
    place.append(save, ...load, forget, undo.line);
  }

  addEventListener("DOMContentLoaded", () => {
    desk();
    if (!store.works) return;
    offer();
    watch();
    refresh();
    store.watch("", refresh);
  });
})();
