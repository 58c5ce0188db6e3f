"""What a running process shows from outside: pools, spinning, pinning, forks, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from trees import LIBRARY, MIB, V2, doctor, ids, lay, notes, process, surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Threads = dict[int, tuple[int, int, str]]
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


def pool(first: int, count: int, *, started: int = 50, mask: str = "", spent: int = 0) -> Threads:
    """Made one right after the other; pinned to a core each unless `mask` says where they may run."""
    return {first + at: (started + at // 4, spent, mask or str(1 + at)) for at in range(count)}


def watched(root: Path, threads: Threads, burnt: Mapping[int, int] | None = None, **more: Any) -> Any:
    """Process 100 on eight cores, and what its threads burn (in ticks) while it is watched."""
    allowed = more.setdefault("allowed", "0-7")
    whole = {100: (10, 500, allowed), **threads}
    lay(root, surroundings() | process(100, whole, environ=QUIET | more.pop("variables", {}), **more))
    later = {tid: (at, spent + (burnt or {}).get(tid, 0), mask) for tid, (at, spent, mask) in whole.items()}

    def sleep(_: float) -> None:
        files = process(100, later, allowed=allowed)
        lay(root, {name: text for name, text in files.items() if name.endswith("/stat")})

    unread: list[Any] = []
    found = doctor.linux_process(root, 100, 0.0, sleep, unread)
    found.seconds = 1.0
    machine = doctor.linux_machine(root, "100")
    return doctor.Look(machine, found, environ=found.environ, version=(1, 32, 0), unread=unread)


def test_a_healthy_service_has_nothing(tmp_path: Path) -> None:
    threads = {101: (20, 0, "0-7"), 102: (30, 5, "0-7"), **pool(110, 7)}
    look = watched(tmp_path, threads, {100: 80, 110: 70, 111: 70})
    assert ids(look) == []
    told = doctor.facts(look, 0)
    assert (told["threads"], told["pools"]) == (10, "7 个（各绑一核）")
    assert (told["rss_mib"], told["heap_mib"], told["process"]) == (100, 60, "100 python serve.py")


def test_a_pool_that_is_larger_than_its_share(tmp_path: Path) -> None:
    assert ids(watched(tmp_path / "large", pool(110, 7, mask="0,1"), allowed="0,1")) == ["threads_pool"]
    assert ids(watched(tmp_path / "right", pool(110, 1, mask="0,1"), allowed="0,1")) == []


def test_pools_of_several_sessions_add_up(tmp_path: Path) -> None:
    five = {tid: one for at in range(5) for tid, one in pool(110 + 10 * at, 3, started=50 + 9 * at).items()}
    look = watched(tmp_path / "five", five)
    assert ids(look) == ["pools_many"]
    assert dict(doctor.judged(look))["pools_many"] == {"pools": 5, "workers": 15, "usable": 8}
    assert ids(watched(tmp_path / "two", pool(110, 3) | pool(120, 3, started=90))) == []


def test_workers_that_burn_alone_spin(tmp_path: Path) -> None:
    burnt = dict.fromkeys(range(110, 117), 40) | {100: 10}
    found = dict(doctor.judged(watched(tmp_path, pool(110, 7), burnt)))
    assert found["spinning"]["workers"] == 7
    assert found["spinning"]["burnt"] == pytest.approx(2.8)
    assert found["spinning"]["others"] == pytest.approx(0.1)


def test_threads_that_nobody_pinned_may_be_anybodys(tmp_path: Path) -> None:
    """Callers that share a session burn like this, too."""
    look = watched(tmp_path, pool(110, 4, mask="0-7"), dict.fromkeys(range(110, 114), 90))
    assert (ids(look), notes(look)) == ([], ["group_busy", "layer_norm_version"])


def test_workers_outside_the_mask(tmp_path: Path) -> None:
    look = watched(tmp_path, pool(110, 1, mask="5"), allowed="0-3")
    assert dict(doctor.judged(look))["pinned_outside"] == {"workers": 1, "cpus": "5", "allowed": "0,1,2,3"}


def test_threads_of_numpy_are_no_pool(tmp_path: Path) -> None:
    two = {"libraries": (LIBRARY, "/venv/numpy.libs/libscipy_openblas64_.so"), "allowed": "0-3"}
    assert ids(watched(tmp_path, pool(110, 3, mask="0-3"), **two)) == []
    look = watched(tmp_path, pool(110, 3, mask="0-3") | pool(120, 3, started=90, mask="0-3"), **two)
    assert doctor.facts(look, 0)["pools"] == "3 个"


def test_a_quota_that_ran_out_while_it_was_watched(tmp_path: Path) -> None:
    group = {"proc/100/cgroup": "0::/\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": "50000 100000"}
    lay(tmp_path, surroundings() | process(100, {100: (10, 0, "0-7")}, environ=QUIET) | group)
    lay(tmp_path, {"sys/fs/cgroup/cpu.stat": "nr_periods 7\nnr_throttled 2"})

    def sleep(_: float) -> None:
        lay(tmp_path, {"sys/fs/cgroup/cpu.stat": "nr_periods 17\nnr_throttled 9"})

    found = doctor.linux_process(tmp_path, 100, 0.0, sleep, [])
    look = doctor.Look(doctor.linux_machine(tmp_path, "100"), found)
    assert dict(doctor.judged(look)) == {"throttled": {"periods": 10, "throttled": 7, "quota": 0.5}}


def test_memory_near_the_limit_or_on_the_disk(tmp_path: Path) -> None:
    look = watched(tmp_path, {}, peak_mib=480, swap_mib=100)
    look.machine.limit = 512 * MIB
    assert ids(look) == ["near_limit", "swapped"]


FORKED = pool(60, 3, started=40)


@pytest.mark.parametrize(
    ("parents", "address", "own", "said"),
    [
        (FORKED, "7f0000000000", {}, ["forked"]),
        (FORKED, "7f0000000000", pool(110, 3, started=500), []),  # it has made a session of its own
        (FORKED, "7e0000000000", {}, []),  # a program of its own, started by the parent
        (pool(60, 3, started=400), "7f0000000000", {}, []),  # the parent made its session afterwards
    ],
    ids=["forked", "own session", "exec", "before"],
)
def test_a_fork_of_a_process_that_had_a_session(
    tmp_path: Path, parents: Threads, address: str, own: Threads, said: list[str]
) -> None:
    lay(tmp_path, process(50, {50: (5, 0, "0-7"), **parents}, address=address))
    threads = {100: (100, 0, "0-7"), **own}
    lay(tmp_path, surroundings() | process(100, threads, parent=50, environ=QUIET))
    found = doctor.linux_process(tmp_path, 100, 0.0, lambda _: None, [])
    look = doctor.Look(doctor.linux_machine(tmp_path, "100"), found)
    assert ids(look) == said
    assert ("forked_ok" in notes(look)) == (own != {})


def test_an_openmp_variable_may_be_for_another_library(tmp_path: Path) -> None:
    variables = {"OMP_NUM_THREADS": "2"}
    assert ids(watched(tmp_path, {}, variables=variables)) == ["variable_openmp"]
    look = watched(tmp_path, {}, variables=variables, libraries=(LIBRARY, "/usr/lib/libgomp.so.1"))
    assert (ids(look), notes(look)[0]) == ([], "openmp_used")


def test_the_version_is_that_of_what_is_loaded(tmp_path: Path) -> None:
    about = "proc/100/root/venv/lib/python3.11/site-packages/onnxruntime-1.26.0.dist-info/METADATA"
    lay(tmp_path, surroundings() | process(100, {100: (10, 0, "0-7")}) | {about: ""})
    assert doctor.linux_process(tmp_path, 100, 0.0, lambda _: None, []).version == (1, 26, 0)
    lay(tmp_path, process(100, {100: (10, 0, "0-7")}, libraries=("/opt/libonnxruntime.so.1.20.1",)))
    assert doctor.linux_process(tmp_path, 100, 0.0, lambda _: None, []).version == (1, 20, 1)


def test_threads_of_a_process_without_onnxruntime_are_nobodys_pool(tmp_path: Path) -> None:
    """Process 1 is often a shell, and any server has threads: it is said which processes are meant."""
    lay(tmp_path, process(200, {200: (10, 0, "0-7")}))
    look = watched(tmp_path, pool(110, 20, mask="0-7"), libraries=("/lib/libc.so.6",))
    assert ids(look) == []
    assert look.unread == [("not_loaded", {"pid": 100, "others": ["200"]})]
    assert "200" in "\n".join(doctor.as_text(look, doctor.judged(look), 0))


def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    lay(tmp_path, surroundings() | process(100, {100: (10, 0, "0-7")}))
    for name in ("environ", "maps", "smaps"):
        (tmp_path / "proc/100" / name).unlink()
    unread: list[Any] = []
    found = doctor.linux_process(tmp_path, 100, 0.0, lambda _: None, unread)
    assert [word for word, _ in unread] == ["no_maps", "no_environ", "no_smaps"]
    look = doctor.Look(doctor.linux_machine(tmp_path, "100"), found, unread=unread)
    assert "没读到" in "\n".join(doctor.as_text(look, doctor.judged(look), 0))
    with pytest.raises(doctor.CannotLook):
        doctor.linux_process(tmp_path, 7, 0.0, lambda _: None, [])
