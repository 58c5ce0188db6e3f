"""The vocabulary: what is measured, on what, and how.

Five things make a sample: *settings* (how the session is set), *variant* (from which file), *subject* (what is
opened and called), *load* (when calls arrive), *place* (where the process runs). A `Group` fixes them, a `Case`
changes some. Everything here is frozen data that touches no machine; results store these very classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

Scalar = bool | int | str
Shape = tuple[int, ...]
Feed = Shape | Mapping[str, Shape]
"""The shapes that one call is fed with, by the name of the input; a bare shape is that of the only input."""

ID = r"[a-z0-9_]{1,64}"
"""How ids are written: of experiments, cases, models, metrics, subjects, variants."""
Id = Annotated[str, Field(pattern=f"^{ID}$")]

BASELINE = "default"
"""Id of the case that all others of an experiment are compared with."""
CONTROL = "default_again"
"""Id of the A/A row: the baseline under a second name. Whatever it shows is noise."""
ORIGINAL = "original"
"""Id of the case with the settings that the article of 2022 recommends."""
SINGLE = "single"
"""Id of the case with one thread, from which speed-up is counted."""

STORED = ConfigDict(extra="forbid", str_max_length=4000)
"""Of what stands in result files: strangers' files are read, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What cases may ask of the machine that measures. Empty: not known."""

    cores: int
    """Usable cores."""
    libc: str = ""
    """`glibc 2.36`."""
    transparent_huge_pages: str = ""
    allocators: tuple[str, ...] = ()
    """Libraries that can take malloc's place, as the dynamic linker finds them: `libjemalloc.so.2`."""
    software: Mapping[str, str] = field(default_factory=dict)
    """Name of a distribution -> its version."""

    @classmethod
    def of(cls, facts: Mapping[str, object], software: Mapping[str, str]) -> Machine:
        """From the facts in a result file."""
        cores = facts.get("cores")
        return cls(
            cores=cores if isinstance(cores, int) and cores > 0 else 1,
            libc=str(facts.get("libc") or ""),
            transparent_huge_pages=str(facts.get("transparent_huge_pages") or ""),
            allocators=tuple(
                map(str, found if isinstance(found := facts.get("allocators"), list | tuple) else ())
            ),
            software=dict(software),
        )


