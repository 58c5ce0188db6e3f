"""What the pages say of options in general, of logs, profiles and errors."""

from __future__ import annotations

import os
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import onnxruntime as ort
from showing import CPU, FEED, error, log, main, options, session, threads


def shows_options_keyword(model: str) -> None:
    wanted = options(intra_op_num_threads=5)
    ignored = ort.InferenceSession(model, options=wanted, providers=CPU)
    assert ignored.get_session_options().intra_op_num_threads == 0
    assert session(model, wanted).get_session_options().intra_op_num_threads == 5


def shows_misspelt_key(model: str) -> None:
    made = options({"session.intra_op.allow_spining": "0"})
    session(model, made)
    assert made.get_session_config_entry("session.intra_op.allow_spining") == "0"
    run_options = ort.RunOptions()
    run_options.add_run_config_entry("memory.enable_arena_shrinkage", "cpu:0")
    session(model).run(None, FEED, run_options)
    for name in ("enable_cpu_mem_area", "enable_parallel_execution"):
        assert "AttributeError" in error(lambda name=name: options(**{name: False}))


def shows_unset_entries(model: str) -> None:
    key = "session.disable_prepacking"
    assert "RuntimeError" in error(lambda: ort.SessionOptions().get_session_config_entry(key))
    assert "RuntimeError" in error(lambda: ort.RunOptions().get_run_config_entry(key))


def shows_options_are_copied(model: str) -> None:
    wanted = options(intra_op_num_threads=1)
    made = session(model, wanted)
    wanted.intra_op_num_threads = 5
    assert made.get_session_options().intra_op_num_threads == 1


def shows_key_defaults(model: str) -> None:
    """Defaults of config keys that ORT tells in its log."""
    with log() as lines:
        session(model, options(log_severity_level=1))
    text = "\n".join(lines)
    for told in (
        "allow_spinning: 1 spin_duration_us: -1 spin_backoff_max: 1 dynamic_block_base_: 0",
        "set_denormal_as_zero: 0",
        "Graph Optimizations Loop Level : 1",
    ):
        assert told in text


def shows_default_logger(model: str) -> None:
    keys = {"session.intra_op_thread_affinities": "60000"}
    quiet = options(keys, intra_op_num_threads=2, log_severity_level=4)
    with log() as lines:
        session(model, quiet)
    assert any("60000 does not exist" in line for line in lines)
    ort.set_default_logger_severity(4)
    with log() as lines:
        session(model, quiet)
    assert not lines


def shows_log_levels(model: str) -> None:
    assert "severity level" in error(lambda: session(model, options(log_severity_level=5)))


def shows_profile_file(model: str) -> None:
    folder = Path(tempfile.mkdtemp())
    made = session(model, options(enable_profiling=True, profile_file_prefix=str(folder / "trace")))
    made.run(None, FEED)
    (file,) = folder.iterdir()
    assert file.stat().st_size == 0
    assert Path(made.end_profiling()) == file
    assert file.stat().st_size > 1000
    assert made.end_profiling() == ""


def shows_model_overrides(model: str) -> None:
    configured = str(Path(model).with_name("config.onnx"))
    written = options(intra_op_num_threads=1)
    assert session(configured, written).get_session_options().intra_op_num_threads == 1
    os.environ["ORT_LOAD_CONFIG_FROM_MODEL"] = "1"
    before = threads()
    made = session(configured, written)
    assert made.get_session_options().intra_op_num_threads == 3
    assert threads() - before == 2


def shows_two_errors(model: str) -> None:
    wrong, printed = options(log_severity_level=5), StringIO()
    with redirect_stdout(printed):
        error(lambda: ort.InferenceSession(model, sess_options=wrong, providers=CPU))
        twice = printed.getvalue()
        error(lambda: session(model, wrong))
    assert "Falling back" in twice
    assert printed.getvalue() == twice


def shows_cpu_fallback(model: str) -> None:
    key = {"session.disable_cpu_ep_fallback": "1"}
    with log():
        message = error(lambda: session(model, options(key)))
    assert "Conflicting session configuration" in message


if __name__ == "__main__":
    main(globals())
