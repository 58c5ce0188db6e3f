// Sorting and folding. A table that says so gets a button in each of its headings that can be sorted by: once for
// ascending, twice for descending, the third time the order of the page is back. Without this script
// the tables stand as they are.
(function () {
  "use strict";
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  const original = new WeakMap();

  function prepare(table) {
    original.set(table, Array.from(table.tBodies[0].rows));
    table.querySelectorAll("thead th[data-sort]").forEach(function (heading) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "bench-sort";
      button.append(...heading.childNodes);
      heading.append(button);
      heading.setAttribute("aria-sort", "none");
    });
  }

  // Null: nothing to compare, which stays at the end in either direction.
  function key(row, column, kind) {
    const cell = row.cells[column];
    const value = cell.dataset.value;
    if (kind === "text") { return cell.textContent.trim() || null; }
    return value === undefined ? null : Number(value);
  }

  function compare(one, other) {
    return typeof one === "string" ? one.localeCompare(other, "zh", { numeric: true }) : one - other;
  }

  function sorted(rows, column, kind, direction) {
    const sign = direction === "ascending" ? 1 : -1;
    const keyed = rows.map(function (row) { return { row: row, key: key(row, column, kind) }; });
    const known = keyed.filter(function (one) { return one.key !== null; });
    const unknown = keyed.filter(function (one) { return one.key === null; });
    known.sort(function (one, other) { return sign * compare(one.key, other.key); });
    return known.concat(unknown).map(function (one) { return one.row; });
  }

  function sort(heading) {
    const table = heading.closest("table");
    const direction = NEXT[heading.getAttribute("aria-sort")];
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
    heading.setAttribute("aria-sort", direction);
    const rows = original.get(table);
    const order = direction === "none" ? rows : sorted(rows, heading.cellIndex, heading.dataset.sort, direction);
    table.tBodies[0].append(...order);
  }

  // A long table shows its first rows, of whatever order: laying out all of them would keep a phone busy
  // before anything can be read. The style sheet hides the rest, on screen only.
  function offerRest(table) {
    const region = table.closest(".bench-table");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bench-rest";
    button.textContent = "显示全部 " + table.tBodies[0].rows.length + " 行";
    button.addEventListener("click", function () {
      table.classList.remove("bench-folded");
      button.remove();
      region.focus({ preventScroll: true });
    });
    region.after(button);
  }

  document.querySelectorAll("table.bench-sortable").forEach(prepare);
  document.querySelectorAll("table.bench-folded").forEach(offerRest);
  document.addEventListener("click", function (event) {
    const button = event.target.closest(".bench-sort");
    if (button) { sort(button.closest("th")); }
  });
})();
