"""`python -m bench.tune.reading`: read a reader's model and put what it is fed into files.

The job is JSON on stdin, the answer one line of JSON on stdout. Started by `bench.tune.own`, not meant for people.
A refusal is one sentence, the last line on stderr.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.models.prepared import REFUSED
from bench.system import harmless
from bench.system.folders import why
from bench.system.terminal import follow
from bench.tune import given, making
from bench.tune.own import CannotTune
from bench.tune.signature import contents

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SAID = 4000
"""Characters: an option for each of many axes has room."""
MAKING = {"--dim": "dims", "--batch": "batch", "--range": "ranges"}
"""Option that says how values are made -> its place in the job."""


def main(asked: str | bytes) -> int:
    """Exit status: 0, or REFUSED after a sentence on stderr."""
    try:
        print(json.dumps(answer(json.loads(asked))))
    except CannotTune as refusal:
        print(harmless.text(str(refusal), MOST_SAID), file=sys.stderr)
    except OSError as error:
        print(f"模型的输入写不下来：{why(error)}", file=sys.stderr)
    else:
        return 0
    return REFUSED


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Raises CannotTune where the model cannot be opened, or cannot be fed as it was asked for."""
    clash = [option for option, place in MAKING.items() if job[place] not in ({}, None)]
    if job["inputs"] and clash:
        raise CannotTune(f"--inputs 和 {'、'.join(clash)} 不能一起用：自己的数据是什么样就怎么用，请去掉一边")
    found, folder = contents(Path(job["model"])), Path(job["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    fed = (
        given.take(found.slots, job["inputs"], folder)
        if job["inputs"]
        else making.make(found.slots, job, folder)
    )
    return {
        **found.facts,
        "optimised": found.optimised,
        "inputs": [
            {
                "name": slot.name,
                "dtype": slot.dtype,
                "shapes": [feed[slot.name] for feed in fed.shapes],
                "made": harmless.text(fed.made[slot.name]),
            }
            for slot in found.slots
        ],
        "files": fed.files,
        "shapes": fed.shapes,
    }


if __name__ == "__main__":
    follow()
    sys.exit(main(sys.stdin.buffer.read()))
