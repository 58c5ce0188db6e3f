// Loads the comments when the reader asks for them, and keeps them in the colours of the page.
(function () {
  "use strict";
  const ORIGIN = "https://giscus.app";
  const button = document.querySelector("button[data-giscus-repo]");

  function theme() { return document.body.dataset.mdColorScheme === "slate" ? "dark" : "light"; }

  function follow() {
    const frame = document.querySelector("iframe.giscus-frame");
    if (frame) { frame.contentWindow.postMessage({ giscus: { setConfig: { theme: theme() } } }, ORIGIN); }
  }

  button.closest("section").hidden = false;
  button.addEventListener("click", function () {
    const script = document.createElement("script");
    const given = button.dataset;
    Object.assign(script.dataset, {
      repo: given.giscusRepo,
      repoId: given.giscusRepoId,
      category: given.giscusCategory,
      categoryId: given.giscusCategoryId,
      mapping: "pathname",
      strict: "1",
      reactionsEnabled: "1",
      emitMetadata: "0",
      inputPosition: "top",
      lang: "zh-CN",
      theme: theme(),
    });
    script.src = ORIGIN + "/client.js";
    script.async = true;
    script.crossOrigin = "anonymous";
    button.replaceWith(script);
    new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  });
})();
