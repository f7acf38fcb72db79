// Call build(root, data) for the figure with this id. A notebook may attach an output after it runs its
// script, hence the second chances; the mark `data-ready` lets the same figure stand twice on one page.
export function mount(id, build, data, chances = 30) {
  const roots = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[id="${id}"]:not([data-ready])`));
  if (!roots.length && chances) setTimeout(() => mount(id, build, data, chances - 1), 100);
  for (const root of roots) {
    root.dataset.ready = "";
    build(root, data);
  }
}
