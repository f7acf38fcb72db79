// What scrolls sideways can be reached by the keyboard, and nothing else is made a stop for it.
(function () {
  const wide = ".aecourse-figure, .bd-article div.math, .bd-article div.cell_output, .pst-scrollable-table-container, "
    + ":is(.ae-cards, .ae-sheet) :is(p, pre, .ae-formula), :is(#cheat-sheet, #notation) tbody td";
  const mark = () => document.querySelectorAll(wide).forEach((/** @type {any} */ box) => {
    if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible") box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(mark, 150); };
  addEventListener("resize", soon);
  addEventListener("toggle", soon, true); // a folded part that opens
  addEventListener("click", soon); // another card of the question bank
  addEventListener("load", () => {
    mark();
    window["MathJax"]?.startup?.promise?.then(mark);
    document.fonts?.ready?.then(soon);
  });
})();
