"""Ways to hand inputs over and to get outputs other than `run`: IOBinding, OrtValue, a buffer of one's own, run_async."""

from __future__ import annotations

from threading import Event

TITLE = "换一种方法传输入、取输出"
ONCE = {
    "io_binding": "",
    "ort_value": "",
    "own_output": """
output = session.run(None, feed)[0].copy()  # 尺寸固定才行：先跑一次，以后都写进这一块
""",
    "run_async": """
from threading import Event
""",
}
EVERY_CALL = {
    "io_binding": """
binding = session.io_binding()
for name, x in feed.items():
    binding.bind_cpu_input(name, x)
for one in session.get_outputs():
    binding.bind_output(one.name)
session.run_with_iobinding(binding)
outputs = binding.copy_outputs_to_cpu()
""",
    "ort_value": """
values = {name: ort.OrtValue.ortvalue_from_numpy(x) for name, x in feed.items()}
outputs = [one.numpy() for one in session.run_with_ort_values(None, values)]
""",
    "own_output": """
binding = session.io_binding()
for name, x in feed.items():
    binding.bind_cpu_input(name, x)
binding.bind_ortvalue_output(
    session.get_outputs()[0].name, ort.OrtValue.ortvalue_from_numpy(output)
)
session.run_with_iobinding(binding)
""",
    "run_async": """
done, told = Event(), []


def finished(outputs, user_data, error):
    told.append(outputs)
    done.set()


session.run_async(None, feed, finished, None)
done.wait()                               # 等的时候可以做别的
""",
}


def readers_use(options):
    """What a reader writes once the session is open."""
    return ONCE[options["how"]] + EVERY_CALL[options["how"]]


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def start(job):
    return Bound(job)


class Bound:
    """Option `how`; the outputs are arrays whichever it is."""

    def __init__(self, job):
        self._opened = session.start(job)
        self._raw = self._opened.raw
        self._names = [one.name for one in self._raw.get_outputs()]
        self._own = {}
        self.call = getattr(self, f"_{job['options']['how']}")

    def _io_binding(self, feed):
        binding = self._with_inputs(feed)
        for name in self._names:
            binding.bind_output(name)
        self._raw.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()

    def _ort_value(self, feed):
        values = {name: session.ort.OrtValue.ortvalue_from_numpy(array) for name, array in feed.items()}
        return [one.numpy() for one in self._raw.run_with_ort_values(None, values)]

    def _own_output(self, feed):
        """The buffers are made at the first call, of the outputs' sizes."""
        if not self._own:
            outputs = self._raw.run(None, feed)
            self._own = dict(zip(self._names, (array.copy() for array in outputs), strict=True))
        binding = self._with_inputs(feed)
        for name, array in self._own.items():
            binding.bind_ortvalue_output(name, session.ort.OrtValue.ortvalue_from_numpy(array))
        self._raw.run_with_iobinding(binding)
        return [*self._own.values()]

    def _run_async(self, feed):
        done, told = Event(), []

        def finished(outputs, _, error):
            told.append((outputs, error))
            done.set()

        self._raw.run_async(None, feed, finished, None)
        done.wait()
        ((outputs, error),) = told
        if error:
            raise RuntimeError(error)
        return outputs

    def _with_inputs(self, feed):
        binding = self._raw.io_binding()
        for name, array in feed.items():
            binding.bind_cpu_input(name, array)
        return binding

    def close(self):
        return self._opened.close()
