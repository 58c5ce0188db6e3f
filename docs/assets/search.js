// The search index is the largest file of the site, and Material asks for it on every page at once: reading it
// keeps a phone busy before anybody searches. Here it is asked for when somebody turns to the search. Stands
// before Material's script; under file:// Material already waits. It also listens to keys alone: what is pasted,
// spoken or picked from a list of suggestions presses none, hence one is reported for it.
(function () {
  "use strict";
  const INDEX = /\/search\/search_index\.json$/;
  const request = XMLHttpRequest.prototype;
  const { open, send } = request;
  const asked = new WeakSet();
  let turned = false;
  let waiting = [];

  request.open = function (method, url) {
    if (INDEX.test(String(url))) { asked.add(this); }
    return open.apply(this, arguments);
  };

  request.send = function () {
    if (turned || !asked.has(this)) { return send.apply(this, arguments); }
    waiting.push([this, arguments]);
  };

  function turn(event) {
    if (!event.target.closest("[data-md-component='search'], [for='__search'], #__search")) { return; }
    turned = true;
    waiting.forEach(function (one) { send.apply(one[0], one[1]); });
    waiting = [];
  }

  document.addEventListener("input", function (event) {
    if (event.target.matches("[data-md-component='search-query']")) {
      event.target.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true }));
    }
  });
  ["change", "focusin", "pointerover"].forEach(function (kind) { document.addEventListener(kind, turn); });
})();
