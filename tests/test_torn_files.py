"""After a power failure: files cut short, empty, or with blocks of zeros. None of them is taken for a whole one.

Journals cut at any byte are in `results/test_store.py`, models and their inputs in `models/test_prepared.py`, the
end of a journal as the command line meets it in `test_faults.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored import keep

from bench.experiments import EXPERIMENTS
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.results import store
from bench.results.store import DamagedJournal
from bench.site import publish
from bench.spec import BASELINE, CONTROL
from bench.system.folders import Folders, sweep_scratch, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import Make

    Damage = Callable[[bytes], bytes]

pytestmark = pytest.mark.slow
THREADS = EXPERIMENTS["intra_op_num_threads"]
DAMAGES: dict[str, Damage] = {
    "empty": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "all but the last byte": lambda content: content[:-1],
    "all zeros": lambda content: bytes(len(content)),
    "zeros in the middle": lambda content: _zeros(content, len(content) // 2),
    "zeros at the end": lambda content: _zeros(content, max(0, len(content) - 512)),
    "zeros behind the end": lambda content: content + bytes(512),
}


def _zeros(content: bytes, start: int) -> bytes:
    return content[:start] + bytes(len(content[start : start + 512])) + content[start + 512 :]


@pytest.fixture(scope="module")
def here() -> Here:
    return Here.read()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, make: Make, here: Here) -> Folders:
    """A valid result, exported."""
    folders, key = Folders.below(tmp_path_factory.mktemp("stored")), here.key(THREADS, PROFILES["default"])
    rounds = [[(case, {"latency_ns": 10_000_000}) for case in (BASELINE, CONTROL, "1", "2")]] * 3
    keep(folders.results, make.journal(rounds, experiment=THREADS.id, key=key))
    publish.publish(here, folders, pytest.fail)
    return folders


def test_journal(tmp_path: Path, stored: Folders) -> None:
    """It is refused, or it is a beginning of itself that says that it is not complete."""
    (path,) = store.journals(stored.results, THREADS.id)
    full, torn = store.read(path), store.journal_path(tmp_path, THREADS.id, path.stem)
    torn.parent.mkdir()
    for what, damage in DAMAGES.items():
        torn.write_bytes(damage(path.read_bytes()))
        try:
            found = store.read(torn)
        except DamagedJournal:
            continue
        assert found.samples == full.samples[: len(found.samples)], what
        assert found.complete is torn.read_bytes().startswith(path.read_bytes()), what


def test_every_exported_file_is_made_again(stored: Folders, here: Here) -> None:
    """Data, charts, the script that draws, the machine, the options, the status, the stamps; and one beside whole stamps."""
    before = {path: path.read_bytes() for path in stored.export.rglob("*") if path.is_file()}
    assert len(before) > 8
    damages = list(DAMAGES.values())[:-1]  # what is whole and longer is still whole
    for number, (path, content) in enumerate(before.items()):
        path.write_bytes(damages[number % len(damages)](content))
    publish.publish(here, stored, pytest.fail)
    assert {path: path.read_bytes() for path in stored.export.rglob("*") if path.is_file()} == before
    table = stored.export / "data" / f"{THREADS.id}.csv"
    for what, damage in DAMAGES.items():
        table.write_bytes(damage(before[table]))
        publish.publish(here, stored, pytest.fail)
        assert table.read_bytes() == before[table], what


def test_failed_or_killed_write_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path, living = tmp_path / "a.json", tmp_path / ".b.json.1.new"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert [(found, found.read_text()) for found in tmp_path.iterdir()] == [(path, "old")]
    for scratch in (living, tmp_path / ".a.json.999999999.new"):
        scratch.touch()
    sweep_scratch(tmp_path)
    assert set(tmp_path.iterdir()) == {path, living}
