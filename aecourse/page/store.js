// What the reader's browser keeps of the course: the one place that reads it, checks it and writes it.
// A key is "aecourse:" and a kind, mostly followed by a name: "aecourse:cards:kl-never-negative". A lesson is named by its slug, for its
// number may change: "aecourse:quiz:vae_elbo:kl-sign". What is not sound counts as absent.
import { button } from "./controls.js";
import { element } from "./runtime.js";

export const store = (() => {
  const PREFIX = "aecourse:", CHANGED = "aecourse:kept", LONGEST = 5000, LARGEST = 1_000_000;
  const KEY = /^aecourse:(?:(?:page|exercise|quiz|cards|guess):[\w:.-]{1,100}|self-quiz|code)$/;
  const me = {};                                  // each figure has a copy of this script; a copy does not hear itself
  let full = false;

  /** @type {<T>(action: () => T) => T | null} */
  const attempt = (action) => { try { return action(); } catch { return null; } };
  const isObject = (x) => x !== null && typeof x === "object" && !Array.isArray(x);
  const isWhole = (x, low, high) => Number.isInteger(x) && x >= low && x <= high;
  const isText = (x, most = 200) => typeof x === "string" && x.length <= most;
  const isDate = (x) => isText(x) && /^\d{4}-\d\d-\d\d$/.test(x);
  const isMarked = (x) => isObject(x) && isText(x.text, LONGEST) && typeof x.done === "boolean" && [null, 0, 0.5, 1].includes(x.mark);

  // Kind -> is this value one of it?
  const SOUND = {
    page: ({ seen, of = 0, right = 0, exercises = [] }) => (seen === undefined || isDate(seen)) && isWhole(of, 0, 100) && isWhole(right, 0, of)
      && Array.isArray(exercises) && exercises.length <= 100 && exercises.every((id) => isText(id)),
    exercise: ({ done }) => isDate(done),
    quiz: ({ answer, right, first, tries }) => isText(answer) && typeof right === "boolean" && typeof first === "boolean" && isWhole(tries, 1, 1e6),
    cards: ({ box, day, from = 0 }) => isWhole(box, 1, 5) && isWhole(day, 0, 1e6) && isWhole(from, 0, 5),
    guess: Number.isFinite,
    code: (x) => typeof x === "boolean",
    "self-quiz": ({ format, version, answers }) => format === "aecourse self-quiz" && version === 1 && isObject(answers) && Object.values(answers).every(isMarked),
  };
  function sound(key, text) { // the value in a text, or null
    const value = KEY.test(key) && isText(text, LARGEST) ? attempt(() => JSON.parse(text)) : null;
    const kind = key.split(":")[1];
    return value !== null && (isObject(value) || ["guess", "code"].includes(kind)) && SOUND[kind](value) ? value : null;
  }

  // A lesson used to be named by its number, in this order. An entry of that kind -> [its key of today, its sound value of today, or null].
  const NUMBERED = ["bottleneck", "convolutional", "sparse", "denoising", "vae_elbo", "reparameterization", "latent_views", "interpolation",
    "conditional", "posterior_collapse", "beta_vae", "tighter_bounds", "vq_vae", "adversarial"];
  const slug = (name) => name.replace(/^\d\d(?=:)/, (number) => NUMBERED[number - 1] ?? number);
  function renamed(key, text) {
    const value = sound(key, text), to = key.replace(/^(aecourse:page:)\d\d_/, "$1")
      .replace(/^(aecourse:(?:quiz|exercise):)(.*)/s, (_, start, name) => start + slug(name));
    return [to, value?.exercises ? { ...value, exercises: value.exercises.map(slug) } : value];
  }

  // Where a browser keeps nothing, the page itself remembers until it is closed, for all figures on it.
  const disk = attempt(() => (localStorage.getItem(PREFIX), localStorage));
  const shelf = disk ?? (window["aecourseKept"] ??= Object.create({
    getItem(key) { return this[key] ?? null; }, setItem(key, text) { this[key] = text; }, removeItem(key) { delete this[key]; },
  }));

  function put(texts) { // what makes room goes first
    for (const key in texts) if (texts[key] === null) shelf.removeItem(key);
    for (const key in texts) if (texts[key] !== null) shelf.setItem(key, texts[key]);
    document.dispatchEvent(new CustomEvent(CHANGED, { detail: { from: me, keys: Object.keys(texts) } }));
  }

  // What is kept under a lesson's number moves to its slug, below what is kept there already. What is not sound stays where it is.
  function move(key) {
    const text = shelf.getItem(key), [to, value] = renamed(key, text);
    if (to === key || value === null) return;
    const kept = JSON.stringify({ ...value, ...sound(to, shelf.getItem(to)) });
    if (sound(to, kept) === null) return;
    shelf.removeItem(key);                        // first, for there may be no room for both
    if (!attempt(() => (shelf.setItem(to, kept), true))) shelf.setItem(key, text);
  }
  attempt(() => Object.keys(shelf).forEach(move));

  return {
    get works() { return Boolean(disk) && !full; },
    read: (key) => sound(PREFIX + key, shelf.getItem(PREFIX + key)),
    keys: (start = "") => Object.keys(shelf).filter((key) => key.startsWith(PREFIX + start)).map((key) => key.slice(PREFIX.length)),

    // Make these changes, { key: value, or null to remove it }: all of them, or none.
    // Returns a function that takes them back, or null where there is no room for them.
    set(changes) {
      const own = Object.entries(changes).map(([key, value]) => [PREFIX + key, value === null ? null : JSON.stringify(value)]);
      const before = Object.fromEntries(own.map(([key]) => [key, shelf.getItem(key)]));
      try { put(Object.fromEntries(own)); } catch { full = true; attempt(() => put(before)); return null; }
      return () => attempt(() => put(before));
    },

    // Call heard when another tab, or something else on this page, has changed what begins with `start`.
    watch(start, heard) {
      const concerns = (key) => key === null || key.startsWith(PREFIX + start);
      addEventListener("storage", ({ key }) => { if (concerns(key)) heard(); });
      addEventListener("pageshow", ({ persisted }) => { if (persisted) heard(); });
      document.addEventListener(CHANGED, (/** @type {any} */ { detail }) => { if (detail.from !== me && detail.keys.some(concerns)) heard(); });
    },

    // Everything, as the text of a file; and back: { key: value }, or null unless all of it is sound.
    pack() {
      const texts = this.keys().map((key) => [PREFIX + key, shelf.getItem(PREFIX + key)]).filter(([key, text]) => sound(key, text) !== null);
      return JSON.stringify(Object.fromEntries(texts), null, 1);
    },
    unpack(text) {
      let given = isText(text, LARGEST) ? attempt(() => JSON.parse(text)) : null;
      if (!isObject(given)) return null;
      if (Object.hasOwn(given, "format")) given = { [`${PREFIX}self-quiz`]: text };     // what the self-quiz exports
      const entries = Object.entries(given).map(([key, kept]) => renamed(key, kept)).map(([key, value]) => [key.slice(PREFIX.length), value]);
      return entries.length && entries.every(([, value]) => value !== null) ? Object.fromEntries(entries) : null;
    },
  };
})();

// Hand a text to the reader as a file.
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// A button that asks for a file and calls taken(text), "" where it cannot be read; with its hidden field.
export function upload(words, label, taken) {
  const field = element("input", { type: "file", accept: ".json,application/json", hidden: "", "aria-label": label });
  field.addEventListener("change", async () => {
    const [file] = field.files, text = file && file.size <= 1e6 ? await file.text().catch(() => "") : "";
    field.value = "";
    if (file) taken(text);
  });
  return [button(words, () => field.click()), field];
}

// A line that says what was done, with a button that takes it back while that can be.
export function undoLine() {
  let back = null;
  const said = element("span", { role: "status" });
  const node = button("Undo", () => { const act = back; say("Undone: everything is as before.", null); act(); }, { hidden: "" });
  function say(text, undo = back) { // without undo: what could be taken back still can
    said.textContent = text;
    back = undo;
    node.hidden = !undo;
  }
  return { line: element("p", { class: "ae-group ae-undo" }, said, node), button: node, say };
}
