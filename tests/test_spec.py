"""The vocabulary: what follows from what is written."""

from __future__ import annotations

import pytest

from bench.experiments._common import needs_glibc, needs_onnxruntime
from bench.spec import Case, Load, Machine, Place, Subject, input_title


@pytest.mark.parametrize(
    ("label", "title"),
    [("30 shapes", "30 种尺寸"), ("batch=2", "batch=2"), ("1x3x48x320", "1x3x48x320"), ("shapes", "shapes")],
)
def test_input_is_called_what_readers_understand(label: str, title: str) -> None:
    assert input_title(label) == title


GLIBC = {
    "": ("glibc 2.35", "glibc 2.41", "glibc 3.0"),
    "需要 glibc 2.35 以上": ("glibc 2.34", "glibc 1.99", "glibc 2.4", "musl 3.0", ""),
}
ORT = {
    "": ("1.23.0", "1.23.0.dev20250101", "1.31.1", "1.100.0", "2.0"),
    "需要 onnxruntime 1.23 以上": ("1.22.1", "1.9.0", "0.99", "1.22.0rc1", ""),
}


def test_what_a_machine_lacks() -> None:
    for reason, versions in GLIBC.items():
        for libc in versions:
            assert needs_glibc(2, 35)(Machine(cores=2, libc=libc)) == reason, libc
    for reason, versions in ORT.items():
        for one in versions:
            found = needs_onnxruntime(1, 23)(Machine(cores=2, software={"onnxruntime": one}))
            assert found == reason, one


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
