"""How thorough a build may be. Apart from the other sources, so that one profile can change without the results of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Name = Literal["smoke", "quick", "default", "thorough", "tune"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How thorough a build is."""

    name: Name
    title: str
    looks: tuple[int, ...]
    """Rounds after which a case that is settled leaves its group; after the last one all do."""
    split_looks: tuple[int, ...]
    """The same where some of the rounds choose a setting and the others give its figures."""
    budget_s: float
    small: bool = False
    """Use the small inputs."""
    min_seconds: float = 0.2
    min_calls: int = 3
    repeats: int = 0
    """Dirty rounds of one block that are measured again, at the most; a draft repeats none."""
    bracket: bool = True
    """Baseline beside every case, not just once a round."""


SMOKE = Profile(
    name="smoke", title="冒烟", looks=(1,), split_looks=(1,), budget_s=600, small=True, bracket=False, min_seconds=0,
    min_calls=1,
)  # fmt: skip
QUICK = Profile(name="quick", title="快速", looks=(2,), split_looks=(2,), budget_s=390, small=True)
DEFAULT = Profile(name="default", title="默认", looks=(6, 10), split_looks=(12, 16), budget_s=3240, repeats=2)
"""From the command to the site within the hour: what is installed before, the self-test and the site take some minutes,
and what goes on to a look when the budget ends is not broken off."""
THOROUGH = Profile(
    name="thorough", title="细致", looks=(6, 10, 14, 18), split_looks=(12, 16, 20, 24), budget_s=4 * 3600,
    repeats=4,
)  # fmt: skip
PROFILES = {profile.name: profile for profile in (SMOKE, QUICK, DEFAULT, THOROUGH)}
