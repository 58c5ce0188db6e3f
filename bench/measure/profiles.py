"""How thorough a build may be. Apart from the other sources, so that one profile can change without the results of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Name = Literal["smoke", "quick", "default", "thorough"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How thorough a build is."""

    name: Name
    title: str
    rounds: int
    split_rounds: int
    """Rounds where one half chooses a setting and the other half gives its figures."""
    budget_s: float
    small: bool = False
    """Use the small inputs."""
    min_seconds: float = 0.2
    min_calls: int = 3
    repeats: int = 0
    """Dirty rounds of one experiment that are measured again, at the most; a draft repeats none."""
    bracket: bool = True
    """Baseline beside every case, not just once a round."""


SMOKE = Profile(
    name="smoke", title="冒烟", rounds=1, split_rounds=1, budget_s=600, small=True, bracket=False, min_seconds=0,
    min_calls=1,
)  # fmt: skip
QUICK = Profile(name="quick", title="快速", rounds=3, split_rounds=2, budget_s=600, small=True)
DEFAULT = Profile(name="default", title="默认", rounds=9, split_rounds=12, budget_s=3600, repeats=2)
THOROUGH = Profile(name="thorough", title="细致", rounds=21, split_rounds=24, budget_s=4 * 3600, repeats=4)
PROFILES = {profile.name: profile for profile in (SMOKE, QUICK, DEFAULT, THOROUGH)}
