"""All results of a build in one file, to be looked at beside those of other machines: gzipped JSON without anything private.

Strangers send such files. What can be wrong with one is said in a sentence; what is let through is plausible, comes from
a harness that saw what was there, and holds no text that could do harm.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from bench.results import trust
from bench.results.kinds import BuildId, Moment, Record, complaint, printable
from bench.results.machine_names import file_name
from bench.results.plausible import Implausible
from bench.results.plausible_export import check_export
from bench.results.published import Export
from bench.system import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MOST_BYTES, MOST_UNPACKED = 1 << 20, 1 << 26
SUFFIX = ".json.gz"
PRIVATE = {
    "文件夹的路径": re.compile(r"(?<![\w.])/(?:home|Users|root|mnt|media)/|(?<!\w)[A-Za-z]:\\"),
    "网络地址": re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|://"),
    "邮件地址": re.compile(r"[\w.+-]+@[\w-]+\.\w"),
}
"""What has no place in a file for everybody."""


class BadBundle(Exception):
    """A file that is not shown; the message says why, in one Chinese sentence that is safe to print."""


class Bundle(Record):
    """`docs/machines/*.json.gz`."""

    schema_version: Literal[1] = 1
    kind: Literal["onnxruntime-cpu-bundle"] = "onnxruntime-cpu-bundle"
    made_at: Moment
    exports: Annotated[list[Export], Field(min_length=1, max_length=200)]
    """Of one build, or of several on the same machine with the same software. Without reports and traces, which quote
    logs."""
    selftests: Annotated[dict[BuildId, Export], Field(max_length=200)]
    """Build -> its own self-test of the measuring code."""

    @property
    def machine(self) -> Mapping[str, Any]:
        return self.exports[0].machine

    @property
    def software(self) -> Mapping[str, str]:
        return self.exports[0].software

    @cached_property
    def votes(self) -> bool:
        """False: too noisy as a whole for its verdicts to count. Pages ask a hundred times a site."""
        return trust.standing(self.exports, self.selftests, ()).word != "no"


def pack(exports: Sequence[Export], selftests: Mapping[str, Export]) -> tuple[str, bytes]:
    """(name of the file, its content). Raises BadBundle for what nobody would take."""
    builds = {export.build.id for export in exports}
    bundle = Bundle(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        exports=[_without_private(export) for export in exports],
        selftests={build: _without_private(one) for build, one in selftests.items() if build in builds},
    )
    content = gzip.compress(bundle.model_dump_json().encode(), mtime=0)
    unpack(content)
    return file_name(bundle.machine) + SUFFIX, content


def _without_private(export: Export) -> Export:
    """Less what quotes logs, and what a kernel may be called in somebody's house."""
    kernel = re.match(r"\d+(?:\.\d+)*", str(export.machine.get("kernel", "")))
    machine = {**export.machine, "kernel": kernel[0] if kernel else ""}
    return export.model_copy(update={"machine": machine, "reports": [], "traces": []})


def read(path: Path) -> Bundle:
    """A file that may be shown. Raises BadBundle."""
    if not path.name.endswith(SUFFIX):
        raise BadBundle(f"文件名应当以 {SUFFIX} 结尾")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadBundle(f"读不了（{error.strerror}）") from error
    found = unpack(content)
    if path.name != (name := file_name(found.machine) + SUFFIX):
        raise BadBundle(f"名字与里面的机器不符，应当是 {name}")
    return found


def unpack(content: bytes) -> Bundle:
    """A bundle that may be shown. Raises BadBundle."""
    found = _json(content)
    _check_version(found)
    try:
        bundle = Bundle.model_validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        raise BadBundle(f"格式不对（{complaint(error)}）") from error
    except RecursionError as error:
        raise BadBundle("JSON 嵌套得太深") from error
    for export in (*bundle.exports, *bundle.selftests.values()):
        try:
            check_export(export)
        except Implausible as broken:
            raise BadBundle(f"实验 {export.experiment}：{broken}") from broken
    for reason in _faults(bundle, found):
        raise BadBundle(reason)
    return bundle


def _json(content: bytes) -> Any:
    if len(content) > MOST_BYTES:
        raise BadBundle(f"文件太大，超过 {MOST_BYTES >> 20} MiB")
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(content, MOST_UNPACKED)
    except zlib.error as error:
        raise BadBundle("不是 gzip 文件，或者坏了") from error
    if inflate.unconsumed_tail:
        raise BadBundle(f"解开之后太大，超过 {MOST_UNPACKED >> 20} MiB")
    if not inflate.eof:
        raise BadBundle("文件不完整，后面少了一截")
    if inflate.unused_data:
        raise BadBundle("文件后面多出别的内容")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadBundle("里面不是完整的 JSON") from error


def _check_version(found: Any) -> None:
    """Of another program, or of a version of ours that wrote other fields."""
    kind = Bundle.model_fields["kind"].default
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise BadBundle("不是本项目的结果包")
    exports = found.get("exports")
    inner = (
        [one.get("schema_version") for one in exports if isinstance(one, dict)]
        if isinstance(exports, list)
        else []
    )
    wanted = (Bundle.model_fields["schema_version"].default, Export.model_fields["schema_version"].default)
    versions = {(found.get("schema_version"), one) for one in inner}
    if versions and versions != {wanted}:
        made = printable(str(found.get("made_at", "日期不详")))[:10]
        raise BadBundle(f"是 {made} 的格式，与现在的不同：请用现在的代码再测一遍，再打包")


def _faults(bundle: Bundle, found: Any) -> Iterator[str]:
    """What is wrong with a file whose parts are in order."""
    names = [export.experiment for export in bundle.exports]
    if len({*names}) < len(names):
        yield "同一个实验有两份结果"
    first = bundle.exports[0]
    if any((one.machine, one.software) != (first.machine, first.software) for one in bundle.exports):
        yield "里面是几台机器、或几套软件的结果"
    if drafts := [one.experiment for one in bundle.exports if one.draft or not one.build.complete]:
        yield f"{drafts[0]} 只是草稿：要用默认档或细致档测"
    if any(one.experiment != trust.SELFTEST for one in bundle.selftests.values()):
        yield "自检的位置上是别的实验"
    yield from _untested(bundle)
    for text in _texts(found):
        if text != harmless.text(text, max(len(text), 1)):
            yield f"文字里有控制字符：“{printable(text)}”"
        for what, pattern in PRIVATE.items():
            if pattern.search(text):
                yield f"里面有{what}：“{printable(text)}”"


def _untested(bundle: Bundle) -> Iterator[str]:
    """Builds whose harness was not looked at, or did not see what was there."""
    for build in dict.fromkeys(export.build.id for export in bundle.exports):
        selftest = bundle.selftests.get(build)
        if selftest is None:
            yield f"测量 {build} 没有自检"
        elif failed := [one.title for one in trust.checks(selftest) if one.passed is False]:
            yield f"自检没有通过：{'、'.join(failed)}"


def _texts(found: Any) -> Iterable[str]:
    """Every text in it once, names of fields too."""
    texts, waiting = dict[str, None](), [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            texts[one] = None
        elif isinstance(one, dict):
            texts |= dict.fromkeys(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return texts
