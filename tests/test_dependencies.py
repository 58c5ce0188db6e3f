"""Every dependency has a pin, no pin says where it came from, and an upper bound says why it is there."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PIN = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[0-9][\w.!+]*)(?: ; \S.*)?")
"""Nothing but a name, a version and a marker: no address, no option, no hash."""


def problems(constraints: str, project: str) -> Iterator[str]:
    """What is wrong with the pins, a sentence each. Bounds shut out repairs too, so each has to say what breaks."""
    pins: dict[str, list[str]] = {}
    for line in constraints.splitlines():
        pin = PIN.fullmatch(line)
        if pin:
            pins.setdefault(pin["name"], []).append(pin["version"])
        else:
            yield f"not a pin: {line}"
    read = tomllib.loads(project)
    groups = [one for group in read["dependency-groups"].values() for one in group if isinstance(one, str)]
    for wanted in map(Requirement, [*read["project"]["dependencies"], *groups]):
        versions = pins.get(canonicalize_name(wanted.name), [])
        if not versions:
            yield f"no pin: {wanted}"
        yield from (f"{wanted} is pinned to {one}" for one in versions if one not in wanted.specifier)
    for line in project.splitlines():
        code, _, reason = line.partition("#")
        if re.search(r'"[\w.-]+[^"]*(?:<|==|~=)[^"]*"', code) and not reason.strip():
            yield f"upper bound without a reason: {line}"


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_everything_is_pinned_no_pin_names_its_origin_and_bounds_have_reasons() -> None:
    assert list(problems(_read("constraints.txt"), _read("pyproject.toml"))) == []


PROJECT = '[project]\ndependencies = [\n"a-b>=1,<2", # why\n]\n[dependency-groups]\nlint = ["C_d>=3"]\n'
PINNED = "a-b==1.5\nc-d==3.0 ; python_full_version < '3.12'\nc-d==3.1 ; python_full_version >= '3.12'\ne==1\n"


def test_what_is_wrong_is_noticed() -> None:
    assert list(problems(PINNED, PROJECT)) == []
    broken_lines = (
        "--find-links wheels",
        "-e .",
        "f @ https://x.org/f.tar.gz",
        "f==1 --hash=sha256:00",
        "f>=1",
        "F==1",
    )
    for line in broken_lines:
        assert list(problems(f"{PINNED}{line}\n", PROJECT)), line
    for whole, broken in (("a-b==1.5\n", ""), ("a-b==1.5", "a-b==2.0"), ("c-d==3.1", "c-d==2.9")):
        assert list(problems(PINNED.replace(whole, broken), PROJECT)), broken
    assert list(problems(PINNED, PROJECT.replace("# why", "")))


def test_readme_tells_the_command_that_made_the_pins() -> None:
    command = next(line for line in _read("README.md").splitlines() if "uv pip compile" in line)
    groups = tomllib.loads(_read("pyproject.toml"))["dependency-groups"]
    assert {f"--group {name}" for name in groups} == set(re.findall(r"--group \w+", command))
    assert "--python-version 3.11" in command
    assert "-o constraints.txt" in command
