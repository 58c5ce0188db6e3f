"""The vocabulary: what is measured, on what, under which settings.

Everything here is frozen data without behaviour that touches the machine. The other
packages stand on this module; it imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Scalar = bool | int | str
Shape = tuple[int, ...]

BASELINE = "default"
"""Id of the case that all others of an experiment are compared with."""

CONTROL = "default_again"
"""Id of the A/A row: the baseline under a second name. Whatever it shows is noise."""


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
    """What it speaks for: settings, run settings, arena entries or variables; empty: all that the case sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One setting, written once, exactly as a reader would write it."""

    id: str
    title: str
    """A few Chinese words for table rows and legends."""
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    """SessionOptions attributes by name; keys with a dot are session config entries."""
    run_settings: Mapping[str, str] = field(default_factory=dict)
    """RunOptions config entries."""
    shared_arena: Mapping[str, int] = field(default_factory=dict)
    """OrtArenaCfg of an allocator registered on the environment; empty: none."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the process."""
    saved_by: Mapping[str, Scalar] = field(default_factory=dict)
    """Settings under which an optimised copy of the model is saved first; this case loads that copy."""
    since: str = "1.16"
    """Lowest onnxruntime version with everything named here. Older ones than 1.16 were not looked at."""
    proofs: tuple[Proof, ...] = ()
    """All of them must hold, and each key must be spoken for by one that does not hold for the baseline, too."""
    needs_glibc: tuple[int, int] | None = None
    """Lowest glibc version; elsewhere the case is shown as not applicable."""
    may_fail: bool = False
    """A failure of this case does not make the build end non-zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What one run feeds. With several shapes, a run is one pass over all of them."""

    label: str
    """Stands on every table as `data-input`: `batch=4`, `1x3x736x736`, `30 shapes`."""
    shapes: tuple[Shape, ...]


def input_title(label: str) -> str:
    """A label as readers see it: `30 shapes` are `30 种尺寸`; axes and sizes stay as they are."""
    count, _, kind = label.partition(" ")
    return f"{count} 种尺寸" if kind == "shapes" else label


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
    cases: tuple[str, ...] = ()
    """Ids measured here; empty: all of the experiment."""
    memory_only: bool = False
    """One round: the figures of interest do not vary. No latency verdict follows."""
    cpu_share: float = 1.0
    """Share of the usable cores that the process may run on, by its affinity mask; at least one core."""
    processes: int = 1
    """So many processes run the same case at once; one of them is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A network, how it is had, and what is fed to it."""

    id: str
    title: str
    about: str
    """One Chinese sentence: where it comes from."""
    input_name: str
    build: Callable[[], bytes]
    """ONNX bytes; seeded or found in an installed package, never downloaded."""
    make_input: Callable[[tuple[Shape, ...]], object]
    """A float32 or int64 array covering every shape; a feed is its leading corner of that shape."""
    packages: tuple[str, ...]
    """Distributions whose version decides the bytes."""
    warm_up: int
    """Runs between the second and the first timed one, the same for every case."""
    tolerance: float = 1e-3
    """Largest difference of outputs, relative to the largest absolute baseline output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One metric of a table."""

    metric: str
    title: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A curve of an experiment; `kind` names its maker in `bench.pages.charts`."""

    kind: Literal["memory_over_runs", "thread_scaling", "frontier"]
    title: str
    groups: tuple[tuple[str, int], ...] = ()
    """(model, index of its group) pairs drawn; empty: all groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A child of its own that reports text on cases, on the group that needs most memory."""

    name: Literal["line_memory", "log_lines"]
    """A file in `bench.measure`."""
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One question and the cases that answer it; docs/sentences/<id>.j2 words the answer."""

    id: str
    title: str
    question: str
    cases: Callable[[int], tuple[Case, ...]]
    """The cases for a machine with that many usable cores."""
    groups: tuple[Group, ...]
    columns: tuple[Column, ...]
    charts: tuple[Chart, ...] = ()
    scripts: tuple[Script, ...] = ()
    observe_each_group: bool = False
    """Observe every case on every group, not only on the first one that has it."""
    keep_trace: tuple[str, int] | None = None
    """(case, index of its group) whose profiler trace is analysed and offered as a download."""
    claims: tuple[Claim, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    """With scenarios, rounds are split: the winners are chosen on one half, figures come from the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the article of 2022; the block `claim_<id>` of the experiment's template answers it."""

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
