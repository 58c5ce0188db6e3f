"""Other machines on the pages: the line under a conclusion, the table, what was not taken and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bundles import EPYC, export, packed

from bench.pages import machines, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import Make

    Put = Callable[..., str]

HERE = {**EPYC, "cpu": "Intel(R) Xeon(R) <b>", "cores": 4}


@pytest.fixture
def put(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts the file of a machine into the folder; returns its name."""
    folder = tmp_path / "machines"
    folder.mkdir()
    monkeypatch.setattr(machines, "FOLDER", folder)
    monkeypatch.setattr(machines, "OF_A_BUILD", ("toys",))
    monkeypatch.setattr(machines, "found", lambda: machines.read_all(folder))
    monkeypatch.setattr(source, "selftests", dict)

    def one(**changes: Any) -> str:
        name, content = packed(make, tmp_path, **changes)
        (folder / name).write_bytes(content)
        return name

    return one


def test_line_counts_those_that_come_to_the_same_and_names_the_others(make: Make, put: Put) -> None:
    ours = export(make, machine=HERE)
    assert not machines.line(ours)
    put()
    assert '另外 <a data-link="machines.html">1 台机器</a>：1 台同样。' in str(machines.line(ours))
    put(one_ms=8.0, machine={**EPYC, "cpu": "AMD <i>Opteron</i>", "cores": 8})
    told = str(machines.line(ours))
    assert "2 台机器</a>：1 台同样，1 台有相反的（AMD &lt;i&gt;Opteron&lt;/i&gt;，8 核：" in told
    assert "，延迟 0.80" in told
    assert " 倍，等 3 处）" in told
    assert not machines.line(export(make, machine=EPYC, experiment="others"))


def test_the_machine_of_the_site_does_not_vote_on_itself(make: Make, put: Put) -> None:
    name = put()
    ours = export(make, machine={**EPYC, "kernel": "7.0"})
    assert not machines.line(ours)
    html = str(machines.page([ours]))
    assert f'data-link="machines/{name}" download>结果包' in html
    assert "别的机器的结果还没有" in html
    assert "<form" not in html
    assert "点机器名" not in html


def test_page_lists_every_machine_what_was_refused_and_what_is_missing(
    make: Make, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put()
    ours = export(make, machine=HERE)
    (machines.FOLDER / "forged.json.gz").write_bytes(b"not gzip at all")
    (machines.FOLDER / "macos-latest.gap").touch()
    html = str(machines.page([ours]))
    assert "和另外 1 台" in html
    assert "点机器名" in html
    assert 'data-cores="2" data-vendor="AMD" data-system="Linux"' in html
    assert f'data-link="machines/{name}" download' in html
    assert "1 个实验同样，0 个有相反的" in html
    assert "Intel(R) Xeon(R) &lt;b&gt;" in html
    assert "<li>没有采用 <code>forged.json.gz</code>：不是 gzip 文件，或者坏了。</li>" in html
    assert "<li>没有结果：macos-latest。</li>" in html


def test_other_systems_are_compared_as_soon_as_there_are_any(make: Make, put: Put) -> None:
    ours = export(make, machine=HERE)
    put()
    assert "还没有别的系统的结果，不知道；这个网站的数字来自 Linux。" in str(machines.systems([ours]))
    put(machine={**EPYC, "system": "Darwin 25", "libc": ""})
    put(one_ms=8.0, machine={**EPYC, "system": "Windows 11", "libc": ""})
    assert "与 Linux 比，Windows、macOS 上的实验里，1 个同样，1 个有相反的。" in str(machines.systems([ours]))
