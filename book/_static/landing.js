// A link to a section lands on its heading. The page grows after the browser has jumped there (formulas are typeset, figures are
// drawn), so the jump is repeated whenever that happens, until the reader moves.
(function () {
  const STILL = 3000;                                  // after formulas are set, what still grows has so long
  let observer, target, timer;
  const land = () => target && target.scrollIntoView({ block: "start", behavior: "instant" });
  const stop = () => { observer?.disconnect(); observer = target = undefined; };
  function start() {
    stop();
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { target = null; }
    const article = document.querySelector(".bd-article");
    if (!target || !article) return;
    target = target.matches("section") ? target.querySelector("h1, h2, h3, h4, h5, h6") || target : target;
    observer = new ResizeObserver(land);
    observer.observe(article);
    land();
    if (document.readyState === "complete") settle();
  }
  async function settle() {
    land();
    await window["MathJax"]?.startup?.promise;
    clearTimeout(timer);
    timer = setTimeout(stop, STILL);
  }
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(moved, stop, { passive: true });
  addEventListener("DOMContentLoaded", start);
  addEventListener("load", settle);
  addEventListener("hashchange", start);
})();