def nothing_lacking(machine: Machine) -> str:
    """Runs everywhere."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What must be observed in an untimed child for a key to count as in effect.

    It proves something only where it holds for the case and not for what it is held against: the case named
    by `than`, else the baseline.
    """

    fact: str
    """Name of an observed fact, see `bench.measure.evidence`."""
    relation: Literal["==", "!=", "<", ">"]
    expected: float = 0
    """The number to compare with; a factor when `than` is given."""
    than: str | None = None
    """Id of another case whose fact, times `expected`, is the number to compare with."""
    keys: tuple[str, ...] = ()
    """What it speaks for, see `Case.keys`; empty: all that the case sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is opened and called in the measured process: a file in `bench.subjects`, and what it is told."""

    __pydantic_config__ = STORED

    name: Id = "session"
    options: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """When calls arrive."""

    __pydantic_config__ = STORED

    callers: Annotated[int, Field(ge=1, le=4096)] = 1
    """Python threads that call one subject at the same time, back to back."""
    processes: Annotated[int, Field(ge=1, le=4096)] = 1
    """So many processes do the same at once; one of them is measured."""
    gap_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    """Idle time of the caller from the end of a call to the start of the next."""
    calls: Annotated[int, Field(ge=0, le=100_000)] = 0
    """At least so many timed calls a process, fewer where a draft will do; 0: as many as the profile asks for."""
    timed: bool = True
    """False: few rounds and as few calls as possible; memory is looked at, no verdict on time follows."""
    rounds: Annotated[int, Field(ge=1, le=100)] = 1
    """Of what is not timed: more where memory varies by itself."""

    def looks(self, timed: Sequence[int]) -> tuple[int, ...]:
        """Rounds after which a group may end; `timed`: those of the profile."""
        return tuple(timed) if self.timed else (min(self.rounds, timed[-1]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the process runs."""

    __pydantic_config__ = STORED

    cores: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the usable cores, by the affinity mask; at least one core. None: the group's, or all."""
    quota: Annotated[float, Field(gt=0, le=4096)] | None = None
    """So many cores' worth of CPU time, as the quota of a container (CFS) grants it; all cores may be used. None: the
    group's, or no quota. Processes that run the same at once have it together."""
    quota_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """The same as a share of the usable cores."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables."""
    packages: tuple[str, ...] = ()
    """Requirements of a Python environment that has nothing else, made for it; empty: the group's, or ours."""
    python: str = ""
    """Versions of the interpreter of that environment, one of which must be found here: `>=3.8,<3.11`; empty: ours."""

    def within(self, group: Place) -> Place:
        """What holds for a case with this place in a group with that one."""
        return Place(
            cores=group.cores if self.cores is None else self.cores,
            quota=group.quota if self.quota is None else self.quota,
            quota_share=group.quota_share if self.quota_share is None else self.quota_share,
            env={**group.env, **self.env},
            packages=self.packages or group.packages,
            python=self.python or group.python,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One setting, written once, exactly as a reader would write it.

    The id names the rule by which it is set and is the same on every machine: `usable`, not `4_threads`.
    """

    __pydantic_config__ = STORED

    id: Id
    title: str
    """A few Chinese words for table rows and legends."""
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    """SessionOptions attributes by name; keys with a dot are session config entries."""
    run_settings: Mapping[str, str] = field(default_factory=dict)
    """RunOptions config entries."""
    subject: Subject | None = None
    """None, here and below: the group's."""
    variant: Id | None = None
    load: Load | None = None
    place: Place = Place()
    expected: Literal["", "crash", "hang"] = ""
    """What the case is there to show; then that is its result and no failure."""
    proofs: Annotated[SkipJsonSchema[tuple[Proof, ...]], Field(exclude=True, max_length=0)] = ()
    """All must hold, and each key be spoken for by one that does not hold for the baseline, too. Files have none."""
    lacking: Annotated[SkipJsonSchema[Callable[[Machine], str]], Field(exclude=True)] = nothing_lacking
    """Why this case cannot run on a machine, in Chinese; empty: it can."""

    @property
    def keys(self) -> frozenset[str]:
        """Names of all that it sets or changes, `subject`, `variant` and `load` among them."""
        options = self.subject.options if self.subject else {}
        changed = {name for name in ("subject", "variant", "load") if getattr(self, name)}
        return frozenset({*self.settings, *self.run_settings, *options, *self.place.env, *changed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What one run feeds. With several feeds, a run is one pass over all of them."""

    label: str
    """Stands on every table as `data-input`: `batch=4`, `1x3x736x736`, `30 shapes`."""
    shapes: tuple[Feed, ...]


GAP, QUOTA = " gap=", " quota="
"""Stand in the label of an input before the milliseconds between calls, and before the cores that a quota grants, or the share
of them."""


def input_title(label: str) -> str:
    """A label as readers see it: `30 shapes` are `30 种尺寸`, `8 lines` are `8 行文字`, `3 pages` are `3 页`, `5 calls` are `5 次推理`; axes and sizes stay as they are."""
    rest, _, quota = label.partition(QUOTA)
    shapes, _, gap = rest.partition(GAP)
    count, _, kind = shapes.partition(" ")
    titles = {"shapes": "种尺寸", "lines": "行文字", "pages": "页", "calls": "次推理"}
    title = f"{count} {titles[kind]}" if kind in titles else shapes
    title = f"{title}，每次之后停 {gap} 毫秒" if gap else title
    granted = f"{quota} 的核" if quota.endswith("%") else f"{quota} 核"
    return f"{title}，配额 {granted}" if quota else title


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestBatch:
    """An input whose batch is chosen when the plan is made: the largest that fits."""

    item_shape: Shape
    """Shape of one item, without the batch."""
    limit: int
    bytes_per_item: int
    """Upper bound of what the hungriest case needs per item."""
    label: str = "largest batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cases measured together on one model and one input."""

    model: str
    input: Input | LargestBatch
    small: Input | LargestBatch
    """Used by the profiles `quick` and `smoke`."""
    seconds: float
    """Length of one sample, start to end, as seen on two cores; a plan uses it until this machine has shown its own."""
    slower: Mapping[str, float] = field(default_factory=dict)
    """Case -> how many times as long its sample is, where that is not about the same."""
    cases: tuple[str, ...] = ()
    """Ids measured here; empty: all of the experiment."""
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    """Set in every case here, the default too: what would drown the question."""
    subject: Subject = Subject()
    variant: str = "as_built"
    load: Load = Load()
    place: Place = Place()

    def label(self, input_: str) -> str:
        """That of an input, with what sets two groups of one input apart."""
        gap = f"{GAP}{self.load.gap_ms}" if self.load.gap_ms else ""
        quota = f"{QUOTA}{self.place.quota:g}" if self.place.quota else ""
        quota = f"{QUOTA}{self.place.quota_share:.0%}" if self.place.quota_share else quota
        return f"{input_}{gap}{quota}"

    @property
    def fixed(self) -> Settled:
        """What it fixes, where no case says otherwise."""
        return Settled(self.settings, self.subject, self.variant, self.load, self.place)

    def settled(self, case: Case) -> Settled:
        """What a case runs as in this group."""
        return Settled(
            settings={**self.settings, **case.settings},
            subject=case.subject or self.subject,
            variant=case.variant or self.variant,
            load=case.load or self.load,
            place=case.place.within(self.place),
        )


class Settled(NamedTuple):
    """A case with what its group fixes."""

    settings: Mapping[str, Scalar]
    subject: Subject
    variant: str
    load: Load
    place: Place

    @property
    def key(self) -> str:
        """Equal where all five are; mappings have no hash."""
        return json.dumps(self, sort_keys=True, default=_by_field)


def _by_field(one: Any) -> dict[str, Any]:
    """A dataclass as JSON has it; `asdict` copies all that is in it first."""
    return {at.name: getattr(one, at.name) for at in fields(one)}


class Block(NamedTuple):
    """What is measured together, of whichever experiment: all that has the same default."""

    model: str
    input: str
    default: str
    """`Settled.key` of its groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A network, how it is had, and what is fed to it."""

    id: str
    title: str
    about: str
    """One Chinese sentence: where it comes from."""
    build: Callable[[], bytes]
    """ONNX bytes; seeded or found in an installed package, never downloaded."""
    inputs: Mapping[str, Callable[[tuple[Shape, ...]], Any]]
    """Name of an input -> what makes an array of any dtype that covers every shape; a feed is its leading corner."""
    packages: tuple[str, ...]
    """Distributions whose version decides the bytes."""
    warm_up: int
    """Runs between the second and the first timed one, the same for every case."""
    tolerance: float = 1e-3
    """Largest difference of outputs, relative to the largest absolute baseline output."""
    decides: Literal["", "text", "area"] = ""
    """What a user makes of the output, and in what other precisions must agree: the most likely of the last axis, without
    repeats and blanks (CTC); or where a probability is above 0.3 (text boxes). Empty: the numbers themselves."""
    calibration: Feed | None = None
    """Of the second half of its rows, quantisation takes its ranges; on the first half the model is measured."""
    note: Callable[[], str] = str
    """What captions must tell of inputs that are made otherwise on another machine; part of the key of the files."""

    def shapes(self, feed: Feed) -> dict[str, Shape]:
        """A feed with the names of its inputs. Raises ValueError when a bare shape names none of several."""
        if isinstance(feed, Mapping):
            return dict(feed)
        (name,) = self.inputs
        return {name: feed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A curve of an experiment; `kind` names its maker in `bench.pages.charts`."""

    kind: Literal["memory_over_runs", "thread_scaling", "frontier"]
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A subject that reports text on cases, in an untimed child, on the group that needs most memory."""

    subject: str
    cases: tuple[str, ...]
    seconds: float | None = None
    """Length on each case; None: about that of a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the article of 2022 or of a public report; a template holds the result against it."""

    id: str
    said: str
    """The statement in our words, with its figures; the page adds where it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A condition on a candidate: in every group, its metric is at most `factor` times that of another case."""

    metric: str
    than: str
    factor: float = 1.0
    text: str
    """Chinese: the condition, as it stands on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A need, the settings that may meet it, and how the winner is chosen."""

    id: str
    title: str
    candidates: tuple[str, ...]
    """Case ids, the simplest first: it wins among those that cannot be told apart."""
    groups: tuple[int, ...]
    """Indices of the experiment's groups that this need is about."""
    minimise: str
    """A metric; over several groups, the product of its ratios to the baseline counts."""
    limits: tuple[Limit, ...] = ()
    use: str
    """Chinese: when to use it."""
    avoid: str
    """Chinese: when not."""


class Importance(IntEnum):
    """Where time is short, the least important is left out first."""

    BESIDE = 0
    ARTICLE = 1
    HEADLINE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One question and the cases that answer it. What it says stands in `docs/sentences/<id>.j2`, if anywhere."""

    id: str
    title: str
    question: str
    cases: Callable[[Machine], tuple[Case, ...]]
    groups: tuple[Group, ...]
    columns: tuple[str, ...]
    """Ids of metrics, in the order of the tables."""
    charts: tuple[Chart, ...] = ()
    reports: tuple[Report, ...] = ()
    observe_each_group: bool = False
    """Observe every case on every group, not only on the first one that has it."""
    keep_trace: tuple[str, int] | None = None
    """(case, index of its group) whose profiler trace is analysed and offered as a download."""
    claims: tuple[Claim, ...] = ()
    importance: Importance = Importance.BESIDE
    scenarios: tuple[Scenario, ...] = ()
    """With scenarios, rounds are split: the winners are chosen on one half, figures come from the other."""
    own_budget_s: float | None = None
    """Measured in this time of its own, and only when it is named; what is found stands until cases, groups or models
    change, and no recommendation of a build rests on it. None: part of every build."""

    @property
    def apart(self) -> bool:
        """Whether builds leave it out."""
        return self.own_budget_s is not None
