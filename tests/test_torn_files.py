"""After a power failure: files cut short, empty, or with blocks of zeros. None of them is taken for a whole one.

The first table lists files, how they come to be and what reads them; the second what became of them.
Journals cut at every single byte are in `results/test_store.py`; the end of a journal as the command
line meets it is in `test_faults.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bench.experiments import EXPERIMENTS
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.models import MODELS
from bench.models.prepared import peek, prepare
from bench.results import store
from bench.results.store import DamagedJournal, Writer
from bench.site import notebook, publish
from bench.spec import BASELINE, CONTROL, Input
from bench.system import whole
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Make

THREADS = EXPERIMENTS["intra_op_num_threads"]
SMALL = Input(label="batch=2", shapes=((2, 256),))


@dataclass(frozen=True, slots=True)
class Damage:
    """What became of a file."""

    what: str
    to: Callable[[bytes], bytes]


DAMAGES = (
    Damage("empty", lambda _: b""),
    Damage("one byte", lambda content: content[:1]),
    Damage("half", lambda content: content[: len(content) // 2]),
    Damage("all but the last byte", lambda content: content[:-1]),
    Damage("all zeros", lambda content: bytes(len(content))),
    Damage("zeros in the middle", lambda content: _zeros(content, len(content) // 2)),
    Damage("zeros at the end", lambda content: _zeros(content, max(0, len(content) - 512))),
    Damage("zeros behind the end", lambda content: content + bytes(512)),
)


def _zeros(content: bytes, start: int) -> bytes:
    return content[:start] + bytes(len(content[start : start + 512])) + content[start + 512 :]


any_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.what)


@pytest.fixture(scope="module")
def here() -> Here:
    return Here.read()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, make: Make, here: Here) -> Folders:
    """A valid result, exported."""
    folders = Folders.below(tmp_path_factory.mktemp("stored"))
    rounds = [[(case, {"latency_ns": 10_000_000}) for case in (BASELINE, CONTROL, "1", "2")]] * 3
    journal = make.journal(rounds, experiment=THREADS.id, key=here.key(THREADS, PROFILES["default"]))
    writer = Writer.create(folders.results, journal.header)
    for record in (*journal.samples, *journal.rounds, journal.footer):
        assert record
        writer.append(record)
    publish.publish(here, folders, pytest.fail)
    return folders


@any_damage
def test_journal(tmp_path: Path, stored: Folders, damage: Damage) -> None:
    """It is refused, or it is a beginning of itself that says that it is not complete."""
    (path,) = store.journals(stored.results, THREADS.id)
    torn = store.journal_path(tmp_path, THREADS.id, path.stem)
    torn.parent.mkdir()
    torn.write_bytes(damage.to(path.read_bytes()))
    try:
        found = store.read(torn)
    except DamagedJournal:
        return
    full = store.read(path)
    assert found.samples == full.samples[: len(found.samples)]
    assert found.complete is torn.read_bytes().startswith(path.read_bytes())


@pytest.mark.parametrize("damage", [DAMAGES[0], DAMAGES[3], DAMAGES[5]], ids=lambda damage: damage.what)
def test_every_exported_file(stored: Folders, here: Here, damage: Damage) -> None:
    """Data, charts, the script that draws, the machine, the options, the status, the stamps: all made again."""
    before = {path: path.read_bytes() for path in stored.export.rglob("*") if path.is_file()}
    assert len(before) > 8
    for path, content in before.items():
        path.write_bytes(damage.to(content))
    publish.publish(here, stored, pytest.fail)
    assert {path: path.read_bytes() for path in stored.export.rglob("*") if path.is_file()} == before


@any_damage
def test_one_exported_file_beside_a_whole_stamp(stored: Folders, here: Here, damage: Damage) -> None:
    path = stored.export / "data" / f"{THREADS.id}.csv"
    before = path.read_bytes()
    path.write_bytes(damage.to(before))
    publish.publish(here, stored, pytest.fail)
    assert path.read_bytes() == before


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    prepare(MODELS["tiny"], [SMALL], folder)
    return folder


@any_damage
@pytest.mark.parametrize("pattern", ["*.onnx", "*.npy", "model.json"])
def test_model_and_its_inputs(models: Path, pattern: str, damage: Damage) -> None:
    (path,) = models.glob(f"*/{pattern}")
    before = path.read_bytes()
    path.write_bytes(damage.to(before))
    found = peek(MODELS["tiny"], models)
    path.write_bytes(before)
    assert found is None or not found.input_paths


def test_torn_model_and_input_are_made_again(models: Path) -> None:
    before = {path: path.read_bytes() for path in models.rglob("*") if path.suffix in (".onnx", ".npy")}
    assert len(before) == 2
    for path, content in before.items():
        path.write_bytes(bytes(len(content)))
    prepare(MODELS["tiny"], [SMALL], models)
    assert {path: path.read_bytes() for path in before} == before


@any_damage
def test_kept_notebook(tmp_path: Path, damage: Damage) -> None:
    """Unless every byte is as it was written, it runs again."""
    path = tmp_path / "one-0123.json"
    notebook.keep(path, {"body": "<p>好</p>"})
    assert notebook.read(path) == {"body": "<p>好</p>"}
    path.write_bytes(damage.to(path.read_bytes()))
    assert notebook.read(path) is None


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    dead, living = tmp_path / ".a.json.999999999.new", tmp_path / ".b.json.1.new"
    for path in (dead, living):
        path.touch()
    whole.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [living]


def test_failed_write_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    whole.write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        whole.write(path, "new \ud800")
    assert [(found, found.read_text()) for found in tmp_path.iterdir()] == [(path, "old")]
