"""May the numbers be quoted?"""

from __future__ import annotations

import pytest
from made_up import MadeUp

from bench.results import quotable
from bench.results.published import Export
from bench.results.trust import Check, standing

BUILD = MadeUp(experiment="arena").export().build.id
GOOD = {BUILD: Export.model_construct(rows=[])}
"""The build that is made up has a self-test of its own."""


@pytest.fixture(autouse=True)
def passed(monkeypatch: pytest.MonkeyPatch) -> list[bool | None]:
    """What the self-test found."""
    found: list[bool | None] = [True, None]
    monkeypatch.setattr(
        quotable,
        "checks",
        lambda _: [Check(title="睡 20 毫秒", expected="", seen="", passed=p) for p in found],
    )
    return found


def test_quiet_build_may_be_quoted() -> None:
    assert standing([MadeUp(experiment="arena").export()], GOOD, ()).word == "yes"


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_draft_may_not(profile: str) -> None:
    found = standing([MadeUp(experiment="arena", profile=profile).export()], {}, ())  # type: ignore[arg-type]
    assert (found.word, found.reasons) == ("no", ("只是草稿",))


def test_draft_among_others_is_counted() -> None:
    drafted = [MadeUp(experiment="arena", profile="quick").export(), MadeUp(experiment="container").export()]
    assert standing(drafted, GOOD, ()).reasons == ("1 个实验只是草稿",)


def test_old_result_may_not() -> None:
    found = standing([MadeUp(experiment="arena").export()], GOOD, {"arena"})
    assert (found.word, found.reasons) == ("no", ("1 个实验是旧结果",))


def test_build_without_a_selftest_may_not() -> None:
    found = standing([MadeUp(experiment="arena").export()], {}, ())
    assert (found.word, found.reasons) == ("no", ("测量程序没有做自检",))


def test_build_whose_harness_is_blind_may_not(passed: list[bool | None]) -> None:
    passed.append(False)
    found = standing([MadeUp(experiment="arena").export()], GOOD, ())
    assert found.word == "no"
    assert "自检没有通过：睡 20 毫秒" in found.reasons[0]


def _of_build(build: str, experiment: str = "container") -> Export:
    export = MadeUp(experiment=experiment).export()
    return export.model_copy(update={"build": export.build.model_copy(update={"id": build})})


LATER = "20260103-030405-abcd"


def test_selftest_of_another_build_vouches_for_nothing() -> None:
    """A quiet self-test made later must not turn a build that had none, or failed its own, into a good one."""
    found = standing([MadeUp(experiment="arena").export()], {LATER: GOOD[BUILD]}, ())
    assert (found.word, found.reasons) == ("no", ("测量程序没有做自检",))


def test_every_build_that_is_shown_needs_a_selftest_of_its_own() -> None:
    exports = [MadeUp(experiment="arena").export(), _of_build(LATER)]
    found = standing(exports, GOOD, ())
    assert (found.word, found.reasons) == ("no", ("1 个实验所在的那次测量没有自检",))
    assert standing(exports, GOOD | {LATER: GOOD[BUILD]}, ()).word == "yes"


def test_one_failed_selftest_among_the_builds_spoils_all(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = Export.model_construct(rows=[], experiment="blind")

    def checks(export: Export) -> list[Check]:
        return [Check(title="睡 20 毫秒", expected="", seen="", passed=export is not blind)]

    monkeypatch.setattr(quotable, "checks", checks)
    exports = [MadeUp(experiment="arena").export(), _of_build(LATER)]
    found = standing(exports, {BUILD: blind, LATER: GOOD[BUILD]}, ())
    assert (found.word, found.reasons) == ("no", ("测量程序的自检没有通过：睡 20 毫秒",))


def test_draft_needs_no_selftest_beside_the_builds_that_have_one() -> None:
    draft = MadeUp(experiment="container", profile="quick").export()
    drafted = draft.model_copy(update={"build": draft.build.model_copy(update={"id": LATER})})
    found = standing([MadeUp(experiment="arena").export(), drafted], GOOD, ())
    assert found.reasons == ("1 个实验只是草稿",)


@pytest.mark.parametrize("noisy", [{"busy": True}, {"noise_floor": 0.11}])
def test_noise_in_most_groups_spoils_the_build(noisy: dict[str, bool | float]) -> None:
    assert standing([MadeUp(experiment="arena", **noisy).export()], GOOD, ()).word == "no"  # type: ignore[arg-type]


def test_noise_in_few_groups_is_an_exception() -> None:
    quiet = [MadeUp(experiment=name).export() for name in ("arena", "recommended", "memory_pattern")]
    found = standing([*quiet, MadeUp(experiment="log_severity", busy=True).export()], GOOD, ())
    assert found.word == "except"
    assert "有 1 组受扰" in found.reasons[0]
