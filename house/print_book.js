// Runs in a page of the built book: makes of its article one that needs no script.
// `pictures` gives a file for each figure that draws, in order; `chapters` the key of each page; `own` is this page's key.
({ own, chapters, pictures, web, whole }) => {
  const article = document.querySelector("article.bd-article");
  const copy = /** @type {HTMLElement} */ (article.cloneNode(true));
  const all = (selector) => [...copy.querySelectorAll(selector)];
  const made = (tag, text, name) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  // Figures: what draws is a picture and a line that says where it works; what only asks or tells stays text.
  all(".ae-figure").filter(figure => !figure.parentElement.closest(".ae-figure")).forEach(figure => {
    const file = pictures[figure.dataset.still];
    if (file) {
      const still = made("figure", "", "print-still"), image = document.createElement("img");
      image.src = file;
      image.alt = figure.getAttribute("aria-label") || "";
      const words = figure.querySelector(".ae-words p");
      const note = made("figcaption", `${image.alt ? image.alt + ". " : ""}On the web page this figure answers to you.`);
      still.append(image, note);
      if (words) still.append(made("p", words.textContent, "print-words"));
      figure.replaceWith(still);
    }
  });
  all(".ae-figure textarea").forEach(each => each.replaceWith(made("p", "____________________")));
  all("input").forEach(each => each.replaceWith(document.createTextNode(
    each.type === "radio" || each.type === "checkbox" ? "☐ " : each.type === "text" ? "________" : "")));
  all("script, style, link, noscript, button, select, template, iframe, a.headerlink, [hidden], .course-done, .course-code, #course-desk, .ae-guessed, .ae-reveal .ae-verdict")
    .forEach(each => each.remove());

  // Folded: the code that draws and measures is left out, everything else stands open.
  all(".tag_hide-input details.hide").forEach(each => each.remove());
  all("details").forEach(each => {
    const box = made("div", "", "print-open"), head = each.querySelector(":scope > summary");
    if (head) {
      const title = head.querySelector(".collapsed") || head;
      box.append(made("p", title.textContent.trim(), "print-title"));
      head.remove();
    }
    box.append(...each.childNodes);
    each.replaceWith(box);
  });
  all(".toggle-hidden").forEach(each => each.classList.remove("toggle-hidden"));

  // Mathematics: as it was set, for paper; as MathML, for a reader.
  all("mjx-container").forEach(each => {
    const math = each.querySelector("mjx-assistive-mml > math");
    if (whole) each.querySelector("mjx-assistive-mml")?.remove();
    else if (math) {
      math.removeAttribute("data-latex");
      if (each.getAttribute("display") === "true") math.setAttribute("display", "block");
      each.replaceWith(math);
    }
  });

  // Places and links: in one file each page's ids get its key before them; a link out of the book becomes text or a whole address.
  if (whole) all("[id]").forEach(each => { if (!each.closest("svg")) each.id = `${own}-${each.id}`; });
  all("a[href]").forEach(each => {
    const to = new URL(each.getAttribute("href"), location.href), place = to.hash.slice(1);
    const here = to.protocol === location.protocol && to.pathname.startsWith(web);
    if (!here) return;
    const name = to.pathname.slice(web.length), key = chapters[name];
    if (!key) return each.replaceWith(...each.childNodes);
    each.classList.remove("external");
    each.setAttribute("href", whole ? `#${key}${place ? "-" + place : ""}`
      : `${key === own ? "" : key + ".xhtml"}${place ? "#" + place : ""}` || "#");
  });
  all("img").forEach(each => { each.removeAttribute("loading"); if (!each.alt) each.alt = ""; });
  copy.id = own;
  for (const each of [copy, ...all("*")])
    for (const { name } of [...each.attributes])
      if (name.startsWith("on") || name.startsWith("data-") || name === "contenteditable" || name === "tabindex") each.removeAttribute(name);

  const title = copy.querySelector("h1");
  return {
    title: title ? title.textContent.trim() : document.title,
    html: whole ? copy.outerHTML : new XMLSerializer().serializeToString(copy),
    images: all("img").map(each => each.getAttribute("src")),
    mathematics: document.getElementById("MJX-CHTML-styles")
      ? [...document.getElementById("MJX-CHTML-styles").sheet.cssRules].map(rule => rule.cssText).join("\n") : "",
  };
};
