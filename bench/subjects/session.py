"""An InferenceSession, set as the case says."""

from __future__ import annotations

import sys
from pathlib import Path

TITLE = "会话"
VERBOSE = 0
WARNED, WARNED_RUN = ("session.intra_op.spin_duration_us", "abc"), 4
ENUMS = {"graph_optimization_level": "GraphOptimizationLevel", "execution_mode": "ExecutionMode"}


class Unsupported(Exception):
    """The installed ORT lacks something that the case asks for."""


def load():
    global ort  # noqa: PLW0603 - imported only where a reader's process would: inside the measured phase
    import onnxruntime as ort


def start(job):
    return Session(job)


def share_pool(job):
    """Where the options of the subject say how many threads: one pool for all sessions of the process, set up once."""
    if count := job["options"].get("global_pool_threads"):
        ort.set_global_thread_pool_sizes(count, 1)


def share_arena(job):
    """Where the options of the subject describe an arena: one on the environment, for sessions that ask for it."""
    if "arena_extend_strategy" in job["options"]:
        info = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
        how = {"arena_extend_strategy": job["options"]["arena_extend_strategy"]}
        ort.create_and_register_allocator(info, ort.OrtArenaCfg(how))


def set_options(options, settings):
    """Set what a case writes; the attributes of these that had that value anyway."""
    unchanged = []
    for name, value in settings.items():
        if "." in name:
            options.add_session_config_entry(name, value)
        elif not hasattr(options, name):
            raise Unsupported(f"SessionOptions.{name} 在 onnxruntime {ort.__version__} 中不存在")
        else:
            unchanged += [name] if _set(options, name, value) else []
    return unchanged


def _set(options, name, value):
    """Whether it had that value anyway."""
    try:
        wanted = getattr(getattr(ort, ENUMS[name]), value) if name in ENUMS else value
        unchanged = getattr(options, name) == wanted
        setattr(options, name, wanted)
    except (TypeError, AttributeError) as error:
        raise Unsupported(f"SessionOptions.{name} 不接受 {value!r}") from error
    return unchanged


class Session:
    """One session; when observed, its own log and profiler are on unless the case sets them."""

    def __init__(self, job):
        self._job = job
        self.options, self._unchanged = self._session_options()
        self._run_options = self._options_of_a_run()
        self._session = self._open(self.options)

    @property
    def raw(self):
        """What ORT calls a session, for other ways to call it."""
        return self._session

    def call(self, feed, run_options=None):
        """`run_options`: of this call alone, in the place of the case's."""
        return self._session.run(None, feed, run_options or self._run_options)

    def close(self):
        """What only the end shows: the trace, and at which level the log still warns. It can still be called."""
        facts, job = {"unchanged": self._unchanged, "trace_bytes": self._end_trace()}, self._job
        if job["observe"] and ("log_severity_level" in job["settings"] or not job["verbose"]):
            self._set_up_wrongly()
        return facts

    def _open(self, options):
        return ort.InferenceSession(self._job["model"], options, providers=["CPUExecutionProvider"])

    def _session_options(self):
        """(SessionOptions as the case writes them, attributes that it sets to what they are anyway)."""
        job, options = self._job, ort.SessionOptions()
        unchanged = set_options(options, job["settings"])
        if job["verbose"]:
            if "log_severity_level" not in job["settings"]:
                options.log_severity_level = VERBOSE
            ort.set_default_logger_severity(VERBOSE)  # the arena speaks through the default logger
            if "enable_profiling" not in job["settings"]:  # what a case sets itself must show by itself
                options.enable_profiling = True
        if options.enable_profiling:
            options.profile_file_prefix = job["trace_prefix"]
        return options, unchanged

    def _options_of_a_run(self):
        if not self._job["run_settings"]:
            return None
        options = ort.RunOptions()
        for key, value in self._job["run_settings"].items():
            options.add_run_config_entry(key, value)
        return options

    def _end_trace(self):
        """Size of the trace; the file is left only for an observing parent to read."""
        if not self.options.enable_profiling:
            return None
        trace = Path(self._session.end_profiling())
        size = trace.stat().st_size
        if self._job["observe"]:
            trace.rename(self._job["trace_prefix"])
        else:
            trace.unlink()
        return size

    def _set_up_wrongly(self):
        """One more session, with a value that is not a number."""
        options, _ = self._session_options()
        options.enable_profiling = False
        options.add_session_config_entry(*WARNED)
        print(f"BENCH RUN {WARNED_RUN}", file=sys.stderr, flush=True)
        self._open(options)
