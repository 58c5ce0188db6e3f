// The decision helper of the home page. Without this script the page shows the rules as a table and all
// settings one below the other; with it, the answers show the one that fits. The rules are read from the table.
(function () {
  "use strict";
  const form = document.querySelector(".bench-chooser");
  const sections = Array.from(document.querySelectorAll("section[id^='set-']"));
  if (!form || sections.length === 0) { return; }
  const rules = Array.from(document.querySelectorAll("tr[data-scenario-for]"));
  const told = form.querySelector("[role='status']");
  const table = document.querySelector(".bench-rules");

  function answers() { return Object.fromEntries(new FormData(form)); }

  function fits(rule, given) {
    return Object.entries(given).every(function ([name, value]) {
      return !rule.dataset[name] || rule.dataset[name] === value;
    });
  }

  function show(id) {
    sections.forEach(function (section) { section.hidden = section.id !== id; });
    const title = document.getElementById(id).querySelector("h3").firstChild.textContent.trim();
    const rule = rules.find(function (one) { return fits(one, answers()); });
    const note = rule.querySelector("small");
    told.textContent = "用“" + title + "”这一套" + (note ? "（" + note.textContent + "）" : "") + "：";
  }

  function choose() {
    const id = "set-" + rules.find(function (rule) { return fits(rule, answers()); }).dataset.scenarioFor;
    show(id);
    return id;
  }

  // A link to one of the settings gives the answers that lead there; the first rule for it will do.
  function follow() {
    const id = location.hash.slice(1);
    const rule = rules.find(function (one) { return "set-" + one.dataset.scenarioFor === id; });
    if (!rule) { return false; }
    form.reset();
    form.querySelectorAll("fieldset").forEach(function (field) {
      const wanted = rule.dataset[field.querySelector("input").name];
      const input = wanted && field.querySelector("input[value='" + wanted + "']");
      if (input) { input.checked = true; }
    });
    choose();
    return true;
  }

  form.hidden = false;
  table.open = false;
  sections[sections.length - 1].after(table);
  form.addEventListener("change", function () { history.replaceState(null, "", "#" + choose()); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  window.addEventListener("hashchange", follow);
  if (!follow()) { choose(); }
})();
