// One switch for the code of all lessons, remembered: on a phone it is hidden until the reader wants it.
import { button } from "../../aecourse/page/controls.js";
import { element } from "../../aecourse/page/runtime.js";
import { store } from "../../aecourse/page/store.js";

(function () {
  const shown = () => store.read("code") ?? !matchMedia("(max-width: 600px)").matches;
  const apply = () => {
    document.documentElement.classList.toggle("course-no-code", !shown());
    node.textContent = shown() ? "Hide code" : "Show code";
  };
  const node = button("", () => { store.set({ code: !shown() }); apply(); });
  apply();                                             // before the page is drawn
  store.watch("code", apply);
  addEventListener("DOMContentLoaded", () => {
    if (!document.querySelector("div.cell_input")) return;
    document.querySelector(".bd-article h1")?.before(element("div", { class: "course-code ae-page" }, node));
    document.addEventListener("click", ({ target }) => /** @type {Element} */ (target).closest("div.cell_input")?.classList.add("course-shown"));
  });
})();
