"""The option tables hold what the installed ONNX Runtime offers, and what they say of it can be shown."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.experiments import EXPERIMENTS
from bench.facts import options
from bench.facts.options import IRRELEVANT, OPTIONS, TRAPS, BadTable, Option, Trap
from bench.site import publish

if TYPE_CHECKING:
    from collections.abc import Iterator

import numpy as np

DEMONSTRATIONS = {
    name: script
    for script in sorted(Path(__file__).parent.glob("show_*.py"))
    for name in re.findall(r"^def shows_(\w+)", script.read_text(encoding="utf-8"), re.MULTILINE)
}
TIMED = ("boolean_true", "prepacking")
"""Demonstrations that time something."""
ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="读 /proc 和 Linux 的 wheel")
STRING = re.compile(rb"(?<=\x00)[a-zA-Z_.0-9]{5,90}(?=\x00)")
KEY = re.compile(r"(session|memory|optimization|mlas|ep)\.[a-z0-9_.]*[a-z0-9_]|gpu_graph_id|disable_sync\w+")
VARIABLE = re.compile(r"ORT_[A-Z0-9_]+|ALLOW_[A-Z_]+_ONLY")
INLINED = 16
"""The compiler may put the ends of a short string into instructions; so much of its beginning stays whole."""


def _names(*tables: str) -> set[str]:
    return {option.name for table in tables for option in OPTIONS[table]}


def _irrelevant(table: str) -> set[str]:
    return {name for names in IRRELEVANT[table].values() for name in names}


@pytest.fixture(scope="module")
def installed() -> dict[str, Any]:
    return options.read_installed()


@pytest.fixture(scope="module")
def libraries() -> bytes:
    content = b"".join(path.read_bytes() for path in (_package() / "capi").glob("*.so"))
    assert content
    return content


def _package() -> Path:
    found = find_spec("onnxruntime")
    assert found
    assert found.origin
    return Path(found.origin).parent


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models that the demonstrations ask for."""
    folder = tmp_path_factory.mktemp("models")
    proto = helper.make_model(_two_branches(), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(proto, folder / "model.onnx")
    helper.set_model_props(proto, {"ort_config": '{"session_options": {"intra_op_num_threads": 3}}'})
    onnx.save(proto, folder / "config.onnx")
    return folder


def _two_branches() -> onnx.GraphProto:
    """Nodes that could run side by side, and one that folds to a constant."""
    random = np.random.default_rng(0)
    weights = {name: np.ones(64, np.float32) for name in ("one", "two")}
    nodes: list[tuple[str, list[str], str]] = []
    for branch in "ab":
        for step, (last, name) in enumerate(pairwise(["x", *(f"s{branch}{step}" for step in range(3))])):
            weights[f"w{branch}{step}"] = random.standard_normal((64, 64), dtype=np.float32)
            nodes.append(("MatMul", [last, f"w{branch}{step}"], f"m{name}"))
            nodes.append(("Sigmoid", [f"m{name}"], name))
    nodes += [
        ("Add", ["one", "two"], "three"),
        ("Add", ["sa2", "sb2"], "both"),
        ("Add", ["both", "three"], "z"),
    ]
    made = [helper.make_node(kind, given, [out], name=f"makes_{out}") for kind, given, out in nodes]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 64]) for name in "xz"]
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    return helper.make_graph(made, "branches", ends[:1], ends[1:], constants)


@pytest.mark.parametrize("table", ["session", "run"])
def test_table_has_every_attribute_and_method_and_no_other(installed: dict[str, Any], table: str) -> None:
    kinds = {option.name: option.kind for option in OPTIONS[table]}
    attributes = dict.fromkeys(installed[table]["attributes"], "属性")
    assert kinds == attributes | dict.fromkeys(installed[table]["methods"], "方法")
    assert not [option.name for option in OPTIONS[table] if option.default], "defaults are read, not typed"


@ONLY_LINUX
@pytest.mark.parametrize(
    ("name", "tables", "irrelevant", "least"),
    [(KEY, ("keys", "run_keys"), "keys", 80), (VARIABLE, ("environment",), "environment", 10)],
    ids=["keys", "variables"],
)
def test_everything_in_the_library_is_known(
    name: re.Pattern[str], tables: tuple[str, ...], irrelevant: str, least: int, libraries: bytes
) -> None:
    """A key built into instructions is not among the constants of the program."""
    found = {text for one in STRING.findall(libraries) if name.fullmatch(text := one.decode())}
    assert len(found) > least
    assert sorted(found - _names(*tables) - _irrelevant(irrelevant)) == []


