"""What ORT prints at each level, for real: the page that tells it is made of this script's report."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.measure.child import SCRIPTS, run_script

TIMEOUT_S = 60.0
DEFAULT, VERBOSE, WARNING, ERROR, FATAL = -1, 0, 2, 3, 4
"""Levels of a session; -1: it is not set."""
LEVELS = (DEFAULT, VERBOSE, WARNING, ERROR, FATAL)
FROM_WARNING_ON = (DEFAULT, WARNING, ERROR, FATAL)

Report = dict[str, list[str]]
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems bind threads in another way")


def _report(level: int) -> Report:
    settings = {} if level == DEFAULT else {"log_severity_level": level}
    status, output, log = run_script(
        SCRIPTS["log_lines"], {"settings": settings, "parent_pid": os.getpid()}, {}, TIMEOUT_S
    )
    assert (status, log) == (0, "")
    report: Report = json.loads(output)
    return report


@pytest.fixture(scope="module")
def reports() -> dict[int, Report]:
    """Side by side: most of their time they wait for what is said late."""
    with ThreadPoolExecutor(len(LEVELS)) as pool:
        return dict(zip(LEVELS, pool.map(_report, LEVELS), strict=True))


def _severities(lines: list[str]) -> set[str]:
    return {letter for letter in "VIWEF" for line in lines if f"[{letter}:onnxruntime" in line}


@pytest.mark.parametrize("level", FROM_WARNING_ON)
def test_healthy_session_prints_nothing(reports: dict[int, Report], level: int) -> None:
    assert reports[level]["healthy"] == []


@pytest.mark.parametrize("level", FROM_WARNING_ON)
def test_misspelt_key_prints_nothing(reports: dict[int, Report], level: int) -> None:
    assert reports[level]["misspelt_key"] == []


@pytest.mark.parametrize("level", [DEFAULT, WARNING])
def test_wrong_value_prints_a_warning(reports: dict[int, Report], level: int) -> None:
    (line,) = reports[level]["warning"]
    assert _severities([line]) == {"W"}
    assert "spin_duration_us" in line


@pytest.mark.parametrize("level", [ERROR, FATAL])
def test_higher_levels_hide_the_warning(reports: dict[int, Report], level: int) -> None:
    assert reports[level]["warning"] == []


@pytest.mark.parametrize("level", LEVELS)
def test_failing_node_raises_an_exception_whatever_the_level(reports: dict[int, Report], level: int) -> None:
    assert reports[level]["error"][-1].startswith("Python 异常：")


@pytest.mark.parametrize("level", [DEFAULT, VERBOSE, WARNING, ERROR])
def test_failing_node_leaves_an_error_in_the_log(reports: dict[int, Report], level: int) -> None:
    lines = reports[level]["error"]
    assert "E" in _severities(lines)
    assert any("gather" in line for line in lines)


def test_highest_level_hides_the_error_of_a_failing_node(reports: dict[int, Report]) -> None:
    (line,) = reports[FATAL]["error"]
    assert _severities([line]) == set()


@linux
@pytest.mark.parametrize("level", FROM_WARNING_ON)
def test_default_logger_speaks_whatever_the_level_of_the_session(
    reports: dict[int, Report], level: int
) -> None:
    lines = reports[level]["default_logger"]
    assert _severities(lines) == {"E"}
    assert all("onnxruntime:Default" in line for line in lines)


@linux
@pytest.mark.parametrize("level", FROM_WARNING_ON)
def test_default_logger_is_silent_once_it_is_told_so(reports: dict[int, Report], level: int) -> None:
    assert reports[level]["default_logger_quiet"] == []


def test_chatty_level_is_cut_to_its_last_lines(reports: dict[int, Report]) -> None:
    for incident in ("healthy", "misspelt_key"):
        note, *lines = reports[VERBOSE][incident]
        assert "行，只列" in note
        assert len(lines) == 4
        assert _severities(lines) <= {"V", "I"}


def test_chatty_level_keeps_its_warnings_and_errors(reports: dict[int, Report]) -> None:
    """Pages tell by these lines at which levels a warning shows; a hundred others come after it."""
    assert "W" in _severities(reports[VERBOSE]["warning"])
    assert "E" in _severities(reports[VERBOSE]["error"])
    assert len(reports[VERBOSE]["warning"]) == 1 + 1 + 4
