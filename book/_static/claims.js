// The page of claims: all rows in one table, the least certain first, and back.
document.addEventListener("DOMContentLoaded", () => {
  /** @type {any} */
  const order = document.querySelector(".claims-order");
  if (!order) return;
  const button = order.querySelector("button");
  /** @type {any[]} */
  const lessons = [...document.querySelectorAll("section.claims-lesson")];
  const rate = (row) => {
    const share = row.querySelector("[data-rate]");
    return share ? Number(share.dataset.rate) : 2;          // exact ones last
  };
  let sorted = null;
  order.hidden = false;
  button.addEventListener("click", () => {
    if (sorted) {
      sorted.remove();
      sorted = null;
    } else {
      const columns = ["Claim", "Here", "Repetitions", "Verdict"];
      const rows = lessons.flatMap((lesson) => [...lesson.querySelectorAll("tbody tr")]).map((row) => row.cloneNode(true));
      rows.forEach((row) => row.querySelectorAll(".claim-published, .claim-absent").forEach((extra) => (extra.closest("td") || extra).remove()));
      rows.sort((a, b) => rate(a) - rate(b));
      sorted = document.createElement("table");
      sorted.className = "table claims-table";
      const head = sorted.createTHead().insertRow();
      for (const name of columns) head.appendChild(Object.assign(document.createElement("th"), { textContent: name, scope: "col" }));
      sorted.createTBody().append(...rows);
      order.after(sorted);
    }
    lessons.forEach((lesson) => (lesson.hidden = Boolean(sorted)));
    button.textContent = sorted ? "Back to the order of the lessons" : "Sort by how often they held";
  });
});
