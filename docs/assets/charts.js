// Draws the charts. The library is fetched from this site when the first chart comes near the
// viewport; under file:// only classic scripts load, so that is what it is.
(function () {
  "use strict";
  const library = new URL("vega.js", document.currentScript.src).href;
  const drawn = new WeakMap();
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

  function place(figure) { return figure.querySelector(".bench-vega"); }

  function draw(figure) {
    if (!drawn.has(figure)) {
      const spec = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
      const options = { renderer: "svg", actions: false, tooltip: { theme: "bench" } };
      const said = place(figure).getAttribute("aria-label");
      drawn.set(figure, load().then(function (embed) {
        return embed(place(figure), spec, options);
      }).then(function () {
        place(figure).querySelector("svg").setAttribute("aria-hidden", "true"); // its place says what it shows
        place(figure).removeAttribute("aria-roledescription"); // Vega calls every place "Vega visualization"
        place(figure).setAttribute("role", "img");
        place(figure).setAttribute("aria-label", said);
        place(figure).addEventListener("click", tellTapped);
      }));
      drawn.get(figure).catch(function () {
        place(figure).textContent = "图没有画出来；数据在下面的表里。";
        figure.querySelector("details").open = true;
      });
    }
    return drawn.get(figure);
  }

  // A tap moves no pointer, and a moving one is what Vega tells numbers to.
  function tellTapped(event) {
    if (event.pointerType === "touch") {
      const { clientX, clientY } = event;
      event.target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX, clientY }));
    }
  }

  // As it is seen now, able to stand alone: nothing inherited, and paper beneath.
  function standalone(figure) {
    const svg = place(figure).querySelector("svg").cloneNode(true);
    const style = getComputedStyle(place(figure));
    const paper = document.createElementNS(svg.namespaceURI, "rect");
    paper.setAttribute("width", "100%");
    paper.setAttribute("height", "100%");
    paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
    svg.prepend(paper);
    svg.style.fontFamily = style.fontFamily;
    return new XMLSerializer().serializeToString(svg).replaceAll("currentColor", style.color);
  }

  function pixels(source, width, height) {
    return new Promise(function (resolve, reject) {
      const image = new Image();
      image.onerror = reject;
      image.onload = function () {
        const canvas = document.createElement("canvas");
        canvas.width = 2 * width;
        canvas.height = 2 * height;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(resolve, "image/png");
      };
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(source);
    });
  }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  function exported(figure, format) {
    const source = standalone(figure);
    const box = place(figure).querySelector("svg").getBoundingClientRect();
    const made = format === "png" ? pixels(source, box.width, box.height) : new Blob([source], { type: "image/svg+xml" });
    return Promise.resolve(made).then(function (blob) { save(blob, figure.id + "." + format); });
  }

  const watcher = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    });
  }, { rootMargin: "300px" });

  document.querySelectorAll("figure.bench-chart").forEach(function (figure) { watcher.observe(figure); });
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-export]");
    if (button) {
      const figure = button.closest("figure");
      draw(figure).then(function () { return exported(figure, button.dataset.export); });
    }
  });
})();
