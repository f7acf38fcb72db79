// What was guessed, beside what was measured; follows a guess that is made or changed later.
function build(root, { id, measured, unit }) {
  const guessed = root.querySelector(".ae-guessed"), verdict = root.querySelector(".ae-verdict");

  function show(value) {
    if (!Number.isFinite(value)) return;
    guessed.textContent = `You guessed ${value} ${unit}. `.replace(" .", ".");
    const off = Math.abs(value - measured) / Math.max(Math.abs(measured), 1e-9);
    verdict.textContent = off < 0.15 ? "Well judged." : value > measured ? "It is less than you thought." : "It is more than you thought.";
  }

  let before = window.aecourseGuesses?.[id] ?? null;
  try { before ??= localStorage.getItem(`aecourse:guess:${id}`); } catch { /* nothing was kept */ }
  if (before !== null) show(Number(before));
  else verdict.textContent = "You made no guess above; the next one is worth a minute.";
  document.addEventListener("aecourse:guess", (event) => { if (event.detail.id === id) show(event.detail.value); });
}
