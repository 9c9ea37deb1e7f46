// The table of bridges: sort by a column, show some rows and some groups of columns.
"use strict";
(() => {
  const { id } = gapkit;
  const table = id("bridges");
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.querySelectorAll("th[data-column]")].filter((head) => head.scope === "col");
  const told = id("table-told");

  function value(row, column) {
    const cell = [...row.cells].find((own) => own.dataset.column === column);
    if (!cell || cell.dataset.value === undefined) return null;
    return column === "bridge" ? cell.dataset.value : Number(cell.dataset.value);
  }

  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

  /** The first press puts the best on top, the second turns it round; rows without a value stay below. */
  function sort(head) {
    const column = head.dataset.column;
    const first = head.dataset.better === "higher" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    heads.forEach((own) => own.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const rows = original.map((row) => ({ row, key: value(row, column) }));
    rows.sort((a, b) => (a.key === null) - (b.key === null) || (a.key === null ? 0 : sign * compare(a.key, b.key)));
    table.classList.add("sorted");
    body.append(...rows.map(({ row }) => row));
    told.textContent = `Sorted by ${head.dataset.label}, ${order}.`;
  }

  function unsort() {
    heads.forEach((own) => own.removeAttribute("aria-sort"));
    table.classList.remove("sorted");
    body.append(...original);
    told.textContent = "In the order of the study.";
  }

  const boxes = (name) => [...document.querySelectorAll(`input[name=${name}]`)];
  const wanted = (name) => new Set(boxes(name).filter((box) => box.checked).map((box) => box.value));

  function filter() {
    const [blocks, groups] = [wanted("block"), wanted("group")];
    const words = id("table-find").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    original.forEach((row) => {
      const name = value(row, "bridge").toLocaleLowerCase();
      row.hidden = !blocks.has(row.dataset.block) || !words.every((word) => name.includes(word));
    });
    table.querySelectorAll("[data-group]").forEach((cell) => { cell.hidden = !groups.has(cell.dataset.group); });
    table.classList.toggle("no-intervals", !wanted("intervals").has("on"));
    const shown = original.filter((row) => !row.hidden).length;
    told.textContent = `${shown} of ${original.length} rows shown.`;
  }

  heads.forEach((head) => head.querySelector("button").addEventListener("click", () => sort(head)));
  ["block", "group", "intervals"].flatMap(boxes).forEach((box) => box.addEventListener("change", filter));
  id("table-find").addEventListener("input", filter);
  id("unsort").addEventListener("click", unsort);
})();
