"""What others send: a good file says what it holds, every kind of bad one is refused with its reason."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from bundles import BUILD, EPYC, export, packed, seen, unpacked

from bench.results import bundle, machine_names
from bench.results.bundle import BadBundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import Make

Change = Any


@pytest.fixture(scope="module")
def good(make: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    name, content = packed(make, tmp_path_factory.mktemp("seen"))
    return name, json.loads(gzip.decompress(content))


def _packed(found: Any) -> bytes:
    return gzip.compress(json.dumps(found).encode())


def test_a_file_is_small_named_after_the_machine_and_without_what_is_private(
    make: Make, tmp_path: Path, good: tuple[str, Any]
) -> None:
    name, found = good
    assert name.startswith("amd-epyc-9b14-96-core-2-linux-")
    (tmp_path / name).write_bytes(_packed(found))
    read = bundle.read(tmp_path / name)
    assert (read.machine["kernel"], read.votes) == ("6.1.0", True)
    assert [(one.experiment, one.reports, one.traces) for one in read.exports] == [("toys", [], [])]
    assert len(packed(make, tmp_path)[1]) < bundle.MOST_BYTES
    assert packed(make, tmp_path)[0] == name, (
        "another build of the same machine takes the place of the older one"
    )


def test_a_noisy_machine_is_shown_and_has_no_vote(make: Make, tmp_path: Path) -> None:
    found = unpacked(make, tmp_path)
    noisy = [one.model_copy(update={"noisy": True}) for one in found.exports[0].groups]
    whole = found.exports[0].model_copy(update={"groups": noisy})
    assert not found.model_copy(update={"exports": [whole]}).votes


def _at(*way: str | int, value: Any) -> Change:
    def change(found: Any) -> None:
        for step in way[:-1]:
            found = found[step]
        found[way[-1]] = value

    return change


def _all_rows(metric: str, **changes: Any) -> Change:
    def change(found: Any) -> None:
        for row in found["exports"][0]["rows"]:
            if row["metric"] == metric and row["case"] == "one":
                row.update(changes)

    return change


EXPORT, MACHINE = ("exports", 0), ("exports", 0, "machine")
KINDS: dict[str, tuple[Change, str]] = {
    "forged": (_all_rows("ratio", verdict="faster"), "实验 toys：结论与区间矛盾"),
    "implausible": (_all_rows("peak_mib", value=1.0, low=None, high=None), "实验 toys：内存峰值小于留下的内存"),
    "foreign": (lambda found: found.update(kind="something else"), "不是本项目的结果包"),
    "older": (_at(*EXPORT, "schema_version", value=6), "的格式，与现在的不同：请用现在的代码再测一遍"),
    "draft": (lambda found: (_at(*EXPORT, "build", "profile", value="quick")(found), [r.update(verdict=None) for r in found["exports"][0]["rows"]],
                             [g.update(verdicts=False) for g in found["exports"][0]["groups"]]), "toys 只是草稿"),
    "untested": (lambda found: found["selftests"].clear(), f"测量 {BUILD} 没有自检"),
    "wrong selftest": (lambda found: found["selftests"].update({BUILD: found["exports"][0]}), "自检的位置上是别的实验"),
    "twice": (lambda found: found["exports"].append(found["exports"][0]), "同一个实验有两份结果"),
    "two machines": (lambda found: found["exports"].append({**found["exports"][0], "experiment": "others", "software": {"onnxruntime": "1.0"},
                     "rows": []}), "几台机器、或几套软件"),
    "surprise": (_at("surprise", value=1), "格式不对（surprise：没有这一项）"),
    "not finite": (_all_rows("ratio", value=float("nan")), "格式不对"),
    "steers a terminal": (_at(*MACHINE, "cpu", value="\x1b[2J某处理器"), "文字里有控制字符：“某处理器”"),
    "turns text around": (_at(*MACHINE, "cpu", value="abc\u202edef"), "文字里有控制字符"),
    "a path": (_at(*MACHINE, "cpu", value="cpu of /home/somebody/x"), "里面有文件夹的路径"),
    "an address": (_at(*MACHINE, "cpu", value="cpu of 192.168.1.20"), "里面有网络地址"),
    "a link": (_at(*EXPORT, "software", "onnxruntime", value="http://x.y"), "里面有网络地址"),
    "a mail": (_at(*MACHINE, "cpu", value="me@example.org"), "里面有邮件地址"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_bad_content_is_refused_with_its_reason(kind: str, good: tuple[str, Any]) -> None:
    change, reason = KINDS[kind]
    found = json.loads(json.dumps(good[1]))
    change(found)
    with pytest.raises(BadBundle) as refused:
        bundle.unpack(_packed(found))
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()


def test_failed_selftest_is_refused_with_what_it_did_not_see(make: Make, tmp_path: Path) -> None:
    failed = seen(make, tmp_path)
    rows = [row.model_copy(update={"value": 30.0, "low": 29.0, "high": 31.0}) if (row.case, row.metric) == ("sleep", "latency_ms") else row for row in failed.rows]  # fmt: skip
    with pytest.raises(BadBundle, match="自检没有通过：睡 20 毫秒"):
        bundle.pack([export(make)], {BUILD: failed.model_copy(update={"rows": rows})})


FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[:-20], "文件不完整"),
    "cut in two": (lambda content: content[: len(content) // 2], "文件不完整"),
    "no gzip": (lambda _: b"{}", "不是 gzip 文件"),
    "not JSON": (lambda _: gzip.compress(b"[1, 2"), "不是完整的 JSON"),
    "a list": (lambda _: gzip.compress(b"[1]"), "不是本项目的结果包"),
    "deep": (lambda _: gzip.compress(b"[" * 200_000), "不是完整的 JSON"),
    "too large": (lambda content: content + bytes(bundle.MOST_BYTES), "文件太大"),
    "a bomb": (lambda _: gzip.compress(bytes(bundle.MOST_UNPACKED + 2), 9), "解开之后太大"),
    "more behind it": (lambda content: content + b"x", "后面多出别的内容"),
    "empty": (lambda _: b"", "文件不完整"),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_bad_file_is_refused_with_its_reason(kind: str, good: tuple[str, Any]) -> None:
    damage, reason = FILES[kind]
    with pytest.raises(BadBundle, match=reason):
        bundle.unpack(damage(_packed(good[1])))


def test_the_name_of_a_file_must_be_that_of_its_machine(tmp_path: Path, good: tuple[str, Any]) -> None:
    name, found = good
    for wrong, reason in (("mine.json.gz", f"应当是 {name}"), ("mine.json", "应当以 .json.gz 结尾")):
        (tmp_path / wrong).write_bytes(_packed(found))
        with pytest.raises(BadBundle, match=reason):
            bundle.read(tmp_path / wrong)
    with pytest.raises(BadBundle, match="读不了"):
        bundle.read(tmp_path / "nowhere.json.gz")


@pytest.mark.parametrize(
    ("machine", "vendor", "system", "name"),
    [
        (EPYC, "AMD", "Linux", "amd-epyc-9b14-96-core-2-linux-"),
        ({"cpu": "Intel(R) Xeon(R) CPU @ 2.20GHz", "cores": 4, "system": "Ubuntu 24.04"}, "Intel", "Linux", "intel-xeon-4-linux-"),
        ({"cpu": "Apple M3", "cores": 8, "system": "Darwin 25.0"}, "Apple", "macOS", "apple-m3-8-macos-"),
        ({"cpu": "Neoverse-N2", "cores": 4, "system": "Windows 11"}, "Arm", "Windows", "neoverse-n2-4-windows-"),
        ({"cpu": "某处理器"}, "其他", "其他", "cpu-0-其他-"),
    ],
)  # fmt: skip
def test_machines_are_told_apart_by_their_facts(machine: Any, vendor: str, system: str, name: str) -> None:
    assert (machine_names.vendor(machine), machine_names.system(machine)) == (vendor, system)
    assert machine_names.file_name(machine).startswith(name)
    assert machine_names.fingerprint(machine) == machine_names.fingerprint({**machine, "kernel": "7"})
    assert machine_names.fingerprint(machine) != machine_names.fingerprint({**machine, "cores": 99})
