"""What results are asked: conclusions, claims of others, and which setting suits a need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Measured(Protocol):
    """One group as a conclusion sees it."""

    @property
    def model(self) -> str: ...

    @property
    def model_title(self) -> str: ...

    @property
    def input(self) -> str: ...

    @property
    def calls(self) -> int: ...

    @property
    def memory_only(self) -> bool: ...

    @property
    def verdicts(self) -> bool: ...


class Findings(Protocol):
    """What a conclusion may ask: figures, and finished pieces of sentences, of one result."""

    def groups(self) -> Sequence[Measured]:
        """The groups that were measured, in the order of the experiment."""

    def cases(self) -> Sequence[str]:
        """Ids of the cases."""

    def value(self, group: Any, case: str, metric: str) -> float | None:
        """A figure; None when it failed or could not be had."""

    def verdict(self, group: Any, case: str, metric: str = "ratio") -> str | None:
        """faster, slower, same, unclear; less, more, same, unclear for memory; None: no verdict to rest on."""

    def outcome(self, group: Any, case: str) -> str | None:
        """effect, nothing, unseen: whether the case was seen to take effect; None: nothing to prove."""

    def title(self, case: str) -> str:
        """Name of a case."""

    def cores(self) -> int:
        """Usable cores of the machine that measured."""

    def machine(self, fact: str) -> object:
        """A fact of the machine that measured, None when it is not known."""

    def tied_with_best(self, group: Any, cases: Sequence[str]) -> Sequence[str]:
        """The fastest of these cases and those that cannot be told from it; empty in a draft."""

    def number(self, group: Any, case: str, metric: str, unit: str = "") -> str:
        """A figure to the digits that its interval allows; empty when there is none."""

    def mark(self, group: Any, metric: str) -> str:
        """What must stand behind a figure of this kind where it must not be quoted; mostly empty."""

    def memory_beside(self, group: Any, case: str, than: str, metric: str) -> str | None:
        """less, more, same or unclear than another case; None: one of the two is not judged."""

    def mib(self, group: Any, case: str, metric: str) -> str:
        """A memory figure with its unit."""

    def ms(self, group: Any, case: str) -> str:
        """The latency with its unit."""

    def speed(self, group: Any, case: str, metric: str = "ratio") -> str:
        """How long a case takes compared with the baseline; `ratio_original`: with the article's settings."""

    def memory_change(self, group: Any, case: str, metric: str) -> str:
        """How a memory figure differs from the baseline's."""

    def operators(self, group: Any, case: str) -> Mapping[str, int]:
        """Operator types of one run and how many nodes have them; empty when not observed."""

    def transcript(self, case: str) -> Mapping[str, Sequence[str]]:
        """Headings and lines that a script reported of a case; empty when there is no report."""


Holds = Literal["yes", "half", "no", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What this machine says to a claim."""

    measured: str
    """HTML: the figures of this build."""
    now: str
    """HTML: what to do today, following from them."""
    holds: Holds
    """Whether the claim holds here; `half`: part of it does; `unknown`: it cannot be told from this build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the article of 2022, and how a result answers it."""

    id: str
    said: str
    """The statement in our words, with its figures; the page adds where it comes from."""
    answer: Callable[[Findings], Answer]


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
