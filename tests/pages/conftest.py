"""What tests of pages share."""

from __future__ import annotations

from typing import Any

import pytest

from bench.pages import machines
from bench.pages.markup import ENVIRONMENT


@pytest.fixture(autouse=True)
def no_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever bundles the site has: a made-up machine is none of them."""
    monkeypatch.setattr(machines, "found", lambda: ({}, {}))


@pytest.fixture
def used_templates(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the templates that are asked for, by pages and by other templates; it grows."""
    used, get = set[str](), ENVIRONMENT.get_template

    def noted(name: str, *rest: Any) -> Any:
        used.add(name)
        return get(name, *rest)

    ENVIRONMENT.cache.clear()  # type: ignore[union-attr]
    monkeypatch.setattr(ENVIRONMENT, "get_template", noted)
    return used
