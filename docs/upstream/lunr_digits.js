/*
Words with digits that stand in the index are not found, and words that do not stand there are

To: olivernn/lunr.js
Seen also: https://github.com/olivernn/lunr.js/issues/503

TokenSet.Builder merges nodes whose strings are equal, and TokenSet.prototype.toString writes the labels and ids of the
children without a gap: the child "1" with id 232 and the children "1" and "3", both with id 2, come out as the same
text, "1232". Nodes that differ are then merged. One sign between label and id ends it, since labels are single characters:
`str = str + label + ":" + node.id`.

This script searches for a small set in which that happens: "y1k", "z1" and "z3" beside as many words of letters as it takes
for the node behind "y1" to get the id 232, while "1" and "3" behind "z" both lead to the node 2.
Run it with `npm install lunr` and `node lunr_digits.js`.

Until then: patch toString as above
*/

const lunr = globalThis.lunr || require("lunr");
const MOST = 500;

function tried(fillers) {
  lunr.TokenSet._nextId = 1;
  const letters = [...Array(fillers).keys()].map((n) => "b" + String.fromCharCode(97 + n / 26, 97 + n % 26));
  const words = ["0", ...letters, "y1k", "z1", "z3"];
  const found = lunr.TokenSet.fromArray(words).toArray();
  return {
    words: words.length,
    lost: words.filter((word) => !found.includes(word)),
    invented: found.filter((word) => !words.includes(word)),
  };
}

let fillers = 0;
let result = tried(fillers);
while (fillers < MOST && !result.lost.length && !result.invented.length) { result = tried(++fillers); }
const wrong = result.lost.length || result.invented.length;
const told = wrong ? `${result.lost.join(", ")} are lost, ${result.invented.join(", ")} is found instead` : "all are found";
console.log(`${wrong ? "STILL THERE" : "NOT THERE"}: of ${result.words} words in a token set ${told}, lunr ${lunr.version}`);
