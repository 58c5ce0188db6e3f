"""One file per question, found by convention: every module here but those that begin with `_` has an `EXPERIMENT`."""

from __future__ import annotations

import importlib
import pkgutil
import re
import traceback
from pathlib import Path

from bench.spec import ID, Experiment

SOURCES = Path(__file__).parent
ID_SAID = "小写字母、数字和下划线，最多 64 个"


class _Broken(Exception):
    """A file without a usable experiment; the message says what is wrong with it."""


def where(name: str) -> str:
    """The file of an experiment, as a reader finds it."""
    return f"{SOURCES.parent.name}/{SOURCES.name}/{name}.py"


def _read(name: str) -> Experiment:
    if not re.fullmatch(ID, name):
        raise _Broken(f"文件名是实验的 id，只能用{ID_SAID}")
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except SyntaxError as error:
        file = Path(error.filename or "").name
        raise _Broken(f"{file} 第 {error.lineno} 行写法不对：{error.msg}") from error
    except (Exception, SystemExit) as error:
        passed = traceback.extract_tb(error.__traceback__)
        lines = [f"，第 {one.lineno} 行" for one in passed if one.filename == str(SOURCES / f"{name}.py")]
        raise _Broken(f"读不进来{''.join(lines[-1:])}：{type(error).__name__}: {error}") from error
    found = getattr(module, "EXPERIMENT", None)
    if not isinstance(found, Experiment):
        raise _Broken("缺 EXPERIMENT = Experiment(...)；不是实验的文件，名字以 _ 开头")
    if found.id != name:
        raise _Broken(f"id 是“{found.id}”，要与文件名相同：“{name}”")
    return found


def _discover() -> tuple[dict[str, Experiment], dict[str, str]]:
    found, broken = {}, {}
    for name in sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name[0] != "_"):
        try:
            found[name] = _read(name)
        except _Broken as fault:
            broken[name] = f"{where(name)}：{fault}"
    return found, broken


EXPERIMENTS, BROKEN = _discover()
"""Experiments by id; and, by name, what is wrong with the files that hold none: they must not break the others."""
OF_A_BUILD = tuple(name for name, one in EXPERIMENTS.items() if not one.apart)
"""Ids of those that a build measures."""
