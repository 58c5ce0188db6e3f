"""Results as files that other programs read: JSON, CSV, pyperf, and the JSON Schema of what we read ourselves.

How numbers must relate to each other is beyond a schema: `bench.results.plausible`.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import product
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from bench.results.bundle import Bundle
from bench.results.described import describe
from bench.results.metrics import METRICS
from bench.results.published import Export, Row
from bench.results.records import Line
from bench.results.tuned import Tuned
from bench.results.view import GroupView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.results.store import Journal

COLUMNS = tuple(Row.model_fields)
PYPERF_UNITS = {"ms": ("second", 1e-3), "s": ("second", 1.0), "MiB": ("byte", 1 << 20)}
"""pyperf knows seconds and bytes."""
PYPERF_KINDS = ("time", "memory")
"""Growth in a thousand calls is no size."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def as_json(export: Export) -> str:
    return export.model_dump_json(indent=1) + "\n"


def as_csv(rows: Iterable[Row]) -> str:
    """The rows of the JSON with the same columns. Begins with a BOM, so that spreadsheets read Chinese."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: getattr(row, name) for name in COLUMNS})
    return "\ufeff" + text.getvalue()


def as_pyperf(journal: Journal) -> str:
    """One benchmark per experiment, model, input, case and figure; one value a round.

    Failed cases are left out, and so is a zero, which pyperf refuses. Its own writer looks for every name among all
    others, which took as long as all else of an export.
    """
    benchmarks = []
    sized = [one for one in METRICS.values() if one.kind in PYPERF_KINDS and one.unit in PYPERF_UNITS]
    for record in journal.header.groups:
        view = GroupView(journal, record)
        for case, metric in product(record.cases, sized):
            unit, factor = PYPERF_UNITS[metric.unit]
            values = view.values(case, metric)
            if values and min(values) > 0:
                name = f"{journal.header.experiment}/{record.model}/{record.input}/{case}/{metric.id}"
                runs = [{"values": [value * factor]} for value in values]
                benchmarks.append({"metadata": {"name": name, "unit": unit}, "runs": runs})
    told = {"loops": 1, "cpu_model_name": str(journal.header.machine.get("cpu", ""))}
    told |= {f"{name}_version": journal.header.software.get(name, "") for name in ("onnxruntime", "python")}
    known = {name: value for name, value in told.items() if value != ""}  # pyperf refuses empty ones
    return json.dumps({"version": "1.0", "metadata": known, "benchmarks": benchmarks}) + "\n"


def machine_json(export: Export) -> str:
    """Where the numbers come from, for `data/machine.json`."""
    facts = {"machine": export.machine, "software": export.software, "build": export.build.model_dump()}
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def journal_schema() -> str:
    """Of one line of a journal."""
    return _schema("一次测量的日志（JSON Lines）里的一行", TypeAdapter(Line).json_schema())


def export_schema() -> str:
    """Of `data/<experiment>.json`."""
    return _schema("一个实验发布的结果", TypeAdapter(Export).json_schema())


def bundle_schema() -> str:
    """Of `docs/machines/*.json.gz`, unpacked."""
    return _schema("一台机器的结果包", TypeAdapter(Bundle).json_schema())


def tuned_schema() -> str:
    """Of `tuned.json`."""
    return _schema("给一个模型找设置的结果", TypeAdapter(Tuned).json_schema())


def _schema(title: str, schema: dict[str, Any]) -> str:
    for kind in schema["$defs"].values():
        if "const" in kind["properties"].get("kind", {}):
            kind["required"].append("kind")  # has a default in Python, but tells the lines apart
    describe(schema)
    whole = {"$schema": DIALECT, **schema, "title": title}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
