"""Make up whole builds of which everything is known, and count what their pages say wrongly.

    python tests/speed/truth_mill.py --builds 1000 --html-every 5 --seed 1 --jobs 2

A script, not a test: a thousand builds take some minutes. Every build goes the way of a real one, from samples in a
journal to exports to words. Rows are read from the exports, in every fifth build from the HTML of the tables;
sentences, headlines, boxes of claims, scenarios and the certificate are read from HTML in all of them. Ends with 1
when something was wrong more often than it may be. What counts as wrong is written down in `mill_judge`
(statements on one setting) and in `mill_oracle` (claims and recommendations).
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
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))
from speed import mill_build, mill_choices, mill_oracle, mill_read, mill_truth
from speed.mill_judge import LIMITS, MEMORIES, Judge, Tally

from bench.experiments import EXPERIMENTS
from bench.measure import selftest
from bench.pages import certificates, claims, comparisons, scenarios, sentences, surprises, tables
from bench.pages.words import Words
from bench.results.summary import summarise
from bench.spec import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results.published import GroupSummary

SHOWN = 5
"""Examples of each kind of fault."""


def build(seed: int, *, html: bool) -> Tally:
    """One build, from the world to its pages to what is wrong with them; with `html`, also through its files."""
    world = mill_truth.draw(seed)
    journals = mill_build.journals(world)
    if html:
        journals = {name: mill_build.through_its_file(one) for name, one in journals.items()}
    pages = [Words(summarise(EXPERIMENTS[name], journal)) for name, journal in journals.items()]
    judge = Judge(world, Tally())
    for words in pages:
        _proofs(judge, words)
        _rows(judge, words, html=html)
        _sentences(judge, words)
        _scenarios(judge, words, html=html)
    _whole_build(judge, pages, html=html)
    return judge.tally


def _proofs(judge: Judge, words: Words) -> None:
    for proof in words.export.proofs:
        index = words.group(proof.model, proof.input).index
        truth = judge.effect(words.export.experiment, index, proof.case).outcome
        more = proof.outcome != truth and proof.outcome in ("effect", "nothing")
        text = f"seed {judge.world.seed}, {words.export.experiment}/{proof.case}: {proof.outcome}, {proof.evidence}"
        judge.tally.note("proof", text, wrong=more)


def _rows(judge: Judge, words: Words, *, html: bool) -> None:
    for said in _cells(words) if html else _exported(words):
        if said.case != CONTROL:
            judge.statement(words, said)
    for row in words.export.rows:
        judge.interval(words, row)


def _cells(words: Words) -> Iterator[mill_read.Said]:
    experiment = EXPERIMENTS[words.export.experiment]
    for group in words.groups():
        yield from mill_read.table(words, group, tables.group_table(experiment, words, group))


def _exported(words: Words) -> Iterator[mill_read.Said]:
    for row in words.export.rows:
        if row.verdict and row.metric in ("ratio", "ratio_original", *MEMORIES):
            index = words.group(row.model, row.input).index
            yield mill_read.Said("export", row.experiment, index, row.case, row.metric, row.verdict)


def _sentences(judge: Judge, words: Words) -> None:
    experiment = EXPERIMENTS[words.export.experiment]
    told = sentences.tell(experiment, words.export)
    unwritten = sentences.tell(replace(experiment, id="unwritten", claims=()), words.export)
    for conclusion in (told.conclusion, unwritten.conclusion):
        _conclusion(judge, words, conclusion)
    for claim in experiment.claims:
        mill_oracle.claim(judge, words, claim.id, mill_read.holds(claims.box(claim, told.answers[claim.id])))


def _conclusion(judge: Judge, words: Words, texts: Sequence[str]) -> None:
    for text in texts:
        try:
            found = list(mill_read.sentences(words, [text]))
        except mill_read.Unread as unread:
            found = []
            judge.tally.note("unread", str(unread), wrong=True)
        for said in found:
            judge.tally.note("unread", text, wrong=False)
            judge.statement(words, said)
            judge.against_table(words, said)
    plain = [mill_read.soup(text).get_text() for text in texts]
    mill_oracle.other_sentences(judge, words, plain, partial(mill_read.last_group, words))


def _scenarios(judge: Judge, words: Words, *, html: bool) -> None:
    export, experiment = words.export, EXPERIMENTS[words.export.experiment]
    shown = {
        group.index: mill_read.soup(tables.group_table(experiment, words, group))
        for group in (words.groups() if html and experiment.scenarios else ())
    }

    def figure(group: GroupSummary, case: str, metric: str) -> float | None:
        return (
            mill_read.number(shown[group.index], case, metric) if html else words.value(group, case, metric)
        )

    for scenario in experiment.scenarios:
        card = scenarios.card(export, scenario)
        winner, told = mill_read.winner(card)
        mill_choices.recommendation(judge, words, scenario, winner, told, figure)
        texts = mill_read.evidence(card, scenarios.line(export, scenario))
        for said in mill_read.sentences(words, texts, "card", winner):
            judge.statement(words, said)
            judge.against_table(words, said)


def _whole_build(judge: Judge, pages: Sequence[Words], *, html: bool) -> None:
    exports = [words.export for words in pages]
    by_name = {words.export.experiment: words for words in pages}
    said = list(mill_read.headlines(pages, surprises.cards(exports)))
    if html:
        said += mill_read.all_findings(pages, comparisons.table(exports))
    for one in said:
        judge.statement(by_name[one.experiment], one)
        judge.against_table(by_name[one.experiment], one)
    tested = {
        name: summarise(selftest.EXPERIMENT, one) for name, one in mill_build.self_tests(judge.world).items()
    }
    line, page = certificates.line(exports, tested, ()), certificates.page(exports, tested, ())
    for word in map(mill_read.quotable, (line, page)):
        bad = judge.world.selftest != "passed" and word != "no"
        text = f"seed {judge.world.seed}, self-test {judge.world.selftest}: {word}"
        judge.tally.note("quotable", text, wrong=bad)


def report(tally: Tally) -> Iterator[str]:
    """A line a kind: what was looked at, what was wrong, and how much of it may be."""
    yield "| 什么算错 | 看了 | 错了 | 占 | 至多 |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for kind, (title, most) in LIMITS.items():
        seen, wrong = tally.seen[kind], tally.wrong[kind]
        share = f"{wrong / seen:.3%}" if seen else "—"
        yield f"| {title} | {seen} | {wrong} | {share} | {f'{most:.1%}' if most else '0'} |"


def examples(tally: Tally) -> Iterator[str]:
    for kind in LIMITS:
        yield from [one for one in tally.examples if one.startswith(f"{kind}:")][:SHOWN]


def _one(seed: int, every: int) -> Tally:
    return build(seed, html=seed % every == 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("--builds", 1000), ("--html-every", 5), ("--seed", 1), ("--jobs", 1)):
        parser.add_argument(name, type=int, default=value)
    parser.add_argument("--write", type=Path, help="file for the method page, as JSON")
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.builds)
    start, whole = time.monotonic(), Tally()
    with ProcessPoolExecutor(asked.jobs) as pool:
        for done, tally in enumerate(pool.map(partial(_one, every=asked.html_every), seeds), 1):
            whole.add(tally)
            print(f"\r{done} / {asked.builds}, {time.monotonic() - start:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    print("\n".join([*report(whole), "", *examples(whole)]))
    if asked.write:
        command = f"python tests/speed/truth_mill.py --builds {asked.builds} --html-every {asked.html_every} --seed {asked.seed}"
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in report(whole)]
        found = {"date": datetime.now(UTC).date().isoformat(), "command": command, "builds": asked.builds}
        asked.write.write_text(
            json.dumps({**found, "head": lines[0], "rows": lines[2:]}, ensure_ascii=False, indent=1) + "\n",
            encoding="utf-8",
        )
    sys.exit(bool(whole.broken()))


if __name__ == "__main__":
    main()
