"""Every dependency has a pin, no pin says where it came from, and an upper bound says why it is there."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PIN = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[0-9][\w.!+]*)(?: ; \S.*)?")
"""Nothing but a name, a version and a marker: no address, no option, no hash."""


def pin_problems(constraints: str, project: str) -> Iterator[str]:
    """What is wrong with the pins, a sentence each."""
    pins: dict[str, list[str]] = {}
    for line in constraints.splitlines():
        pin = PIN.fullmatch(line)
        if pin:
            pins.setdefault(pin["name"], []).append(pin["version"])
        else:
            yield f"not a pin: {line}"
    for wanted in map(Requirement, _wanted(project)):
        versions = pins.get(canonicalize_name(wanted.name), [])
        if not versions:
            yield f"no pin: {wanted}"
        yield from (f"{wanted} is pinned to {one}" for one in versions if one not in wanted.specifier)


def _wanted(project: str) -> list[str]:
    read = tomllib.loads(project)
    groups = [one for group in read["dependency-groups"].values() for one in group if isinstance(one, str)]
    return [*read["project"]["dependencies"], *groups]


def bound_problems(project: str) -> Iterator[str]:
    """Upper bounds without a reason beside them. They shut out repairs too, so each has to say what breaks."""
    for line in project.splitlines():
        code, _, reason = line.partition("#")
        bounded = re.search(r'"[\w.-]+[^"]*(?:<|==|~=)[^"]*"', code)
        if bounded and not reason.strip():
            yield f"upper bound without a reason: {bounded[0]}"


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_everything_is_pinned_and_no_pin_names_its_origin() -> None:
    assert list(pin_problems(_read("constraints.txt"), _read("pyproject.toml"))) == []


PROJECT = '[project]\ndependencies = ["a-b>=1,<2"]\n[dependency-groups]\nlint = ["C_d>=3"]\n'
PINNED = "a-b==1.5\nc-d==3.0 ; python_full_version < '3.12'\nc-d==3.1 ; python_full_version >= '3.12'\ne==1\n"


def test_good_pins_pass() -> None:
    assert list(pin_problems(PINNED, PROJECT)) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url wheels",
        "--extra-index-url=wheels",
        "-e .",
        "f @ https://example.org/f-1.tar.gz",
        "f==1 # from https://example.org",
        "f==1 --hash=sha256:00",
        "f>=1",
        "F==1",
        "",
    ],
)
def test_line_that_is_no_pin_is_noticed(line: str) -> None:
    assert list(pin_problems(f"{PINNED}{line}\n", PROJECT))


@pytest.mark.parametrize(
    ("whole", "broken"), [("a-b==1.5\n", ""), ("a-b==1.5", "a-b==2.0"), ("c-d==3.1", "c-d==2.9")]
)
def test_missing_or_forbidden_version_is_noticed(whole: str, broken: str) -> None:
    assert whole in PINNED
    assert list(pin_problems(PINNED.replace(whole, broken), PROJECT))


def test_upper_bounds_have_a_reason() -> None:
    assert list(bound_problems(_read("pyproject.toml"))) == []


@pytest.mark.parametrize("line", ['  "mkdocs>=1.6,<2",', '  "mkdocs==1.6", #', 'lint = ["mkdocs~=1.6"]'])
def test_upper_bound_without_a_reason_is_noticed(line: str) -> None:
    assert list(bound_problems(line))
    assert not list(bound_problems(f"{line.rstrip('#')}  # 2.0 drops plugins"))


def test_readme_tells_the_command_that_made_the_pins() -> None:
    command = next(line for line in _read("README.md").splitlines() if "uv pip compile" in line)
    groups = tomllib.loads(_read("pyproject.toml"))["dependency-groups"]
    assert {f"--group {name}" for name in groups} == set(re.findall(r"--group \w+", command))
    assert "--python-version 3.11" in command
    assert "-o constraints.txt" in command
