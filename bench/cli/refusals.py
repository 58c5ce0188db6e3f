"""What a command cannot do, or must not, in one sentence each; a case that failed is no reason to stop, but to tell."""

from __future__ import annotations

import errno
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.cli.console import complain
from bench.experiments import BROKEN, EXPERIMENTS
from bench.measure import sound
from bench.measure.campaign import CannotMeasure, Here
from bench.models import ModelError
from bench.subjects import SUBJECTS
from bench.system.folders import BUILD_VARIABLE, Folders

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from bench.results.store import Journal

HARMLESS = ("out_of_memory", "not_applicable", "expected")
"""Failures that say something of the machine, or what a case is there to show."""
CASE_FAILED = 3
"""Exit status when everything was done but a case failed."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No room on the disk, in our share of it, or in a file of ours."""
UNWRITABLE = (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
MAKE_ROOM = "腾出空间后再运行一次"


class Refused(Exception):
    """A command could not do its work; the message is one sentence for the user."""


@contextmanager
def working(full: str = MAKE_ROOM) -> Iterator[Folders]:
    """The folders to work in. What can go wrong outside our code becomes one sentence; `full`: what to do then."""
    folders = Folders.here()
    try:
        folders.lock.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(_unwritable(folders.lock.parent)) from error
    try:
        yield folders
    except (CannotMeasure, ModelError) as error:
        raise Refused(str(error)) from error
    except OSError as error:
        if error.errno in FULL:
            raise Refused(f"磁盘已满：{full}") from error
        if error.errno in UNWRITABLE:
            raise Refused(_unwritable(error.filename or folders.lock.parent)) from error
        raise


def _unwritable(path: str | Path) -> str:
    return f"不能写入 {path}：请检查权限，或用环境变量 {BUILD_VARIABLE} 把结果放到别处"


def faults(ids: Iterable[str] = ()) -> dict[str, list[str]]:
    """Experiments that cannot be measured, and what is wrong with them; without ids, of all that there are."""
    machine = Here.read().asked()
    found = {
        name: [BROKEN[name]] if name in BROKEN else sound.everywhere(EXPERIMENTS[name], machine)
        for name in tuple(ids) or sorted({*EXPERIMENTS, *BROKEN})
    }
    return {name: sentences for name, sentences in found.items() if sentences}


def refuse_faulty(ids: Iterable[str] = ()) -> None:
    """Before anything is done with experiments: a fault that shows later would cost what was measured."""
    if found := faults(ids):
        raise Refused("\n".join(sentence for sentences in found.values() for sentence in sentences))


def tell_failures(journals: Iterable[Journal], harmless: Collection[str] = HARMLESS) -> None:
    """Failed cases are data: everything else is there, but the status says that something is wrong."""
    told = [sentence for journal in journals for sentence in failures(journal, harmless)]
    for sentence in told:
        complain(f"失败：{sentence}")
    if told:
        sys.exit(CASE_FAILED)


def failures(journal: Journal, harmless: Collection[str] = HARMLESS) -> list[str]:
    """One sentence for each case that failed and must not, with all the places where it did for the same reason."""
    groups = {group.index: f"{group.model} {group.input}" for group in journal.header.groups}
    found = [("验证设置", record.case, record.failure) for record in journal.untimed]
    found += [(groups[sample.group], sample.case, sample.failure) for sample in journal.samples]
    found += [(SUBJECTS[record.subject], record.case, record.failure) for record in journal.reports]
    places: dict[tuple[str, str], dict[str, None]] = {}
    for place, case, failure in found:
        if failure and failure.kind not in harmless:
            places.setdefault((case, failure.reason), {})[place] = None
    return [
        f"{journal.header.experiment} / {case}（{'、'.join(where)}）：{reason}"
        for (case, reason), where in places.items()
    ]
