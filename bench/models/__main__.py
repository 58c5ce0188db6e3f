"""`python -m bench.models ID DIRECTORY INPUTS`: make the files of one model.

INPUTS is JSON, a list of [label, feeds]. Started by `bench.models.prepared`, not meant for people.
A failure is one sentence, the last line on stderr.
"""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

from bench.models import MODELS, ModelError
from bench.models._build import build
from bench.models.prepared import REFUSED
from bench.spec import Input
from bench.system.terminal import follow

REASONS = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已满",
    errno.EEXIST: "路径上有同名的文件",
    errno.ENOTDIR: "路径上有同名的文件",
    errno.EACCES: "没有写入权限",
    errno.EPERM: "没有写入权限",
    errno.EROFS: "文件系统只读",
}


def main(model_id: str, directory: str, wanted: str) -> int:
    """Exit status: 0, or REFUSED after a sentence on stderr."""
    inputs = [
        Input(
            label=label, shapes=tuple({name: tuple(shape) for name, shape in feed.items()} for feed in feeds)
        )
        for label, feeds in json.loads(wanted)
    ]
    try:
        build(MODELS[model_id], inputs, Path(directory))
    except ModelError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        reason = REASONS.get(error.errno or 0, error.strerror or str(error))
        print(f"模型 {model_id} 的文件写不下来：{reason}", file=sys.stderr)
    else:
        return 0
    return REFUSED


if __name__ == "__main__":
    follow()
    sys.exit(main(*sys.argv[1:]))
