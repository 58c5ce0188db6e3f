"""The vocabulary: what follows from what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.experiments._common import needs_glibc, needs_onnxruntime
from bench.spec import Case, Load, Machine, Place, Subject, input_title

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("label", "title"),
    [("30 shapes", "30 种尺寸"), ("batch=2", "batch=2"), ("1x3x48x320", "1x3x48x320"), ("shapes", "shapes")],
)
def test_input_is_called_what_readers_understand(label: str, title: str) -> None:
    assert input_title(label) == title


@pytest.mark.parametrize(
    ("lacking", "known", "reason"),
    [
        *(
            (needs_glibc(2, 35), {"libc": libc}, "需要 glibc 2.35 以上")
            for libc in ("glibc 2.34", "glibc 1.99", "glibc 2.4", "musl 3.0", "")
        ),
        *((needs_glibc(2, 35), {"libc": libc}, "") for libc in ("glibc 2.35", "glibc 2.41", "glibc 3.0")),
        *(
            (needs_onnxruntime(1, 23), {"software": {"onnxruntime": version}}, "需要 onnxruntime 1.23 以上")
            for version in ("1.22.1", "1.9.0", "0.99", "1.22.0rc1", "")
        ),
        *(
            (needs_onnxruntime(1, 23), {"software": {"onnxruntime": version}}, "")
            for version in ("1.23.0", "1.23.0.dev20250101", "1.31.1", "1.100.0", "2.0")
        ),
    ],
)
def test_what_a_machine_lacks(lacking: Callable[[Machine], str], known: dict[str, Any], reason: str) -> None:
    assert lacking(Machine(cores=2, **known)) == reason


@pytest.mark.parametrize("cores", [None, 0, -1, "4", 2.5])
def test_machine_of_unknown_facts_has_one_core_and_tells_nothing(cores: object) -> None:
    found = Machine.of({"cores": cores, "libc": None}, {})
    assert found == Machine(cores=1)
    told = {"cores": 3, "libc": "glibc 2.36", "transparent_huge_pages": "always", "cpu": "x"}
    known = Machine.of(told, {"numpy": "2"})
    assert (known.cores, known.libc, known.software["numpy"]) == (3, "glibc 2.36", "2")
    assert known.transparent_huge_pages == "always"


def test_keys_are_all_that_a_case_sets_or_changes() -> None:
    case = Case(
        id="one",
        title="",
        settings={"a": 1},
        run_settings={"b": "1"},
        subject=Subject(options={"c": 1}),
        variant="optimised",
        load=Load(callers=2),
        place=Place(env={"D": "1"}),
    )
    assert case.keys == {"a", "b", "c", "D", "subject", "variant", "load"}
    assert Case(id="one", title="").keys == set()
