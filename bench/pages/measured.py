"""What a sentence may name: the groups and cases of one result. Templates in docs/sentences read these attributes by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from bench.pages.quantities import Quantity
from bench.pages.words import OUTCOMES, Words
from bench.results.metrics import METRICS
from bench.spec import BASELINE, Subject, input_title
from bench.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bench.results.published import GroupSummary


SHARES = {0.5: "一半"}
"""Shares of the cores that have a word."""


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case of the experiment. `{{ it }}` prints its title, in quotation marks where its comma or colon would break a sentence."""

    words: Words
    id: str

    def __html__(self) -> str:
        return Markup("“{}”").format(self.title) if {"，", "："} & {*self.title} else escape(self.title)

    @property
    def title(self) -> str:
        return self.words.title(self.id)

    @property
    def settings(self) -> Mapping[str, object]:
        """With None for what other cases set and this one does not."""
        cases = {case.id: case.settings for case in self.words.export.cases}
        own = cases.get(self.id, {})
        return {key: own.get(key) for settings in cases.values() for key in settings}

    @property
    def log(self) -> Mapping[str, Sequence[str]]:
        """Incidents and the lines that the log printed of each; empty when there is no report."""
        reports = self.words.export.reports
        return next((one.lines for one in reports if one.case == self.id and one.failure is None), {})


@dataclass(frozen=True, slots=True)
class MeasuredCase(KnownCase):
    """A case on one group; every metric is an attribute."""

    group: GroupSummary

    def __getitem__(self, metric: str) -> Quantity:
        if metric not in self.names():
            raise KeyError(metric)
        return Quantity(self, metric)

    @staticmethod
    def names() -> tuple[str, ...]:
        return tuple(METRICS)

    @property
    def default(self) -> MeasuredCase:
        return MeasuredCase(self.words, BASELINE, self.group)

    @property
    def measured(self) -> bool:
        return self["latency_ms"].known

    @property
    def outcome(self) -> str | None:
        """effect, nothing, unseen: whether it was seen to take effect; None: nothing to prove."""
        return self.words.outcome(self.group, self.id)

    @property
    def time(self) -> Markup:
        """How long it takes compared with the default, or which of the two failed."""
        return self["ratio"].change

    @property
    def versus_default(self) -> Markup:
        """The same, with the words that name the default."""
        compared = self["ratio"].known and self.outcome not in OUTCOMES
        return Markup("与默认比{}").format(self.time) if compared else self.time

    @property
    def operators(self) -> Mapping[str, int]:
        """Operator types of one run and how many nodes have them; empty when not observed."""
        place = (self.group.model, self.group.input, self.id)
        found = (row for row in self.words.export.operators if (row.model, row.input, row.case) == place)
        return next((row.operators for row in found), {})


@dataclass(frozen=True, slots=True)
class MeasuredGroup:
    """A group; every case is an attribute. `{{ it }}` prints `PP-OCRv6 文字检测（1x3x480x480）`."""

    words: Words
    group: GroupSummary
    ids: tuple[str, ...]

    def __html__(self) -> str:
        return Markup("{}（{}）").format(self.model_title, input_title(self.group.input))

    def __getitem__(self, case: str) -> MeasuredCase:
        if case not in self.ids:
            raise KeyError(case)
        return MeasuredCase(self.words, case, self.group)

    def names(self) -> tuple[str, ...]:
        return self.ids

    @property
    def cases(self) -> list[MeasuredCase]:
        """Those that were to be measured here, the default and its second name among them."""
        here = {
            row.case
            for row in self.words.export.rows
            if (row.model, row.input) == (self.group.model, self.group.input)
        }
        return [self[case] for case in self.words.cases() if case in here]

    @property
    def model(self) -> str:
        return self.group.model

    @property
    def model_title(self) -> str:
        return self.group.model_title

    @property
    def conditions(self) -> str:
        """What sets it apart from one session that is called by one process on all cores; mostly empty."""
        name, place, load = self.group.subject.name, self.group.place, self.group.load
        told = [
            SUBJECTS[name] if name != Subject().name else "",
            f"{load.processes} 个进程同时跑" if load.processes > 1 else "",
            f"只给{SHARES.get(place.cores, f' {place.cores:.0%} ')}的核" if place.cores else "",
        ]
        return "，".join(filter(None, told))

    @property
    def denormal_share(self) -> float:
        """Of the weights in the file."""
        return self.group.denormals / self.group.parameters

    @property
    def calls(self) -> int:
        """In one run: more than one where input sizes change."""
        return self.group.calls

    @property
    def load_gap(self) -> int:
        """Milliseconds between calls; 0: back to back."""
        return self.group.load.gap_ms

    @property
    def memory_only(self) -> bool:
        """Whether only memory was measured: nothing on time follows."""
        return not self.group.load.timed

    @property
    def verdicts(self) -> bool:
        """False in a draft and on a busy machine."""
        return self.group.verdicts

    @property
    def memory_judged(self) -> bool:
        """Whether this build draws conclusions on the memory of this group."""
        return any(case[metric].verdict for case in self.cases for metric in ("peak_mib", "kept_mib"))

    def tied_with_best(self, cases: Iterable[MeasuredCase]) -> list[MeasuredCase]:
        """The fastest of these cases and those that cannot be told from it; empty in a draft."""
        return [self[case] for case in self.words.tied_with_best(self.group, [one.id for one in cases])]


def groups(words: Words, known: tuple[str, ...] = ()) -> list[MeasuredGroup]:
    """All groups of a result; `known`: cases that may be named besides those that it has."""
    ids = known or tuple(words.cases())
    return [MeasuredGroup(words, group, ids) for group in words.groups()]


@dataclass(frozen=True, slots=True)
class KnownCases:
    """All cases of the experiment, in its order, each an attribute too."""

    words: Words
    ids: tuple[str, ...]

    def __iter__(self) -> Iterator[KnownCase]:
        return (KnownCase(self.words, case) for case in self.words.cases())

    def __getitem__(self, case: str) -> KnownCase:
        if case not in self.ids:
            raise KeyError(case)
        return KnownCase(self.words, case)

    def names(self) -> tuple[str, ...]:
        return self.ids


class Facts(dict[str, object]):
    """Facts of the machine; None where one is not known."""

    def __missing__(self, fact: str) -> None:
        return None
