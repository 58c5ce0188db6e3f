// Runs inside the search worker: gives it an index, then asks for every term and every prefix of one to four letters.
// Each must find all places of all terms that begin with it. Material catches what a query throws: it warns, and
// answers with nothing.
async (index) => {
  const SETUP = 0, QUERY = 2;
  const tell = (type, data) => new Promise((resolve) => {
    self.postMessage = resolve;
    self.dispatchEvent(new MessageEvent("message", { data: { type, data } }));
  });

  lunr.TokenSet._nextId = 1;  // as in a worker that has just begun: which nodes look alike depends on it
  let built;
  const build = lunr.Builder.prototype.build;
  lunr.Builder.prototype.build = function () { return (built = build.call(this)); };
  await tell(SETUP, { ...index, options: { suggest: false } });
  lunr.Builder.prototype.build = build;

  const terms = built.invertedIndex;
  const wanted = new Map();
  for (const [term, posting] of Object.entries(terms)) {
    const places = built.fields.flatMap((field) => Object.keys(posting[field]));
    const letters = [...term];
    for (const query of new Set([term, ...[1, 2, 3, 4].map((size) => letters.slice(0, size).join(""))])) {
      wanted.set(query, [...(wanted.get(query) ?? []), ...places]);
    }
  }

  const thrown = [], lost = [];
  const warn = console.warn;
  for (const [query, places] of wanted) {
    let warned = false;
    console.warn = () => { warned = true; };
    const answer = await tell(QUERY, query);
    if (warned) { thrown.push(query); }
    const found = new Set(answer.data.items.flat().map((item) => item.location));
    const asks = query.split(new RegExp(index.config.separator)).some(Boolean);
    if (asks && !places.every((place) => found.has(place))) { lost.push(query); }
  }
  console.warn = warn;
  const invented = built.tokenSet.toArray().filter((term) => !(term in terms));
  return { asked: wanted.size, invented, thrown, lost };
}
