// A prediction: a slider, a button, and one place in the browser's storage that `reveal` reads.
function build(root, { id, unit }) {
  const form = root.querySelector("form"), slider = form.querySelector("input");
  const figure = form.querySelector("output"), note = form.querySelector("[role=status]");
  const key = `aecourse:guess:${id}`;
  const show = () => { figure.textContent = Number(slider.value); };

  function commit(value, kept) {
    slider.value = value;
    show();
    note.textContent = `Noted: ${Number(slider.value)} ${unit}. You will meet it again further down.`
      + (kept ? "" : " (This browser does not keep it when the page is closed.)");
    (window.aecourseGuesses ??= {})[id] = Number(slider.value); // for a browser that keeps nothing
    document.dispatchEvent(new CustomEvent("aecourse:guess", { detail: { id, value: Number(slider.value) } }));
  }

  slider.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    let kept = true;
    try { localStorage.setItem(key, slider.value); } catch { kept = false; }
    commit(slider.value, kept);
  });
  let before = null;
  try { before = localStorage.getItem(key); } catch { /* nothing is kept, nothing is lost */ }
  if (before !== null && Number.isFinite(Number(before))) commit(before, true);
}
