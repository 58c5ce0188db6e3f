/*
Words with digits that stand in the index are not found, and words that do not stand there are

To: olivernn/lunr.js
Seen also: https://github.com/olivernn/lunr.js/issues/503

TokenSet.Builder merges nodes whose strings are equal, and TokenSet.prototype.toString writes the labels and ids of the
children without a gap: the child "1" with id 23 and the children "1" with id 2 and "3" with ... can come out as the
same text. Nodes that differ are then merged. One sign between label and id ends it, since labels are single characters:
`str = str + label + ":" + node.id`.

This script puts the numbers from 0 on into a token set and looks which are still in it.
Run it with `npm install lunr` and `node lunr_digits.js`.

Until then: patch toString as above
*/

const lunr = globalThis.lunr || require("lunr");
const MOST = 3000;

function tried(count) {
  lunr.TokenSet._nextId = 1;
  const words = [...Array(count).keys()].map(String).sort();
  const found = new Set(lunr.TokenSet.fromArray(words).toArray());
  return {
    lost: words.filter((word) => !found.has(word)),
    invented: [...found].filter((word) => !words.includes(word)),
  };
}

let count = 0;
let result;
do {
  count += 100;
  result = tried(count);
} while (count < MOST && !result.lost.length && !result.invented.length);
const wrong = result.lost.length + result.invented.length;
const example = result.lost.length ? `, "${result.lost[0]}" among them` : "";
console.log(
  `${wrong ? "STILL THERE" : "NOT THERE"}: of the numbers 0 to ${count - 1}, ${result.lost.length} are lost${example},`
  + ` ${result.invented.length} others are found instead, lunr ${lunr.version}`,
);
