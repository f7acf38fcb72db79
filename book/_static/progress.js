// What this reader has read and answered, kept in the reader's own browser and shown beside the lessons in the sidebar.
(function () {
  "use strict";
  const PREFIX = "aecourse:";
  const attempt = (action, otherwise = null) => { try { return action(); } catch { return otherwise; } };
  const store = attempt(() => (localStorage.setItem(PREFIX + "try", "1"), localStorage.removeItem(PREFIX + "try"), localStorage));
  const keyOf = (path) => PREFIX + "page:" + path.split("/").pop().replace(/\.html$/, "");
  const read = (key) => attempt(() => JSON.parse(store.getItem(key))) || {};
  const isLesson = (path) => /\/notebooks\/\d\d_[^/]*\.html$/.test(path);

  function keep(change) {
    const key = keyOf(location.pathname);
    attempt(() => store.setItem(key, JSON.stringify({ ...read(key), ...change })));
    show();
  }

  // How many check questions of this page are answered rightly.
  function count() {
    const forms = document.querySelectorAll(".ae-question[data-id]").length;
    const lesson = location.pathname.split("/").pop().slice(0, 2);
    if (!forms || !store) return;
    const own = attempt(() => Object.keys(store).filter((key) => key.startsWith(`${PREFIX}quiz:${lesson}:`)), []);
    keep({ right: Math.min(forms, own.filter((key) => read(key).right === true).length), of: forms });
  }

  function show() {
    for (const link of document.querySelectorAll(".bd-sidebar-primary a[href]")) {
      if (!isLesson(new URL(link.href).pathname)) continue;
      link.querySelector(".course-progress")?.remove();
      const { seen, right, of } = read(keyOf(new URL(link.href).pathname));
      if (!seen && !right) continue;
      const mark = document.createElement("span"), words = [];
      mark.className = "course-progress";
      if (seen) words.push("read");
      if (right) words.push(`${right} of ${of} check questions right`);
      mark.title = words.join(", ");
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", words.join(", "));
      mark.textContent = (seen ? "\u2713" : "") + (right ? ` ${right}/${of}` : "");
      link.append(" ", mark);
    }
  }

  // A lesson counts as read when its summary has been on the screen for two seconds.
  function watch() {
    const end = document.getElementById("what-to-remember");
    if (!end || !isLesson(location.pathname)) return;
    let timer;
    new IntersectionObserver(([entry], observer) => {
      clearTimeout(timer);
      if (entry.isIntersecting) timer = setTimeout(() => { keep({ seen: new Date().toISOString().slice(0, 10) }); observer.disconnect(); }, 2000);
    }).observe(end.querySelector("h2") || end);
  }

  // On the page that offers it: everything the course keeps, as a file, from a file, and away.
  function desk() {
    const place = document.getElementById("course-desk");
    if (!place) return;
    const state = document.createElement("p");
    state.setAttribute("role", "status");
    const tell = (text) => { state.textContent = text; };
    const mine = () => Object.keys(store).filter((key) => key.startsWith(PREFIX));
    const button = (text, act) => {
      const node = document.createElement("button");
      node.type = "button";
      node.textContent = text;
      node.addEventListener("click", act);
      place.append(node);
      return node;
    };
    if (!store) { tell("This browser keeps nothing for this page, so there is no progress to show."); place.append(state); return; }
    button("Save to a file", () => {
      const all = Object.fromEntries(mine().map((key) => [key, store.getItem(key)]));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([JSON.stringify(all, null, 1)], { type: "application/json" }));
      link.download = "autoencoders-progress.json";
      link.click();
      tell(`Saved ${mine().length} entries.`);
    });
    const field = document.createElement("input");
    [field.type, field.accept, field.hidden] = ["file", ".json,application/json", true];
    place.append(field);
    field.setAttribute("aria-label", "File of progress");
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
      show();
    });
    let sure = false;
    const forget = button("Forget everything", () => {
      if (!sure) { sure = true; forget.textContent = "Press again to forget everything"; return; }
      mine().forEach((key) => store.removeItem(key));
      [sure, forget.textContent] = [false, "Forget everything"];
      tell("Nothing is kept any more.");
      show();
    });
    forget.addEventListener("blur", () => { sure = false; forget.textContent = "Forget everything"; });
    place.append(state);
  }

  addEventListener("DOMContentLoaded", () => {
    if (store) { show(); watch(); count(); document.addEventListener("aecourse:answer", () => setTimeout(count, 0)); }
    desk();
  });
})();
