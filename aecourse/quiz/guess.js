// A prediction: a slider, a button, and one entry of the store, which `reveal` reads.
import { store } from "../page/store.js";

export function build(root, { id, unit }) {
  const form = root.querySelector("form"), slider = form.querySelector("input");
  const figure = form.querySelector("output"), note = form.querySelector("[role=status]");
  const show = () => { figure.textContent = String(Number(slider.value)); };

  function recall() {
    const value = store.read(`guess:${id}`);
    if (value === null) { note.textContent = ""; return; }
    slider.value = value;
    show();
    note.textContent = `Noted: ${Number(slider.value)} ${unit}. You will meet it again further down.`
      + (store.works ? "" : " (This browser does not keep it when the page is closed.)");
  }

  slider.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    store.set({ [`guess:${id}`]: Number(slider.value) });
    recall();
  });
  store.watch(`guess:${id}`, recall);
  recall();
}
