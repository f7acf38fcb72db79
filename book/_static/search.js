// The search page finds sections, each once, under whatever spelling: "reparametrisation" is "reparameterization".
import { element } from "../../aecourse/page/runtime.js";

(function () {
  const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
    .replace(/reparametri/g, "reparameteri").replace(/(i|y)s(?=(e|ed|er|es|ing|ation|ations)\b)/g, "$1z").replace(/our\b/g, "or").replace(/\bgrey/g, "gray");
  const escaped = (text) => element("i", {}, text).innerHTML;

  function find(query) { // [page, what is shown, anchor, null, score, file] for Sphinx to show, the best one last
    const words = plain(query).match(/[\p{L}\p{N}_]+/gu)?.map((word) => new RegExp(`(?<![\\p{L}\\p{N}])${word}`, "gu")) ?? [];
    const found = [];
    for (const [doc, page, sections] of window["aecourseSections"]) for (const [id, title, text] of sections) {
      const own = plain(title), whole = plain(page), body = plain(text);
      const scores = words.map((word) => Math.min(body.match(word)?.length ?? 0, 5) + 20 * Number(own.search(word) >= 0) + 10 * Number(whole.search(word) >= 0));
      const inside = words.every((word) => own.search(word) >= 0 || body.search(word) >= 0);
      if (words.length && inside) found.push([doc, escaped(title === page ? page : `${page} \u203a ${title}`), id && `#${id}`, null, scores.reduce((a, b) => a + b), doc]);
    }
    return found.sort((a, b) => a[4] - b[4]).slice(-40);
  }

  document.addEventListener("DOMContentLoaded", () => {     // on the document, as Sphinx does, and before it
    // @ts-ignore: these two are Sphinx's own
    const sphinx = document.getElementById("search-results") && { Search, show: _displayNextItem };   // eslint-disable-line no-undef
    if (!sphinx) return;
    const script = element("script", { src: `${document.documentElement.dataset.content_root}_static/sections.js` });
    const loaded = new Promise((resolve) => { script.addEventListener("load", resolve); });
    document.head.append(script);
    sphinx.Search.query = (query) => loaded.then(() => {
      const found = find(query);
      sphinx.show(found, found.length, new Set(), new Set());
    });
  });
})();
