"""Finding the results of one build: by its id among the stored ones, or as a folder of downloaded files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bench.experiments import EXPERIMENTS
from bench.results import store
from bench.results.plausible import Implausible, check_export, complaint
from bench.results.published import Export
from bench.results.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.system.folders import Folders


class NoSuchBuild(Exception):
    """The message says, in one sentence, what was looked for and not found."""


def load(name: str, folders: Folders) -> list[Export]:
    """Everything that one build measured; the beginning of its id will do. Raises NoSuchBuild."""
    if not name:
        raise NoSuchBuild("缺构建编号：看 build/results")
    folder = Path(name)
    found = list(_downloaded(folder) if folder.is_dir() else _stored(name, folders.results))
    if not found:
        where = "这个文件夹里没有导出的结果文件" if folder.is_dir() else "没有这个编号的完整结果"
        raise NoSuchBuild(f"{name}：{where}")
    return found


def _downloaded(folder: Path) -> Iterator[Export]:
    """`<experiment>.json` of a site's `data/`; other JSON files are not results."""
    for experiment in EXPERIMENTS:
        path = folder / f"{experiment}.json"
        if path.exists():
            yield _export(path)


def _export(path: Path) -> Export:
    """One downloaded file. Raises NoSuchBuild when it cannot be believed."""
    if path.stat().st_size > store.MOST_BYTES:
        raise NoSuchBuild(f"{path.name}：文件太大，超过 {store.MOST_BYTES >> 20} MiB")
    try:
        export = Export.model_validate_json(path.read_bytes(), strict=True)
        check_export(export)
    except ValidationError as error:
        raise NoSuchBuild(f"{path.name}：不是这个版本的结果文件（{complaint(error)}）") from error
    except Implausible as broken:
        raise NoSuchBuild(f"{path.name}：{broken}") from broken
    if export.experiment != path.stem:
        raise NoSuchBuild(f"{path.name}：里面是另一个实验的结果")
    return export


def _stored(name: str, results: Path) -> Iterator[Export]:
    build = _whole_id(name, results)
    for experiment in EXPERIMENTS.values():
        path = store.journal_path(results, experiment.id, build)
        if path.exists():
            try:
                journal = store.read(path)
            except store.DamagedJournal as damage:
                raise NoSuchBuild(str(damage)) from damage
            if journal.complete:
                yield summarise(experiment, journal)


def _whole_id(name: str, results: Path) -> str:
    """The only id that begins like this. Raises NoSuchBuild where there are several."""
    known = {path.stem for experiment in EXPERIMENTS for path in store.journals(results, experiment)}
    found = sorted(one for one in known if one.startswith(name))
    if len(found) > 1 and name not in known:
        raise NoSuchBuild(f"{name}：这样开头的构建不止一个：{'、'.join(found)}")
    return found[0] if len(found) == 1 else name
