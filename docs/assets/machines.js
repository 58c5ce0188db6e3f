// The filter of the table of machines. What is chosen stands behind the # of the address, so that it can be passed on:
// `#cores=2&vendor=AMD`. Without this script all rows stand there.
(function () {
  "use strict";
  const form = document.querySelector(".bench-filter");
  if (!form) { return; }
  const rows = Array.from(document.querySelectorAll(".bench-machines tbody tr[data-cores]"));
  const selects = Array.from(form.querySelectorAll("select"));

  function offer(select) {
    const found = new Set(rows.map(function (row) { return row.dataset[select.name]; }));
    const values = Array.from(found).sort(function (a, b) { return a.localeCompare(b, "zh", { numeric: true }); });
    select.append(new Option("全部", ""));
    values.forEach(function (value) { select.append(new Option(value, value)); });
  }

  function apply() {
    const shown = rows.filter(function (row) {
      row.hidden = selects.some(function (one) { return one.value && row.dataset[one.name] !== one.value; });
      return !row.hidden;
    });
    form.querySelector("output").textContent = "显示 " + shown.length + " 台，共 " + rows.length + " 台";
  }

  function read() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (location.hash.includes("=") || !location.hash) {
      selects.forEach(function (one) {
        const value = wanted.get(one.name) || "";
        one.value = Array.from(one.options).some(function (option) { return option.value === value; }) ? value : "";
      });
    }
    apply();
  }

  function write() {
    const chosen = selects.filter(function (one) { return one.value; });
    const hash = new URLSearchParams(chosen.map(function (one) { return [one.name, one.value]; })).toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    apply();
  }

  selects.forEach(offer);
  form.addEventListener("change", write);
  window.addEventListener("hashchange", read);
  form.hidden = false;
  read();
})();