@ONLY_LINUX
@pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 的 wheel 里没有 Arm64 的键")
def test_keys_and_variables_of_the_tables_are_in_the_library(libraries: bytes) -> None:
    """Or the row says for which machines they are."""
    for option in (*OPTIONS["keys"], *OPTIONS["run_keys"], *OPTIONS["environment"]):
        ours = option.kind in ("会话配置键", "推理配置键") or (
            option.kind == "变量" and option.name.startswith("ORT_")
        )
        if ours and option.name[:INLINED].encode() not in libraries:
            assert "Arm64" in option.trap, option.name


def test_tables_agree_with_each_other_and_with_the_experiments() -> None:
    names = [name for table in OPTIONS for name in _names(table) if table not in ("session", "run")]
    names += [name for table in IRRELEVANT for name in _irrelevant(table)]
    assert len(names) == len(set(names)), "both listed and irrelevant, or twice in two tables"
    for table, rows in OPTIONS.items():
        assert len(rows) == len(_names(table)), table
    assert len({trap.id for trap in TRAPS}) == len(TRAPS)
    for option in (row for table in ("keys", "run_keys", "environment") for row in OPTIONS[table]):
        assert option.default.startswith(('"', "不设", "没有核实")), option.name
    named = {row.experiment for row in (*TRAPS, *(row for rows in OPTIONS.values() for row in rows))} - {""}
    assert named
    assert named <= set(EXPERIMENTS)
    shown = {trap.id.replace("-", "_") for trap in TRAPS if trap.shown}
    assert shown <= set(DEMONSTRATIONS)
    assert {trap.id for trap in TRAPS if not trap.shown} == {"telemetry"}


ROW = {"name": "n", "kind": "属性", "topic": "other", "does": "d", "since": "≤1.16", "sources": ["local"]}


WRONG = ({"defualt": "1"}, {"topic": "weather"}, {"sources": []}, {"sources": ["hearsay"]}, {"trap": ""})


def test_row_that_cannot_be_right_is_refused() -> None:
    assert options.record(Option, ROW).name == "n"
    for change in WRONG:
        with pytest.raises(BadTable):
            options.record(Option, ROW | change)
    with pytest.raises(BadTable, match="remedy"):
        options.record(Trap, {"id": "i", "belief": "b", "fact": "f", "sources": ["local"]})


@ONLY_LINUX
@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.alone if one in TIMED else ()) for one in DEMONSTRATIONS]
)
def test_the_installed_library_behaves_as_the_pages_say(name: str, models: Path) -> None:
    done = _child(str(DEMONSTRATIONS[name]), name, str(models), TMPDIR=str(models))
    assert done.returncode == 0, done.stderr[-2000:]


def test_library_is_asked_again_only_when_it_or_the_script_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: dict[str, Any]
) -> None:
    asked: list[str] = []

    def read() -> dict[str, Any]:
        asked.append("once more")
        return installed

    monkeypatch.setattr(publish, "read_installed", read)
    for _ in range(2):
        publish._write_options(tmp_path)
    assert len(asked) == 1
    assert json.loads((tmp_path / "data" / "options.json").read_text(encoding="utf-8")) == installed
    monkeypatch.setattr(publish, "installed_stamp", lambda: "another version")
    publish._write_options(tmp_path)
    assert len(asked) == 2


@ONLY_LINUX
def test_no_file_is_left_when_telemetry_is_off(tmp_path: Path) -> None:
    done = _child("-c", "import onnxruntime", HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert list(_files(tmp_path)) == []


@ONLY_LINUX
def test_import_lives_where_there_is_neither_a_shell_nor_a_machine_id(tmp_path: Path) -> None:
    """As in a distroless image, with telemetry on: 1.29.0 crashed. Cut off from the network."""
    apart = ["unshare", "--map-root-user", "--mount", "--net"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("不能另建命名空间")
    (tmp_path / "empty").touch()
    without = f"""
        for file in /bin/sh /usr/bin/sh; do mount --bind /dev/null "$file"; done
        [ ! -e /etc/machine-id ] || mount --bind {tmp_path}/empty /etc/machine-id
        exec {sys.executable} -Es -c 'import onnxruntime'
    """
    bare = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [*apart, "sh", "-ec", without], env=bare, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in _files(tmp_path / ".cache")} >= {"deviceid", "onnxruntime.db"}


def test_the_source_that_is_said_to_come_with_the_package_does() -> None:
    assert "ORT_DISABLE_TELEMETRY" in (_package() / "Privacy.md").read_text(encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _child(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Python without the variables that would change what is shown."""
    foreign = ("ORT_", "OMP_", "ALLOW_RELEASED_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return subprocess.run(
        [sys.executable, "-Es", *arguments],  # not -I: a script needs what stands beside it
        env={**clean, "ORT_DISABLE_TELEMETRY": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
