"""Make up whole builds of which everything is known, and count what their pages say wrongly.

    python tests/speed/truth_mill.py --builds 1000 --seed 1 --jobs 2

A hundred builds take some minutes. Each goes the way of a real one, from samples in a journal to exports to words.
Rows are read from the exports, all else from its HTML. Ends with 1 when something was wrong more often than it may be:
see `mill_judge` (statements on one setting) and `mill_oracle` (claims and recommendations).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))
from speed import mill_build, mill_oracle, mill_read, mill_truth
from speed.mill_judge import LIMITS, MEMORIES, Judge, Tally

from bench.experiments import EXPERIMENTS
from bench.measure import selftest
from bench.pages import certificates, claims, scenarios, sentences, surprises
from bench.pages.words import Words
from bench.results.summary import summarise
from bench.spec import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def build(seed: int) -> Tally:
    judge = Judge(mill_truth.World(seed))
    journals = mill_build.measured(judge.world)
    pages = {name: Words(summarise(EXPERIMENTS[name], journal)) for name, journal in journals.items()}
    for look, words in product((_export, _sentences, _scenarios), pages.values()):
        look(judge, words)
    exports = [words.export for words in pages.values()]
    for said in mill_read.headlines(pages.values(), surprises.cards(exports)):
        _repeated(judge, pages[said.experiment], [said])
    own = mill_build.self_tests(judge.world)
    tests = {name: summarise(selftest.EXPERIMENT, journal) for name, journal in own.items()}
    for html in (certificates.of_site(exports, tests, ()), certificates.page(exports, tests, ())):
        word, found = mill_read.marked(html, "data-quotable")["data-quotable"], judge.world.selftest
        judge.note("quotable", f"self-test {found}: {word}", wrong=found != "passed" and word != "no")
    return judge.tally


def _export(judge: Judge, words: Words) -> None:
    name = words.export.experiment
    for proof in words.export.proofs:
        truth = judge.effect(name, words.group(proof.model, proof.input).index, proof.case).outcome
        wrong = proof.outcome != truth and proof.outcome in ("effect", "nothing")
        judge.note("proof", f"{name}: {proof}", wrong=wrong)
    for row in words.export.rows:
        judge.interval(words, row)
        if row.verdict and row.case != CONTROL and row.metric in ("ratio", "ratio_original", *MEMORIES):
            index = words.group(row.model, row.input).index
            judge.statement(words, mill_read.Said("export", name, index, row.case, row.metric, row.verdict))


def _repeated(judge: Judge, words: Words, statements: Iterable[mill_read.Said]) -> None:
    for said in statements:
        judge.statement(words, said)
        judge.against_table(words, said)


def _sentences(judge: Judge, words: Words) -> None:
    experiment = EXPERIMENTS[words.export.experiment]
    told = sentences.tell(experiment, words.export)
    unwritten = sentences.tell(replace(experiment, id="unwritten", claims=()), words.export)
    for conclusion in (told.conclusion, unwritten.conclusion):
        _conclusion(judge, words, conclusion)
    for claim in experiment.claims:
        box = mill_read.marked(claims.box(claim, told.answers[claim.id]), "data-holds")
        mill_oracle.claim(judge, words, claim.id, box["data-holds"])


def _conclusion(judge: Judge, words: Words, texts: Sequence[str]) -> None:
    for text in texts:
        try:
            found = list(mill_read.sentences(words, [text]))
        except mill_read.Unread as unread:
            judge.note("unread", unread, wrong=True)
            continue
        for said in found:
            judge.note("unread", said, wrong=False)
        _repeated(judge, words, found)
    plain = [mill_read.soup(text).get_text() for text in texts]
    mill_oracle.other_sentences(judge, words, plain, partial(mill_read.last_group, words))


def _scenarios(judge: Judge, words: Words) -> None:
    for scenario in EXPERIMENTS[words.export.experiment].scenarios:
        card = scenarios.card(words.export, scenario)
        told = mill_read.marked(card, "data-winner")
        mill_oracle.recommendation(judge, words, scenario, told["data-winner"], told.get_text())
        texts = mill_read.evidence(card)
        _repeated(judge, words, mill_read.sentences(words, texts, "card", told["data-winner"]))
        _repeated(
            judge, words, mill_read.cells(words, scenarios.line(words.export, scenario), told["data-winner"])
        )


def table(tally: Tally) -> list[list[str]]:
    rows = [["什么算错", "看了", "错了", "占", "至多"]]
    for kind, (title, most) in LIMITS.items():
        seen, wrong = tally.seen[kind], tally.wrong[kind]
        share = f"{wrong / seen:.3%}" if seen else "—"
        rows.append([title, str(seen), str(wrong), share, f"{most:.1%}" if most else "0"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("--builds", 1000), ("--seed", 1), ("--jobs", 1)):
        parser.add_argument(name, type=int, default=value)
    parser.add_argument("--write", type=Path, help="file for the method page, as JSON")
    asked = parser.parse_args()
    start, whole = time.monotonic(), Tally()
    with ProcessPoolExecutor(asked.jobs) as pool:
        for done, tally in enumerate(pool.map(build, range(asked.seed, asked.seed + asked.builds)), 1):
            whole.add(tally)
            print(f"\r{done} / {asked.builds}, {time.monotonic() - start:.0f} s", end="", file=sys.stderr)
    head, *rows = table(whole)
    print(file=sys.stderr)
    print("\n".join(" | ".join(row) for row in (head, *rows)))
    for kind in LIMITS:
        print(*[one for one in whole.examples if one.startswith(f"{kind}:")][:5], sep="\n")
    if asked.write:
        command = f"python tests/speed/truth_mill.py --builds {asked.builds} --seed {asked.seed}"
        found = {"date": datetime.now(UTC).date().isoformat(), "command": command, "builds": asked.builds}
        text = json.dumps({**found, "head": head, "rows": rows}, ensure_ascii=False, indent=1)
        asked.write.write_text(f"{text}\n", encoding="utf-8")
    sys.exit(bool(whole.broken()))


if __name__ == "__main__":
    main()
