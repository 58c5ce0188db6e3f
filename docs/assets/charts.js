// Draws the curves. The library is fetched from this site when the first chart comes near the
// viewport; under file:// only classic scripts load, so that is what it is.
(function () {
  "use strict";
  const library = new URL("vega.js", document.currentScript.src).href;
  let loading = null;

  function load() {
    loading = loading || new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = library;
      script.onload = function () { resolve(window.benchVega.vegaEmbed); };
      script.onerror = reject;
      document.head.appendChild(script);
    });
    return loading;
  }

  function draw(figure) {
    const place = figure.querySelector(".bench-vega");
    const spec = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    return load().then(function (embed) {
      return embed(place, spec, { renderer: "svg", actions: false });
    }).catch(function () {
      place.textContent = "图没有画出来；数据在下面的表里。";
      figure.querySelector("details").open = true;
    });
  }

  const watcher = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    });
  }, { rootMargin: "300px" });

  function start() {
    document.querySelectorAll("figure.bench-chart").forEach(function (figure) { watcher.observe(figure); });
  }

  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }
})();
