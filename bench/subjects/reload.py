"""A session made, used and let go in every call: what a process keeps of models that it has unloaded."""

from __future__ import annotations

import ctypes
import gc

TITLE = "建会话，推理，删掉"
RUNS = 3


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def readers_use(options):
    """What a reader writes once the session has served."""
    trim = 'ctypes.CDLL("libc.so.6").malloc_trim(0)  # glibc 手里的也还给系统\n'
    code = f"import ctypes\nimport gc\n\n# 用完之后\ndel session, outputs  # 要留的输出先拷一份：array.copy()\ngc.collect()\n{trim}"
    return code if options.get("malloc_trim") else code.replace("import ctypes\n", "").replace(trim, "")


def start(job):
    return Reload(job)


class Reload:
    """Only the first session is observed: a trace belongs to one."""

    def __init__(self, job):
        self._job, self._facts = job, {}
        self._trims = job["options"].get("malloc_trim", False)

    def call(self, feed):
        thing = session.start(self._job)
        for _ in range(RUNS):
            outputs = thing.call(feed)
        outputs = [array.copy() for array in outputs]  # as they come, they keep the arena's blocks alive
        facts = thing.close()
        del thing
        gc.collect()
        if self._trims:
            ctypes.CDLL(None).malloc_trim(0)
        self._facts = self._facts or facts
        self._job = {**self._job, "verbose": False, "observe": False}
        return outputs

    def close(self):
        return self._facts
