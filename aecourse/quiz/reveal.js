// What was guessed, beside what was measured; follows a guess that is made or changed later.
import { store } from "../page/store.js";

export function build(root, { id, measured, unit }) {
  const guessed = root.querySelector(".ae-guessed"), verdict = root.querySelector(".ae-verdict");

  function show() {
    const value = store.read(`guess:${id}`), off = Math.abs(value - measured) / Math.max(Math.abs(measured), 1e-9);
    guessed.textContent = value === null ? "" : `You guessed ${value} ${unit}. `.replace(" .", ".");
    verdict.textContent = value === null ? "You made no guess above; the next one is worth a minute."
      : off < 0.15 ? "Well judged." : value > measured ? "It is less than you thought." : "It is more than you thought.";
  }

  store.watch(`guess:${id}`, show);
  show();
}
