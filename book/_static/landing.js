// A link to a section lands on its heading. The page grows after the browser has jumped there (formulas are typeset, figures are
// drawn), so the jump is repeated whenever that happens, until the reader moves.
(function () {
  "use strict";
  const PATIENCE = 10000;
  let observer, target;
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
    setTimeout(stop, PATIENCE);
  }
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(moved, stop, { passive: true });
  addEventListener("DOMContentLoaded", start);
  addEventListener("load", land);
  addEventListener("hashchange", start);
})();
