"""The option tables hold what the installed ONNX Runtime offers, and what they say of it can be shown."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.experiments import EXPERIMENTS
from bench.facts import options
from bench.facts.options import IRRELEVANT, OPTIONS, TRAPS, BadTable, Option, Trap
from bench.facts.shown import DEMONSTRATIONS, SCRIPT
from bench.site import publish

PACKAGE = Path(find_spec("onnxruntime").origin).parent
TIMED = ("boolean_true", "prepacking")
ALL = [pytest.param(one, marks=pytest.mark.alone if one in TIMED else ()) for one in DEMONSTRATIONS]
ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="读 /proc 和 Linux 的 wheel")
STRING = re.compile(rb"(?<=\x00)[a-zA-Z_.0-9]{5,90}(?=\x00)")
KEY = re.compile(r"(session|memory|optimization|mlas|ep)\.[a-z0-9_.]*[a-z0-9_]|gpu_graph_id|disable_sync\w+")
VARIABLE = re.compile(r"ORT_[A-Z0-9_]+|ALLOW_[A-Z_]+_ONLY")
WRONG = [("defualt", "1"), ("topic", "weather"), ("sources", []), ("sources", ["hearsay"]), ("trap", "")]
NAMES = [(KEY, ("keys", "run_keys"), 80), (VARIABLE, ("environment",), 10)]
INLINED = 16
"""The compiler may put the ends of a short string into instructions; so much of its beginning stays whole."""


def _names(*tables: str) -> set[str]:
    return {option.name for table in tables for option in OPTIONS[table]}


def _irrelevant(table: str) -> set[str]:
    return {name for names in IRRELEVANT[table].values() for name in names}


@cache
def _libraries() -> bytes:
    return b"".join(path.read_bytes() for path in PACKAGE.joinpath("capi").glob("*.so"))


@pytest.mark.parametrize("table", ["session", "run"])
def test_table_has_every_attribute_and_method_and_no_other(table: str) -> None:
    installed = options.read_installed()[table]
    kinds = {option.name: option.kind for option in OPTIONS[table]}
    methods = dict.fromkeys(installed["methods"], "方法")
    assert kinds == dict.fromkeys(installed["attributes"], "属性") | methods
    assert not [option.name for option in OPTIONS[table] if option.default], "defaults are read, not typed"


@ONLY_LINUX
@pytest.mark.parametrize(("name", "tables", "least"), NAMES)
def test_everything_in_the_library_is_known(
    name: re.Pattern[str], tables: tuple[str, ...], least: int
) -> None:
    """A key built into instructions is not among the constants of the program."""
    found = {text for one in STRING.findall(_libraries()) if name.fullmatch(text := one.decode())}
    assert len(found) > least
    assert sorted(found - _names(*tables) - _irrelevant(tables[0])) == []


@ONLY_LINUX
@pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 的 wheel 里没有 Arm64 的键")
def test_keys_and_variables_of_the_tables_are_in_the_library() -> None:
    """Or the row says for which machines they are."""
    for option in (*OPTIONS["keys"], *OPTIONS["run_keys"], *OPTIONS["environment"]):
        variable = option.kind == "变量" and option.name.startswith("ORT_")
        ours = variable or option.kind in ("会话配置键", "推理配置键")
        if ours and option.name[:INLINED].encode() not in _libraries():
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
    assert shown <= {one for name in DEMONSTRATIONS for one in name.split("__")}
    assert {trap.id for trap in TRAPS if not trap.shown} == {"telemetry"}


def test_row_that_cannot_be_right_is_refused() -> None:
    row = {"name": "n", "kind": "属性", "topic": "other", "does": "d", "since": "≤1.16", "sources": ["local"]}
    assert options.record(Option, row).name == "n"
    for name, value in WRONG:
        with pytest.raises(BadTable):
            options.record(Option, row | {name: value})
    with pytest.raises(BadTable, match="remedy"):
        options.record(Trap, {"id": "i", "belief": "b", "fact": "f", "sources": ["local"]})


@ONLY_LINUX
@pytest.mark.parametrize("name", ALL)
def test_the_installed_library_behaves_as_the_pages_say(name: str, tmp_path: Path) -> None:
    if name.startswith("denormal") and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("只在 x86 上成立")
    done = _child(str(SCRIPT), DEMONSTRATIONS[name].module, f"shows_{name}", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]


def test_library_is_asked_again_only_when_it_or_the_script_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(publish, "read_installed", lambda: asked.append(1) or options.read_installed())
    for stamp in ("version", "version", "another version"):
        monkeypatch.setattr(publish, "installed_stamp", lambda stamp=stamp: stamp)
        publish._write_options(tmp_path)
        written = (tmp_path / "data" / "options.json").read_text(encoding="utf-8")
        assert json.loads(written) == options.read_installed()
        assert len(asked) == (1 if stamp == "version" else 2)


@ONLY_LINUX
def test_no_file_is_left_when_telemetry_is_off(tmp_path: Path) -> None:
    done = _child("-c", "import onnxruntime", HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "ORT_DISABLE_TELEMETRY" in (PACKAGE / "Privacy.md").read_text(encoding="utf-8"), "as sources say"


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
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    command = [*apart, "sh", "-ec", without]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"deviceid", "onnxruntime.db"} <= {path.name for path in tmp_path.joinpath(".cache").rglob("*")}


def _child(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Python without the variables that would change what is shown; not -I: a script needs what stands beside it."""
    foreign = ("ORT_", "OMP_", "ALLOW_RELEASED_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    env = {**clean, "ORT_DISABLE_TELEMETRY": "1", **env}
    command = [sys.executable, "-Es", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)
