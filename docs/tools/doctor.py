"""Says what is wrong with a service that runs ONNX Runtime on a CPU: `python doctor.py [--pid N] [--model m.onnx]`.

One file for places where nothing can be installed: Python 3.8 or newer and its standard library. It changes nothing, sends
nothing and needs no root; it reads /proc, cgroups and the model's file, and says what it could not read. NumPy, where it is
there, counts a model's weights faster. ONNX Runtime is never loaded: from 1.29 on, that alone starts its telemetry.

Read first, then judged: `Machine`, `Process` and `Model` hold what was read, `judged` makes findings of them.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Any,
    BinaryIO,
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Sequence,
    Tuple,
)

VERSION = "0"  # stamped when the site is built
SITE = ""  # address of the site that this file was taken from; stamped, too

# --- What may be said -------------------------------------------------------------------------------------------------


class Advice(NamedTuple):
    """A finding in both languages, with figures in braces: what is so, what to do, where the site says more."""

    page: str
    zh: str
    zh_do: str
    en: str
    en_do: str
    source: str = ""


_ISSUE = "https://github.com/microsoft/onnxruntime/issues/"
_PULL = "https://github.com/microsoft/onnxruntime/pull/"

FINDINGS: dict[str, Advice] = {
    "threads_default": Advice(
        "symptoms.html#docker-slow",
        "没有写明线程数的会话会开 {default} 个线程，这里只能用 {usable} 个核",
        "设 options.intra_op_num_threads = {usable}；改不了代码就 export ORT_INTRA_OP_NUM_THREADS={usable}（1.29 起才认）",
        "a session that does not name a number of threads takes {default}; {usable} core(s) may be used here",
        "set options.intra_op_num_threads = {usable}, or export ORT_INTRA_OP_NUM_THREADS={usable} (1.29 or newer)",
    ),
    "threads_pool": Advice(
        "symptoms.html#docker-slow",
        "像是有一池工作线程：{workers} 个，加上调用的线程是 {threads} 个，只能用 {usable} 个核",
        "设 options.intra_op_num_threads = {usable}",
        "there seems to be a pool of {workers} workers, {threads} threads with the caller; {usable} core(s) may be used here",
        "set options.intra_op_num_threads = {usable}",
    ),
    "pools_many": Advice(
        "symptoms.html#threads-many",
        "像是有 {pools} 池工作线程，共 {workers} 个，只能用 {usable} 个核：多半是每个会话各建了一池",
        "让会话共用一个全局线程池，或者每个会话少设几个线程",
        "there seem to be {pools} pools with {workers} workers together on {usable} core(s): one for each session, most likely",
        "share one global thread pool, or give each session fewer threads",
    ),
    "spinning": Advice(
        "symptoms.html#cpu-high",
        "{workers} 个工作线程在 {seconds:g} 秒里用了 {burnt:.2f} 秒 CPU，别的线程最多只用了 {others:.2f} 秒：它们在空转",
        '设 options.add_session_config_entry("session.force_spinning_stop", "1")',
        "{workers} worker(s) burnt {burnt:.2f} s of CPU in {seconds:g} s, no other thread more than {others:.2f} s: they spin",
        'set options.add_session_config_entry("session.force_spinning_stop", "1")',
    ),
    "pinned_outside": Advice(
        "symptoms.html#affinity",
        "{workers} 个工作线程绑在 {cpus} 号核上，那不是分给这个进程的（{allowed}）",
        "写明 options.intra_op_num_threads，就不再绑核",
        "{workers} worker(s) are pinned to CPU {cpus}, which this process was not given ({allowed})",
        "name options.intra_op_num_threads: then nothing is pinned",
    ),
    "throttled": Advice(
        "symptoms.html#docker-slow",
        "配额用完就被停住：{periods} 个周期里停了 {throttled} 次，配额 {quota:g} 个核",
        "线程数设成不超过配额的整数；还停，就提高配额",
        "stopped when the quota was used up: {throttled} of {periods} periods, the quota is {quota:g} core(s)",
        "set no more threads than the whole cores of the quota; if it goes on, raise the quota",
    ),
    "near_limit": Advice(
        "symptoms.html#oom",
        "内存占到过 {peak_mib} MiB，上限是 {limit_mib} MiB（{share:.0%}）",
        "先关 enable_mem_pattern，再减小 batch",
        "memory has been at {peak_mib} MiB, the limit is {limit_mib} MiB ({share:.0%})",
        "turn enable_mem_pattern off, then make batches smaller",
    ),
    "oom_killed": Advice(
        "symptoms.html#oom",
        "这个容器因为内存不足杀过 {kills} 次进程",
        "先关 enable_mem_pattern，再减小 batch",
        "this container has killed {kills} process(es) for want of memory",
        "turn enable_mem_pattern off, then make batches smaller",
    ),
    "swapped": Advice(
        "symptoms.html#oom",
        "有 {swap_mib} MiB 换到了磁盘上，用到时要等",
        "少占内存，或者多给内存",
        "{swap_mib} MiB were swapped out, and must be waited for",
        "need less memory, or grant more",
    ),
    "forked": Advice(
        "symptoms.html#fork",
        "这是从 {parent} 号进程 fork 出来的；父进程那时已有 {missing} 个工作线程，它们不会跟过来",
        "在子进程里建会话：multiprocessing 用 spawn，gunicorn 不加 --preload",
        "forked from process {parent}, which had {missing} worker(s) by then: they do not come along",
        "make sessions in the child: spawn with multiprocessing, no --preload with gunicorn",
    ),
    "variable_invented": Advice(
        "reference/traps.html#trap-invented-variables",
        "设了环境变量 {names}，ONNX Runtime 里没有这样的变量",
        "删掉它；线程数用 options.intra_op_num_threads 设",
        "{names} is set; ONNX Runtime has no such variable",
        "remove it; set options.intra_op_num_threads",
    ),
    "variable_openmp": Advice(
        "reference/traps.html#trap-openmp-variable",
        "设了环境变量 {names}，对 ONNX Runtime 没有作用（1.8 起不用 OpenMP）",
        "线程数用 options.intra_op_num_threads 设；这个变量若是给别的库的，留着",
        "{names} is set; ONNX Runtime has not used OpenMP since 1.8",
        "set options.intra_op_num_threads; keep the variable if another library reads it",
    ),
    "variable_early": Advice(
        "symptoms.html#how-many-threads",
        "设了环境变量 {names}，1.29 起才认，装的是 {version}",
        "升级，或者用 options.intra_op_num_threads 设",
        "{names} is set; that is read from 1.29 on, {version} is installed",
        "upgrade, or set options.intra_op_num_threads",
    ),
    "variable_wrong": Advice(
        "symptoms.html#how-many-threads",
        "环境变量 {names} 的值是 {value}，建会话时会报错",
        "写成正整数，如 {usable}",
        "{names} is {value}: making a session will fail",
        "write a positive whole number, such as {usable}",
    ),
    "fault_arm_leak": Advice(
        "symptoms.html#memory-grows",
        "onnxruntime {version} 在 Arm 上有内存泄漏（1.24.1 到 1.26），输入内容每次不同就一直涨",
        "升级到 1.27 或更新的版本",
        "onnxruntime {version} leaks memory on Arm (1.24.1 to 1.26) while inputs differ",
        "upgrade to 1.27 or newer",
        _ISSUE + "28231",
    ),
    "fault_import": Advice(
        "symptoms.html#import-crash",
        "onnxruntime 1.29.0 在没有 /bin/sh 和 /etc/machine-id 的镜像里，有人一导入就段错误",
        "export ORT_DISABLE_TELEMETRY=1，或者升级",
        "importing onnxruntime 1.29.0 was reported to crash in images without /bin/sh and /etc/machine-id",
        "export ORT_DISABLE_TELEMETRY=1, or upgrade",
        _PULL + "32226",
    ),
    "fault_skip_layer_norm": Advice(
        "symptoms.html#upgrade-slow",
        "模型里有 {count} 处 LayerNorm，1.30 起融合后的 SkipLayerNormalization 变慢了，装的是 {version}",
        '建会话时传 disabled_optimizers=["SkipLayerNormFusion"]，前后各量一次',
        "{count} LayerNorms: the fused SkipLayerNormalization has been slower since 1.30, {version} is installed",
        'pass disabled_optimizers=["SkipLayerNormFusion"] to InferenceSession, and measure before and after',
        _PULL + "31973",
    ),
    "fault_pad": Advice(
        "symptoms.html#wrong-numbers",
        "模型里有 {count} 处 Pad 接 MaxPool，onnxruntime {version} 会把它们并起来，输入有负数时算错（1.32 已修）",
        '升级，或者建会话时传 disabled_optimizers=["Pad_Fusion"]',
        "{count} Pad before MaxPool: onnxruntime {version} fuses them, wrong where inputs are negative (mended in 1.32)",
        'upgrade, or pass disabled_optimizers=["Pad_Fusion"] to InferenceSession',
        _PULL + "18136",
    ),
    "denormals": Advice(
        "symptoms.html#intel-slow",
        "权重里有 {count} 个非规格化数（{share:.2%}），许多处理器算它们很慢",
        '进程里第一个会话就设 options.add_session_config_entry("session.set_denormal_as_zero", "1")，或者清理一份模型',
        "{count} of the weights ({share:.2%}) are denormals, with which many processors are slow",
        'set options.add_session_config_entry("session.set_denormal_as_zero", "1") in the first session, or clean a copy',
    ),
    "weights_as_inputs": Advice(
        "symptoms.html#weights-as-inputs",
        "{count} 个权重同时是输入（IR {ir}），不能当常量优化",
        "把它们从输入里去掉，存成新模型",
        "{count} weights are inputs, too (IR {ir}): they cannot be optimised as constants",
        "take them out of the inputs and save the model anew",
    ),
    "external_missing": Advice(
        "symptoms.html#load-twice",
        "外部权重文件 {names} 不在模型旁边，或者不完整",
        "把它和 .onnx 放在同一个目录里，名字不要改",
        "the file of weights {names} is not beside the model, or too short",
        "put it into the model's folder, under the same name",
    ),
    "int8_no_vnni": Advice(
        "symptoms.html#int8-slow",
        "模型里有 {count} 个量化算子，这个处理器没有 VNNI（int8 点积指令），int8 未必快",
        "和没有量化的模型比一次；要快，换有 VNNI 的机器",
        "{count} quantised operators, but this processor has no int8 dot product (VNNI): int8 may not be faster",
        "measure against the float model; to gain, use a machine with VNNI",
    ),
    "int8_convolutions": Advice(
        "symptoms.html#int8-slow",
        "模型里有 {count} 个 ConvInteger（动态量化的卷积），其中 {signed} 个的权重是 QInt8：x86 上没有快的实现",
        "只量化矩阵乘，或者改用静态量化、激活设成 QUInt8；前后各量一次",
        "{count} ConvInteger (convolutions quantised dynamically), {signed} with QInt8 weights: x86 has no fast kernel for them",
        "quantise matrix products only, or statically with QUInt8 activations; measure before and after",
        _ISSUE + "12854",
    ),
    "int8_signed": Advice(
        "symptoms.html#int8-slow",
        "模型里有 {count} 处激活量化成 QInt8（quantize_static 的默认）：x86 上有一部分算子融合不了，照算 fp32",
        "重新量化，加上 activation_type=QuantType.QUInt8",
        "{count} activations are QInt8 (the default of quantize_static): on x86 a part of the operators is not fused, and runs in fp32",
        "quantise anew with activation_type=QuantType.QUInt8",
        _ISSUE + "26143",
    ),
    "too_new": Advice(
        "symptoms.html#load-refused",
        "模型是 IR {ir}、opset {opset}，onnxruntime {version} 只认到 IR {most_ir}、opset {most_opset}",
        "升级 onnxruntime；不能升级，就重新导出，IR 和 opset 都写低",
        "the model has IR {ir}, opset {opset}; onnxruntime {version} reads up to IR {most_ir}, opset {most_opset}",
        "upgrade onnxruntime, or export the model again with a lower IR and opset",
    ),
    "opset_old": Advice(
        "symptoms.html#load-refused",
        "模型的 opset 是 {opset}，ONNX Runtime 只保证 7 和以上",
        "用 onnx.version_converter 升级，或者重新导出",
        "the model has opset {opset}; ONNX Runtime supports 7 and newer",
        "convert it with onnx.version_converter, or export it again",
    ),
}

NOTES: dict[str, tuple[str, str]] = {
    "telemetry": (
        "1.29 起的官方包默认开着遥测：多一个线程，在 ~/.cache 下写文件。不要就 export ORT_DISABLE_TELEMETRY=1",
        "official packages from 1.29 on have telemetry: a thread, and files in ~/.cache. ORT_DISABLE_TELEMETRY=1 stops it",
    ),
    "group_busy": (
        "有 {workers} 个没绑核的线程在 {seconds:g} 秒里用了 {burnt:.2f} 秒 CPU，别的线程几乎闲着：若是 ONNX Runtime 的工作线程，就是在空转",
        (
            "{workers} threads that are not pinned burnt {burnt:.2f} s of CPU in {seconds:g} s while the others idled: if they are "
            "ONNX Runtime's, they spin"
        ),
    ),
    "openmp_used": (
        "{names} 管不到 ONNX Runtime；这个进程里有 OpenMP 的库，它管那个",
        "{names} does nothing to ONNX Runtime, but this process has an OpenMP library, which reads it",
    ),
    "inter_variable": (
        "ORT_INTER_OP_NUM_THREADS 只在 ORT_PARALLEL 时有用",
        "ORT_INTER_OP_NUM_THREADS counts with ORT_PARALLEL only",
    ),
    "malloc_variables": (
        "{names} 调低之后内存还得多，但和关 arena 一起用，每次推理都要重新缺页，明显变慢",
        "{names} gives more memory back, but together with the arena off every call faults its pages in again: much slower",
    ),
    "musl": (
        "这里是 musl，MALLOC_ 开头的变量没有作用",
        "this is musl: variables that begin with MALLOC_ do nothing",
    ),
    "dynamic": (
        "会变的维：{names}。尺寸常变就设 options.enable_mem_pattern = False",
        "dimensions that vary: {names}. If sizes do change, set options.enable_mem_pattern = False",
    ),
    "int8_unsigned_convolutions": (
        "有 {count} 个 ConvInteger（动态量化的卷积），每次推理都要先算激活的范围：和没有量化的模型比一次，未必更快",
        "{count} ConvInteger (convolutions quantised dynamically) find the range of activations in every call: compare with the float model",
    ),
    "external": (
        "权重在外部文件里（{names}）：建会话要传路径，不能传读好的字节",
        "weights are in files of their own ({names}): give the session a path, not bytes",
    ),
    "few_denormals": (
        "权重里有 {count} 个非规格化数，太少，多半不碍事",
        "{count} of the weights are denormals; too few to matter, most likely",
    ),
    "forked_ok": (
        "这是从 {parent} 号进程 fork 出来的，父进程那时已有 {missing} 个工作线程；这里后来又建了自己的，只要不用父进程的会话就没事",
        "forked from process {parent}, which had {missing} worker(s); it has made its own since: fine, unless it uses the old session",
    ),
    "layer_norm_version": (
        "1.30 起 SkipLayerNormalization 变慢了（BERT 一类用它）；加上 --model 看你的模型有没有",
        "SkipLayerNormalization (BERT and the like) has been slower since 1.30; --model tells whether yours has it",
    ),
    "pad_version": (
        "1.32 以前 Pad 接 MaxPool 可能算错；加上 --model 看你的模型有没有",
        "before 1.32, Pad before MaxPool may give wrong numbers; --model tells whether yours has it",
    ),
}

FACTS: dict[str, tuple[str, str]] = {
    "system": ("系统", "system"),
    "libc": ("C 库", "C library"),
    "cpu": ("处理器", "processor"),
    "int8": ("int8 指令", "int8 instructions"),
    "usable": ("能用的核", "cores to use"),
    "affinity": ("亲和掩码里的核", "cores in the affinity mask"),
    "quota": ("CPU 配额（核）", "CPU quota (cores)"),
    "default_threads": ("不写时的线程数", "threads by default"),
    "throttled": ("被停住的周期", "throttled periods"),
    "memory_limit_mib": ("内存上限 MiB", "memory limit, MiB"),
    "memory_used_mib": ("容器占用 MiB", "container uses, MiB"),
    "oom_kills": ("因内存不足被杀", "killed for memory"),
    "huge_pages": ("透明大页", "transparent huge pages"),
    "onnxruntime": ("ONNX Runtime", "ONNX Runtime"),
    "variables": ("有关的环境变量", "variables that matter"),
    "process": ("进程", "process"),
    "threads": ("线程", "threads"),
    "pools": ("像是线程池的", "groups like pools"),
    "rss_mib": ("占内存 MiB", "resident, MiB"),
    "peak_mib": ("最多占过 MiB", "peak, MiB"),
    "heap_mib": (
        "堆和匿名内存 MiB（arena 和 malloc 手里的，至多这么多）",
        "heap and anonymous, MiB (what arena and malloc hold, at most)",
    ),
    "mapped": ("映射着的模型", "models mapped"),
    "model": ("模型", "model"),
    "ir": ("IR 版本", "IR version"),
    "opset": ("opset", "opset"),
    "producer": ("导出工具", "exported by"),
    "inputs": ("输入", "inputs"),
    "nodes": ("节点", "nodes"),
    "floats": ("float32 权重", "float32 weights"),
    "denormals": ("其中非规格化数", "denormals among them"),
    "quantised": ("量化算子", "quantised operators"),
}

WORDS: dict[str, tuple[str, str]] = {
    "none": ("没有发现问题。", "Nothing found."),
    "some": ("发现 {count} 处：", "Found {count}:"),
    "do": ("怎么办", "what to do"),
    "more": ("详见", "more"),
    "source": ("出处", "source"),
    "notes": ("另外：", "Also:"),
    "unread": ("没读到：", "Could not read:"),
    "sampled": ("抽查了 {share:.0%}", "{share:.0%} looked at"),
    "pool": ("{workers} 个{pinned}", "{workers}{pinned}"),
    "pinned": ("（各绑一核）", " (pinned)"),
    "no_process": ("没有 {pid} 号进程", "there is no process {pid}"),
    "no_such_file": ("没有这个文件：{name}", "no such file: {name}"),
    "not_onnx": ("{name} 不是 ONNX 模型，或者没有写完", "{name} is not an ONNX model, or not all of it"),
    "ort_format": (
        "{name} 是 .ort 格式，本工具只读 .onnx",
        "{name} is in ORT format; only .onnx can be read",
    ),
    "no_access": ("{name}（没有权限）", "{name} (not permitted)"),
    "only_linux": (
        "{pid} 号进程的线程、亲和性和环境变量（只有 Linux 能读）",
        "threads, affinities and variables of {pid} (Linux only)",
    ),
    "no_flags": ("处理器的 int8 指令", "the processor's int8 instructions"),
    "no_smaps": ("/proc/{pid}/smaps（堆和匿名内存）", "/proc/{pid}/smaps (heap and anonymous memory)"),
    "no_environ": ("/proc/{pid}/environ（环境变量）", "/proc/{pid}/environ (variables)"),
    "no_maps": ("/proc/{pid}/maps（用的是哪个 onnxruntime）", "/proc/{pid}/maps (which onnxruntime it has)"),
    "no_version": ("onnxruntime 的版本", "the version of onnxruntime"),
    "not_loaded": (
        "{pid} 号进程没有加载 onnxruntime，线程没法认；加载了它的进程：{others}",
        "process {pid} has not loaded onnxruntime, so its threads mean nothing; those that have: {others}",
    ),
    "no_parent": (
        "父进程 {pid} 的映射（是不是 fork 来的）",
        "mappings of the parent {pid} (whether it forked)",
    ),
}

# --- What is read -----------------------------------------------------------------------------------------------------

MIB = 1 << 20
Version = Tuple[int, ...]
Values = Dict[str, Any]
Run = Callable[[List[str]], str]
"""A command -> what it prints; empty where it fails."""


class CannotLook(Exception):
    """What was asked for cannot be looked at; the argument is a key of WORDS, then its figures."""

    def __init__(self, word: str, **values: Any) -> None:
        super().__init__(word)
        self.word, self.values = word, values


@dataclass
class Machine:
    """None and empty texts: could not be read."""

    system: str = ""
    arch: str = ""
    libc: str = ""
    cpu: str = ""
    flags: set[str] = field(default_factory=set)
    affinity: int | None = None
    """CPUs that the mask allows; cpusets are in it."""
    quota: float | None = None
    physical: int | None = None
    logical: int = 1
    limit: int | None = None
    """Bytes."""
    used: int | None = None
    """Bytes that the container holds and the kernel cannot drop."""
    oom_kills: int = 0
    periods: int = 0
    throttled: int = 0
    huge_pages: str = ""
    has_shell: bool = True
    """A shell, or a machine id: with neither, one version crashed."""

    @property
    def usable(self) -> int:
        """Whole cores, as a number of threads to set."""
        mask = self.affinity or self.logical
        return max(1, min(mask, int(self.quota) if self.quota is not None else mask))

    @property
    def default_threads(self) -> int:
        """What a session takes that names no number: physical cores, whatever mask and quota say."""
        if self.system == "Darwin" or not self.physical:
            return max(1, self.logical // 2)
        return self.physical


@dataclass
class Thread:
    """`started`: ticks since boot. `cpu_s`: seconds burnt while it was watched."""

    tid: int
    started: int
    cpus: set[int]
    cpu_s: float = 0.0


@dataclass
class Process:
    """A running one, seen from outside. `environ` None: could not be read."""

    pid: int
    command: str = ""
    environ: dict[str, str] | None = None
    threads: list[Thread] = field(default_factory=list)
    seconds: float = 0.0
    """For how long threads were watched."""
    periods: int = 0
    throttled: int = 0
    """In that time."""
    rss: int | None = None
    peak: int | None = None
    swap: int = 0
    heap: int | None = None
    """Bytes in the heap and in anonymous mappings, stacks not counted."""
    mapped: list[str] = field(default_factory=list)
    """Names of model files."""
    libraries: set[str] = field(default_factory=set)
    version: Version | None = None
    parent: int = 0
    missing: int = 0
    """Workers that the parent had when this process was forked from it."""

    def pools(self) -> list[list[Thread]]:
        """Groups like ONNX Runtime's. Lone threads that nobody pinned are timers, telemetry, a server's own."""
        if "onnxruntime" not in self.libraries:
            return []
        groups = [one for one in self._made_together() if len(one) > 1 or self.pinned(one[0])]
        if "openblas" in self.libraries:  # NumPy's: one for each further core of the mask, made at its import
            numpys = [
                one for one in groups if len(one) == len(self.main().cpus) - 1 and not self.pinned(one[0])
            ]
            groups = [one for one in groups if one not in numpys[:1]]
        return groups

    def _made_together(self) -> list[list[Thread]]:
        """Threads that were made one right after the other; the first thread of the process is in none."""
        groups: list[list[Thread]] = []
        for thread in sorted(self.threads, key=lambda one: one.tid):
            if thread.tid == self.pid:
                continue
            last = groups[-1][-1] if groups else None
            near = last and thread.tid - last.tid <= NEAR_TIDS and thread.started - last.started <= NEAR_TICKS
            if near and self.pinned(thread) == self.pinned(groups[-1][-1]):
                groups[-1].append(thread)
            else:
                groups.append([thread])
        return groups

    def main(self) -> Thread:
        return next((one for one in self.threads if one.tid == self.pid), Thread(self.pid, 0, set()))

    def pinned(self, thread: Thread) -> bool:
        """ONNX Runtime gives each worker of a default pool one core (with its hyper-threads), and nobody else does."""
        return bool(thread.cpus) and thread.cpus != self.main().cpus and len(thread.cpus) <= MOST_SIBLINGS


NEAR_TIDS, NEAR_TICKS = 1, 2
"""Threads of a pool are made one right after the other; a tick is 10 ms."""
MOST_SIBLINGS = 8
"""Hardware threads of one core."""


@dataclass
class Model:
    """What stands in an ONNX file, as far as it matters here."""

    name: str
    ir: int = 0
    opset: int = 0
    producer: str = ""
    inputs: dict[str, list[str]] = field(default_factory=dict)
    """Without the weights; name -> sizes and names of dimensions."""
    nodes: Counter = field(default_factory=Counter)  # type: ignore[type-arg] # 3.8 has no Counter[str] at run time
    weights_as_inputs: int = 0
    floats: int = 0
    denormals: int = 0
    share: float = 1.0
    """Part of the weights that was looked at."""
    pads: int = 0
    """Pad before MaxPool where the input may be negative."""
    signed_convolutions: int = 0
    """ConvInteger whose weights are int8, not uint8."""
    signed_activations: int = 0
    """QuantizeLinear to int8 of what is no weight."""
    outside: dict[str, int] = field(default_factory=dict)
    """File of weights -> bytes that it must have."""
    missing: list[str] = field(default_factory=list)

    @property
    def quantised(self) -> int:
        return sum(count for name, count in self.nodes.items() if name in QUANTISED)

    @property
    def layer_norms(self) -> int:
        return sum(self.nodes[name] for name in ("LayerNormalization", "SkipLayerNormalization"))


QUANTISED = {
    *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"),
    *("QLinearMatMul", "QLinearConv", "QGemm", "QAttention", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"),
}


@dataclass
class Look:
    """All that was read."""

    machine: Machine
    process: Process | None = None
    model: Model | None = None
    environ: dict[str, str] = field(default_factory=dict)
    version: Version | None = None
    package: str = ""
    unread: list[tuple[str, Values]] = field(default_factory=list)


# --- Linux: /proc, /sys and cgroups -----------------------------------------------------------------------------------

NO_LIMIT = 1 << 60
"""cgroup v1 says "no limit" with a number beyond this."""
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
MODEL_FILES = (".onnx", ".ort", ".onnx_data", ".onnx.data")
LIBRARY = re.compile(r"onnxruntime_pybind11_state|libonnxruntime[.\d]*\.so|libonnxruntime\.so")
LIBRARIES = {
    "onnxruntime": LIBRARY,
    "openmp": re.compile(r"lib(gomp|iomp5|omp)\b"),
    "openblas": re.compile("openblas"),
}


def text(path: Path) -> str:
    """What a small file holds; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def cpus(words: str) -> set[int]:
    """`0-3,8` -> {0, 1, 2, 3, 8}."""
    found: set[int] = set()
    for part in filter(None, words.strip().split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def spelled(numbers: set[int]) -> str:
    """The way back, in full: masks that matter are short."""
    return ",".join(map(str, sorted(numbers)))


def number(words: str) -> int | None:
    return int(words) if re.fullmatch(r"-?\d+", words) else None


def entries(words: str) -> dict[str, str]:
    """Lines of a name, a colon or a space, and a value."""
    pairs = (re.split(r"[:\s]+", line, maxsplit=1) for line in words.splitlines())
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


class Cgroup:
    """The cgroups of a process, v1 or v2, from the outermost that is visible here to its own."""

    def __init__(self, root: Path, pid: str) -> None:
        self.root = root
        self.memberships = [line.split(":", 2) for line in text(root / "proc" / pid / "cgroup").splitlines()]
        self.mounts = list(self._mounts())

    def _mounts(self) -> Iterator[tuple[set[str], str, Path]]:
        """Controllers (none: v2), the part of the tree that is mounted, and where."""
        for line in text(self.root / "proc/self/mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            kind, where = after.split(" ")[:1], before.split(" ")
            if kind == ["cgroup2"]:
                yield set(), where[3], self.root / where[4].lstrip("/")
            elif kind == ["cgroup"]:
                yield set(after.split(" ")[-1].split(",")), where[3], self.root / where[4].lstrip("/")

    def folders(self, controller: str) -> list[Path]:
        """Its own first. In a container, the path told may be the host's: then what is mounted is its own."""
        found: list[Path] = []
        for _, controllers, path in (one for one in self.memberships if len(one) == 3):
            if controllers and controller not in controllers.split(","):
                continue
            for mounted, top, where in self.mounts:
                if bool(mounted) != bool(controllers) or (mounted and controller not in mounted):
                    continue
                below = path[len(top.rstrip("/")) :] if (path + "/").startswith(top.rstrip("/") + "/") else ""
                own = where / below.lstrip("/")
                own = own if own.is_dir() else where
                found += [one for one in (own, *own.parents) if one == where or where in one.parents]
        return found

    def quota(self) -> float | None:
        """Cores; the least of all that hold."""
        found = []
        for folder in self.folders("cpu"):
            words = text(folder / "cpu.max").split()
            quota = number(words[0] if words else text(folder / "cpu.cfs_quota_us"))
            period = number(words[1] if len(words) > 1 else text(folder / "cpu.cfs_period_us"))
            if quota and period and quota > 0:
                found.append(quota / period)
        return min(found) if found else None

    def throttling(self) -> tuple[int, int]:
        """Periods that had something to do, and those of them in which the quota ran out."""
        for folder in self.folders("cpu"):
            said = entries(text(folder / "cpu.stat"))
            if said.get("nr_periods", "0") != "0":
                return int(said["nr_periods"]), int(said.get("nr_throttled", 0))
        return 0, 0

    def memory(self) -> tuple[int | None, int | None, int]:
        """The nearest limit, what is used below it, and how many processes were killed for it."""
        limits = []
        for folder in self.folders("memory"):
            limit = number(text(folder / "memory.max") or text(folder / "memory.limit_in_bytes"))
            if limit is None or limit >= NO_LIMIT:
                continue
            used = number(text(folder / "memory.current") or text(folder / "memory.usage_in_bytes")) or 0
            stat = entries(text(folder / "memory.stat"))
            cache = int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
            events = entries(text(folder / "memory.events") or text(folder / "memory.oom_control"))
            limits.append((limit, max(0, used - cache), int(events.get("oom_kill", 0))))
        return min(limits) if limits else (None, None, 0)


def linux_machine(root: Path, pid: str = "self") -> Machine:
    """The machine as a process there sees it."""
    info, group = entries_of_cpuinfo(root), Cgroup(root, pid)
    limit, used, kills = group.memory()
    periods, throttled = group.throttling()
    inside = root / "proc" / pid / "root"
    inside = inside if inside.is_dir() else root
    present = cpus(text(root / "sys/devices/system/cpu/present")) or set(range(os.cpu_count() or 1))
    mask = cpus(entries(text(root / "proc" / pid / "status")).get("Cpus_allowed_list", ""))
    return Machine(
        system="Linux",
        arch=platform.machine(),
        libc=libc(inside),
        cpu=info.get("model name", info.get("Model", "")),
        flags=set((info.get("flags") or info.get("Features") or "").split()),
        affinity=len(mask) or None,
        quota=group.quota(),
        physical=physical_cores(root, present),
        logical=len(present),
        limit=limit,
        used=used,
        oom_kills=kills,
        periods=periods,
        throttled=throttled,
        huge_pages="".join(
            re.findall(r"\[(\w+)\]", text(root / "sys/kernel/mm/transparent_hugepage/enabled"))
        ),
        has_shell=any((inside / name).exists() for name in ("bin/sh", "etc/machine-id")),
    )


def entries_of_cpuinfo(root: Path) -> dict[str, str]:
    """Of the first processor that says what it is."""
    pairs = (line.partition(":") for line in text(root / "proc/cpuinfo").splitlines())
    found: dict[str, str] = {}
    for name, _, value in pairs:
        found.setdefault(name.strip(), value.strip())
    return found


def physical_cores(root: Path, present: set[int]) -> int | None:
    """As ONNX Runtime counts: all that the kernel knows, those that others use included."""
    folder = root / "sys/devices/system/cpu"
    places = {
        (text(folder / f"cpu{one}/topology/physical_package_id"), text(folder / f"cpu{one}/topology/core_id"))
        for one in present
    }
    return len(places - {("", "")}) or None


def libc(inside: Path) -> str:
    for folder in ("lib", "usr/lib", "lib64"):
        if any((inside / folder).glob("ld-musl-*")):
            return "musl"
    return " ".join(platform.libc_ver()).strip()


def linux_process(
    root: Path, pid: int, seconds: float, sleep: Callable[[float], None], unread: list[tuple[str, Values]]
) -> Process:
    """Look at a process for so long. Raises CannotLook where there is none."""
    folder = root / "proc" / str(pid)
    if not folder.is_dir():
        raise CannotLook("no_process", pid=pid)
    group = Cgroup(root, str(pid))
    before, (periods, throttled) = thread_stats(folder), group.throttling()
    began = time.monotonic()
    sleep(seconds)
    lasted = time.monotonic() - began
    if not folder.is_dir():
        raise CannotLook("no_process", pid=pid)
    status, maps = entries(text(folder / "status")), text(folder / "maps")
    if not maps:
        unread.append(("no_maps", {"pid": pid}))
    elif not LIBRARY.search(maps):
        unread.append(("not_loaded", {"pid": pid, "others": have_loaded(root)}))
    now = group.throttling()
    found = Process(
        pid=pid,
        command=command(folder),
        environ=environ(folder),
        threads=threads_of(folder, before),
        seconds=lasted,
        periods=now[0] - periods,
        throttled=now[1] - throttled,
        rss=kib(status, "VmRSS"),
        peak=kib(status, "VmHWM"),
        swap=kib(status, "VmSwap") or 0,
        heap=heap(text(folder / "smaps")),
        mapped=sorted({Path(name).name for name in files(maps) if name.endswith(MODEL_FILES)}),
        libraries={name for name, pattern in LIBRARIES.items() if pattern.search(maps)},
        version=version_in(folder / "root", maps),
        parent=int(status.get("PPid", 0)),
    )
    if found.environ is None:
        unread.append(("no_environ", {"pid": pid}))
    if found.heap is None:
        unread.append(("no_smaps", {"pid": pid}))
    found.missing = missing_workers(root, found, maps, unread)
    return found


def have_loaded(root: Path) -> list[str]:
    """Numbers of the processes that have ONNX Runtime, as far as they may be read: process 1 is often a shell."""
    numbers = sorted(int(one.name) for one in (root / "proc").iterdir() if one.name.isdigit())
    found = (str(one) for one in numbers if LIBRARY.search(text(root / "proc" / str(one) / "maps")))
    return list(found) or ["-"]


def command(folder: Path) -> str:
    return text(folder / "cmdline").replace("\0", " ").strip()[:200]


def thread_stats(folder: Path) -> dict[int, tuple[int, float]]:
    """Thread -> when it was made, in ticks since boot, and its seconds of CPU."""
    found = {}
    for task in (folder / "task").glob("*"):
        after_name = text(task / "stat").rpartition(")")[2].split()
        if len(after_name) > 19:
            found[int(task.name)] = (int(after_name[19]), (int(after_name[11]) + int(after_name[12])) / TICKS)
    return found


def threads_of(folder: Path, before: dict[int, tuple[int, float]]) -> list[Thread]:
    """What each burnt since `before` was read."""
    found = []
    for tid, (started, spent) in thread_stats(folder).items():
        allowed = entries(text(folder / f"task/{tid}/status")).get("Cpus_allowed_list", "")
        found.append(Thread(tid, started, cpus(allowed), spent - before.get(tid, (0, 0.0))[1]))
    return found


def environ(folder: Path) -> dict[str, str] | None:
    try:
        words = (folder / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    pairs = (one.partition("=") for one in words.split("\0") if "=" in one)
    return {name: value for name, _, value in pairs}


def kib(status: dict[str, str], name: str) -> int | None:
    value = number(status.get(name, "").replace("kB", "").strip())
    return None if value is None else value * 1024


def heap(smaps: str) -> int | None:
    """Bytes resident in what malloc and the arena take from the system: the heap and mappings of no file."""
    if not smaps:
        return None
    total, counts = 0, False
    for line in smaps.splitlines():
        head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)", line)
        if head:
            counts = head[1] in ("", "[heap]") or head[1].startswith("[anon")
        elif counts and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def files(maps: str) -> set[str]:
    """Paths of files that are mapped."""
    return {
        fields[5]
        for fields in (line.split(None, 5) for line in maps.splitlines())
        if len(fields) == 6 and fields[5].startswith("/")
    }


def version_in(root: Path, maps: str) -> Version | None:
    """Of the ONNX Runtime that a process has loaded: its package says so, or the name of the library."""
    for name in sorted(files(maps)):
        if not LIBRARY.search(name):
            continue
        package = root / name.lstrip("/")
        for about in sorted(package.parent.parent.parent.glob("onnxruntime*.dist-info")):
            return version(about.name.split("-")[1])
        told = re.search(r"\.so\.(\d+\.\d+\.\d+)", name)
        if told:
            return version(told[1])
    return None


def missing_workers(root: Path, child: Process, maps: str, unread: list[tuple[str, Values]]) -> int:
    """Of the parent's worker threads, those that were there before the child: a fork copies memory, but one thread only.

    Only a forked process has the library at the same address as its parent: each start of a program draws addresses anew.
    """
    where, folder = library_addresses(maps), root / "proc" / str(child.parent)
    theirs = text(folder / "maps")
    if where and not theirs and command(folder) == child.command:
        unread.append(("no_parent", {"pid": child.parent}))
    if not where or where != library_addresses(theirs):
        return 0
    parent = Process(child.parent, threads=threads_of(folder, {}), libraries=child.libraries)
    born = child.main().started
    return sum(one.started < born for pool in parent.pools() for one in pool)


def library_addresses(maps: str) -> list[str]:
    return [line.split("-")[0] for line in maps.splitlines() if LIBRARY.search(line)]


# --- macOS and Windows: commands of the system ------------------------------------------------------------------------


def printed(command: list[str]) -> str:
    """What a command prints; empty where it is not there or fails."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def mac_machine(run: Run) -> Machine:
    said = run(["sysctl", "-n", "hw.logicalcpu", "hw.physicalcpu", "machdep.cpu.brand_string"]).splitlines()
    flags = {
        name.rpartition(".")[2].lower()
        for name, value in entries(run(["sysctl", "hw.optional"])).items()
        if value == "1"
    }
    arch = platform.machine()
    return Machine(
        system="Darwin",
        arch=arch,
        cpu=said[2] if len(said) > 2 else "",
        flags=flags | ({"asimddp"} if arch == "arm64" else set()),
        physical=number(said[1]) if len(said) > 1 else None,
        logical=(number(said[0]) if said else None) or os.cpu_count() or 1,
    )


def mac_process(run: Run, pid: int) -> Process:
    said = run(["ps", "-o", "rss=,ppid=,command=", "-p", str(pid)]).split(None, 2)
    if len(said) < 3:
        raise CannotLook("no_process", pid=pid)
    threads = run(["ps", "-M", "-p", str(pid)]).splitlines()[1:]
    return Process(
        pid,
        command=said[2][:200],
        rss=int(said[0]) * 1024,
        parent=int(said[1]),
        threads=[Thread(pid + at, 0, set()) for at in range(len(threads))],
    )


_WINDOWS_MACHINE = "Get-CimInstance Win32_Processor | Select-Object Name, NumberOfCores, NumberOfLogicalProcessors | ConvertTo-Json"
_WINDOWS_PROCESS = (
    "Get-Process -Id {pid} | Select-Object Path, WorkingSet64, PeakWorkingSet64, @{{n='Count';e={{$_.Threads.Count}}}},"
    " @{{n='Mask';e={{[int64]$_.ProcessorAffinity}}}} | ConvertTo-Json"
)


def windows(run: Run, script: str) -> list[dict[str, Any]]:
    """PowerShell is on every Windows."""
    said = run(["powershell", "-NoProfile", "-Command", script])
    found = json.loads(said) if said else []
    return found if isinstance(found, list) else [found]


def windows_machine(run: Run) -> Machine:
    sockets = windows(run, _WINDOWS_MACHINE)
    return Machine(
        system="Windows",
        arch=platform.machine(),
        cpu=sockets[0]["Name"].strip() if sockets else "",
        physical=sum(one["NumberOfCores"] for one in sockets) or None,
        logical=sum(one["NumberOfLogicalProcessors"] for one in sockets) or os.cpu_count() or 1,
    )


def windows_process(run: Run, pid: int) -> Process:
    found = windows(run, _WINDOWS_PROCESS.format(pid=pid))
    if not found:
        raise CannotLook("no_process", pid=pid)
    said = found[0]
    every = {one for one in range(64) if said["Mask"] >> one & 1}
    threads = [Thread(pid + at, 0, every) for at in range(said["Count"])]
    return Process(
        pid,
        command=said["Path"] or "",
        rss=said["WorkingSet64"],
        peak=said["PeakWorkingSet64"],
        threads=threads,
    )


# --- A model: the protobuf wire format, as far as it is needed --------------------------------------------------------
# Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

Span = Tuple[int, int]
"""Beginning and end in the file."""
WINDOW = 1 << 16
CHUNK = 1 << 18
"""Bytes of weights looked at in one go: what the second-level cache of a processor holds."""
WITHOUT_NUMPY = 16 * MIB
"""Bytes of weights that are decoded in Python, spread over all of them."""
FLOAT, SIGNED = 1, 3
"""Types of tensors: float32 and int8."""
EXTERNAL = 1
NEVER_NEGATIVE = {"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Exp", "Abs"}


class Damaged(Exception):
    """Not a message, or one that ends too early."""


class Wire:
    """Messages of an open file, read through a window: weights of gigabytes never come into memory."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.base, self.window = file, 0, b""
        self.size = file.seek(0, os.SEEK_END)

    def bytes(self, span: Span) -> bytes:
        self.file.seek(span[0])
        return self.file.read(span[1] - span[0])

    def words(self, span: Span) -> str:
        return self.bytes(span).decode("utf-8", "replace")

    def varint(self, at: int) -> tuple[int, int]:
        """A number, and where the next thing begins."""
        if not self.base <= at <= self.base + len(self.window) - 10:
            self.base, self.window = at, self.bytes((at, at + WINDOW))
        value = shift = 0
        for offset in range(at - self.base, min(at - self.base + 10, len(self.window))):
            byte = self.window[offset]
            value |= (byte & 127) << shift
            if byte < 128:
                return value, self.base + offset + 1
            shift += 7
        raise Damaged

    def fields(self, span: Span) -> Iterator[tuple[int, int | Span]]:
        """Number and value of each field: a whole number, or where its bytes are."""
        at, end = span
        while at < end:
            key, at = self.varint(at)
            kind = key & 7
            if kind == 0:
                value, at = self.varint(at)
                yield key >> 3, value
                continue
            if kind == 2:
                size, at = self.varint(at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise Damaged
            if at + size > end:
                raise Damaged
            yield key >> 3, (at, at + size)
            at += size

    def numbers(self, value: int | Span) -> Iterator[int]:
        """Of a repeated field, packed or not."""
        if isinstance(value, int):
            yield value
            return
        at, end = value
        while at < end:
            one, at = self.varint(at)
            yield one


@dataclass
class Tensor:
    """A weight: where its float32 numbers are."""

    name: str = ""
    kind: int = 0
    count: int = 1
    spans: list[Span] = field(default_factory=list)
    outside: dict[str, str] = field(default_factory=dict)


@dataclass
class Node:
    op: str = ""
    mode: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


class Reader:
    """Walks through a model and notes what matters."""

    def __init__(self, path: Path, wire: Wire) -> None:
        self.wire = wire
        self.model = Model(path.name)
        self.folder = path.parent
        self.tensors: list[Tensor] = []

    def read(self) -> Model:
        graphs = 0
        for number_, value in self.wire.fields((0, self.wire.size)):
            if number_ == 1 and isinstance(value, int):
                self.model.ir = value
            elif number_ == 2 and isinstance(value, tuple):
                self.model.producer = self.wire.words(value)
            elif number_ == 7 and isinstance(value, tuple):
                graphs += 1
                self._graph(value, outermost=True)
            elif number_ == 8 and isinstance(value, tuple):
                self._opset(value)
            elif number_ == 25 and isinstance(value, tuple):
                self._nodes(one for at, one in self.wire.fields(value) if at == 7)
        if not graphs or not self.model.ir:
            raise Damaged
        self._weigh()
        return self.model

    def _opset(self, span: Span) -> None:
        said = dict(self.wire.fields(span))
        domain = said.get(1, (0, 0))
        if isinstance(domain, tuple) and self.wire.words(domain) in ("", "ai.onnx"):
            self.model.opset = int(said.get(2, 0))  # type: ignore[arg-type] # a varint by the schema

    def _graph(self, span: Span, *, outermost: bool = False) -> None:
        nodes, names, inputs = [], set(), {}
        for number_, value in self.wire.fields(span):
            if number_ == 1:
                nodes.append(value)
            elif number_ == 5 and isinstance(value, tuple):
                names.add(self._tensor(value).name)
            elif number_ == 11 and isinstance(value, tuple) and outermost:
                name, dims = self._input(value)
                inputs[name] = dims
        self._nodes(iter(nodes))
        if outermost:
            self.model.weights_as_inputs = len(names & inputs.keys())
            self.model.inputs = {name: dims for name, dims in inputs.items() if name not in names}

    def _input(self, span: Span) -> tuple[str, list[str]]:
        """ValueInfoProto: name, then type, tensor type, shape, dimensions."""
        name, dims = "", []
        for number_, value in self.wire.fields(span):
            if number_ == 1 and isinstance(value, tuple):
                name = self.wire.words(value)
            elif number_ == 2 and isinstance(value, tuple):
                dims = [self._dimension(one) for one in self._below(value, 1, 2, 1)]
        return name, dims

    def _below(self, span: Span, *path: int) -> Iterator[Span]:
        """Fields of fields."""
        for number_, value in self.wire.fields(span):
            if number_ == path[0] and isinstance(value, tuple):
                if len(path) == 1:
                    yield value
                else:
                    yield from self._below(value, *path[1:])

    def _dimension(self, span: Span) -> str:
        for _, value in self.wire.fields(span):
            return str(value) if isinstance(value, int) else self.wire.words(value)
        return "?"

    def _nodes(self, spans: Iterator[int | Span]) -> None:
        nodes = [self._node(span) for span in spans if isinstance(span, tuple)]
        self.model.nodes.update(node.op for node in nodes)
        makers = {name: node for node in nodes for name in node.outputs}
        for node in nodes:
            pad = makers.get(node.inputs[0]) if node.op == "MaxPool" and node.inputs else None
            if pad and pad.op == "Pad" and pad.mode in ("", "constant") and self._with_zeros(pad):
                before = makers.get(pad.inputs[0]) if pad.inputs else None
                self.model.pads += not (before and before.op in NEVER_NEGATIVE)
        self._signed(nodes)

    def _signed(self, nodes: list[Node]) -> None:
        """Weights and zero points are tensors by now, those of the graphs around as well."""
        kinds = {tensor.name: tensor.kind for tensor in self.tensors if tensor.name}
        for node in nodes:
            if node.op == "ConvInteger" and len(node.inputs) > 1:
                self.model.signed_convolutions += kinds.get(node.inputs[1]) == SIGNED
            elif node.op == "QuantizeLinear" and len(node.inputs) > 2 and node.inputs[0] not in kinds:
                self.model.signed_activations += kinds.get(node.inputs[2]) == SIGNED

    def _with_zeros(self, pad: Node) -> bool:
        """What it pads with, as far as that is known; 0 where it does not say."""
        name = pad.inputs[2] if len(pad.inputs) > 2 else ""
        spans = [span for tensor in self.tensors if name and tensor.name == name for span in tensor.spans]
        return not any(self.wire.bytes(span).strip(b"\0") for span in spans)

    def _node(self, span: Span) -> Node:
        node, before = Node(), len(self.tensors)
        for number_, value in self.wire.fields(span):
            if not isinstance(value, tuple):
                continue
            if number_ == 1:
                node.inputs.append(self.wire.words(value))
            elif number_ == 2:
                node.outputs.append(self.wire.words(value))
            elif number_ == 4:
                node.op = self.wire.words(value)
            elif number_ == 5:
                self._attribute(node, value)
        if node.op == "Constant" and node.outputs and len(self.tensors) > before:
            self.tensors[before].name = node.outputs[0]  # its own name means nothing
        return node

    def _attribute(self, node: Node, span: Span) -> None:
        """A constant's tensor, the graphs of branches and loops, a mode."""
        name = ""
        for number_, value in self.wire.fields(span):
            if not isinstance(value, tuple):
                continue
            if number_ == 1:
                name = self.wire.words(value)
            elif number_ == 4 and name == "mode":
                node.mode = self.wire.words(value)
            elif number_ == 5:
                self._tensor(value)
            elif number_ in (6, 11):
                self._graph(value)

    def _tensor(self, span: Span) -> Tensor:
        tensor, external = Tensor(), False
        for number_, value in self.wire.fields(span):
            if number_ == 1:
                for size in self.wire.numbers(value):
                    tensor.count *= size
            elif number_ == 2 and isinstance(value, int):
                tensor.kind = value
            elif number_ == 14:
                external = value == EXTERNAL
            elif isinstance(value, tuple):
                if number_ in (4, 9):
                    tensor.spans.append(value)
                elif number_ == 8:
                    tensor.name = self.wire.words(value)
                elif number_ == 13:
                    said = {
                        at: self.wire.words(one)
                        for at, one in self.wire.fields(value)
                        if isinstance(one, tuple)
                    }
                    tensor.outside[said.get(1, "")] = said.get(2, "")
        tensor.outside = tensor.outside if external else {}
        self.tensors.append(tensor)
        return tensor

    def _weigh(self) -> None:
        """Count denormals among float32 weights, here and in files beside the model."""
        wanted: list[tuple[Path, Span]] = []
        for tensor in self.tensors:
            if tensor.outside:
                wanted += self._outside(tensor)
            elif tensor.kind == FLOAT:
                wanted += [(Path(), span) for span in tensor.spans]
        self.model.floats = sum(end - begin for _, (begin, end) in wanted) // 4
        counter = Denormals(self.model.floats * 4)
        for path, span in wanted:
            if path == Path():
                counter.count(self.wire.file, span)
            else:
                with path.open("rb", buffering=0) as file:
                    counter.count(file, span)
        self.model.denormals, self.model.share = counter.found, counter.share

    def _outside(self, tensor: Tensor) -> list[tuple[Path, Span]]:
        name = tensor.outside.get("location", "")
        begin = int(tensor.outside.get("offset") or 0)
        length = int(tensor.outside.get("length") or (tensor.count * 4 if tensor.kind == FLOAT else 0))
        self.model.outside[name] = max(self.model.outside.get(name, 0), begin + length)
        path = self.folder / name
        if not path.is_file() or path.stat().st_size < begin + length:
            self.model.missing = sorted({*self.model.missing, name})
            return []
        return [(path, (begin, begin + length))] if tensor.kind == FLOAT else []


class Denormals:
    """Counts float32 numbers that are neither 0 nor normal. Without NumPy, of so many bytes only a part is looked at."""

    def __init__(self, whole: int) -> None:
        self.found = self.seen = self.passed = 0
        self.step = 1
        try:
            import numpy as np
        except ImportError:
            self.np: Any = None
            self.step = max(1, whole // WITHOUT_NUMPY)
        else:
            self.np = np

    @property
    def share(self) -> float:
        return self.seen / self.passed if self.passed else 1.0

    def count(self, file: BinaryIO, span: Span) -> None:
        for number_, at in enumerate(range(span[0], span[1], CHUNK)):
            size = min(CHUNK, span[1] - at)
            self.passed += size
            if number_ % self.step == 0:
                self.seen += size
                if next_data(file, at) < at + size:
                    file.seek(at)
                    self.found += self._in(file.read(size))

    def _in(self, chunk: bytes) -> int:
        chunk = chunk[: len(chunk) // 4 * 4]
        if self.np:
            bits = self.np.frombuffer(chunk, "<u4") & 0x7FFFFFFF
            return int(self.np.count_nonzero((bits - 1) < 0x7FFFFF))  # 0 wraps around to the largest number
        if chunk == bytes(len(chunk)):
            return 0
        return sum(0 < bits & 0x7FFFFFFF < 0x800000 for (bits,) in struct.iter_unpack("<I", chunk))


def next_data(file: BinaryIO, at: int) -> int:
    """Where something is stored from there on: what a sparse file leaves out is zeros, and need not be read."""
    if not hasattr(os, "SEEK_DATA"):
        return at
    try:
        return os.lseek(file.fileno(), at, os.SEEK_DATA)
    except OSError as error:
        return sys.maxsize if error.errno == errno.ENXIO else at


def read_model(path: Path) -> Model:
    """Raises CannotLook where it is none."""
    try:
        with path.open("rb", buffering=0) as file:
            if file.read(8)[4:] == b"ORTM":
                raise CannotLook("ort_format", name=path.name)
            return Reader(path, Wire(file)).read()
    except OSError as error:
        raise CannotLook(
            "no_access" if isinstance(error, PermissionError) else "no_such_file", name=path
        ) from error
    except (Damaged, RecursionError) as error:
        raise CannotLook("not_onnx", name=path.name) from error


# --- ONNX Runtime, as it is installed ---------------------------------------------------------------------------------


def version(words: str) -> Version | None:
    """`1.29.0rc1` -> (1, 29, 0)."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", words)
    return tuple(int(one or 0) for one in found.groups()) if found else None


def installed() -> tuple[str, Version | None]:
    """Package and version in this Python; nothing is imported."""
    from importlib import metadata

    for name in ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"):
        with suppress(metadata.PackageNotFoundError):
            return name, version(metadata.version(name))
    return "", None


# --- Judging ----------------------------------------------------------------------------------------------------------

INVENTED = (
    *("ORT_NUM_THREADS", "ORT_SESSION_THREAD_POOL_SIZE", "ORT_DISABLE_THREAD_AFFINITY", "ORT_DISABLE_ARENA"),
    *(
        "ORT_LOG_LEVEL",
        "ONNXRUNTIME_LOG_SEVERITY_LEVEL",
        "ONNXRUNTIME_DISABLE_THREAD_AFFINITY",
        "ONNXRUNTIME_THREAD_COUNT",
    ),
)
OPENMP_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OMP_PROC_BIND",
    "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
)
INTRA, INTER, TELEMETRY = "ORT_INTRA_OP_NUM_THREADS", "ORT_INTER_OP_NUM_THREADS", "ORT_DISABLE_TELEMETRY"
MALLOC = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
OTHERS = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LD_PRELOAD", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
X86 = {"x86_64", "amd64"}
"""As `platform.machine` says it, in small letters."""
INT8 = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"}
NEAR = 0.9
"""Part of the memory limit."""
OFTEN = 0.05
"""Part of the periods in which the quota ran out."""
ENOUGH_PERIODS = 100
SPINS = 0.1
"""Part of a core that a spinning worker burns at least; and twice what the busiest other thread does."""
MANY_DENORMALS = 0.001
"""Part of the weights."""
SWAPPED = 16 * MIB
LIMITS: dict[Version, tuple[int, int]] = {
    (1, 16): (9, 19),
    (1, 17): (9, 20),
    (1, 18): (10, 21),
    (1, 21): (10, 22),
    (1, 23): (11, 23),
    (1, 24): (13, 25),
    (1, 25): (13, 26),
    (1, 32): (14, 28),
}
"""Version -> the newest IR and opset that it loads; each was tried."""

Found = Iterator[Tuple[str, Values]]
"""Keys of FINDINGS or NOTES, and their figures."""


def judged(look: Look) -> list[tuple[str, Values]]:
    """All findings and notes."""
    checks: Sequence[Callable[[Look], Found]] = (
        _threads,
        _spinning,
        _quota,
        _memory,
        _fork,
        _variables,
        _versions,
        _model,
    )
    return [one for check in checks for one in check(look)]


def _threads(look: Look) -> Found:
    usable, process = look.machine.usable, look.process
    if process is None:
        default = _default_threads(look)
        if default > usable:
            yield "threads_default", {"default": default, "usable": usable}
        return
    pools = process.pools()
    workers, largest = sum(map(len, pools)), max(map(len, pools), default=0)
    if largest and largest + 1 > usable:
        yield "threads_pool", {"workers": largest, "threads": largest + 1, "usable": usable}
    if len(pools) > 1 and workers > usable:
        yield "pools_many", {"pools": len(pools), "workers": workers, "usable": usable}
    own = process.main().cpus
    outside = [one for pool in pools for one in pool if process.pinned(one) and not one.cpus & own]
    if outside:
        where = spelled(set().union(*(one.cpus for one in outside)))
        yield "pinned_outside", {"workers": len(outside), "cpus": where, "allowed": spelled(own)}


def _default_threads(look: Look) -> int:
    said = look.environ.get(INTRA, "")
    if (look.version or (0,)) >= (1, 29) and said.isdigit() and int(said):
        return int(said)
    return look.machine.default_threads


def _spinning(look: Look) -> Found:
    process = look.process
    if process is None or not process.seconds:
        return
    pools = process.pools()
    inside = {one.tid for pool in pools for one in pool}
    others = max((one.cpu_s for one in process.threads if one.tid not in inside), default=0.0)
    for sure in (True, False):
        busy = [
            one
            for pool in pools
            for one in pool
            if process.pinned(one) == sure and one.cpu_s >= SPINS * process.seconds and one.cpu_s > 2 * others
        ]
        if busy:
            burnt = sum(one.cpu_s for one in busy)
            figures = {
                "workers": len(busy),
                "burnt": burnt,
                "seconds": round(process.seconds, 1),
                "others": others,
            }
            yield "spinning" if sure else "group_busy", figures


def _quota(look: Look) -> Found:
    machine, process = look.machine, look.process
    if machine.quota is None:
        return
    if process and process.throttled:
        yield (
            "throttled",
            {"periods": process.periods, "throttled": process.throttled, "quota": machine.quota},
        )
    elif machine.periods >= ENOUGH_PERIODS and machine.throttled >= OFTEN * machine.periods:
        yield (
            "throttled",
            {"periods": machine.periods, "throttled": machine.throttled, "quota": machine.quota},
        )


def _memory(look: Look) -> Found:
    machine, process = look.machine, look.process
    peak = max(machine.used or 0, (process.peak or 0) if process else 0)
    if machine.limit and peak >= NEAR * machine.limit:
        yield (
            "near_limit",
            {"peak_mib": peak // MIB, "limit_mib": machine.limit // MIB, "share": peak / machine.limit},
        )
    if machine.oom_kills:
        yield "oom_killed", {"kills": machine.oom_kills}
    if process and process.swap > SWAPPED:
        yield "swapped", {"swap_mib": process.swap // MIB}


def _fork(look: Look) -> Found:
    process = look.process
    if process and process.missing:
        own = bool(process.pools())
        yield "forked_ok" if own else "forked", {"parent": process.parent, "missing": process.missing}


def _variables(look: Look) -> Found:
    names = [name for name in INVENTED if name in look.environ]
    if names:
        yield "variable_invented", {"names": names}
    names = [name for name in OPENMP_VARIABLES if name in look.environ]
    if names:
        used = look.process is not None and "openmp" in look.process.libraries
        yield "openmp_used" if used else "variable_openmp", {"names": names}
    yield from _thread_variables(look)
    names = [name for name in MALLOC if name in look.environ]
    if look.machine.libc == "musl" and any(name.startswith("MALLOC_") for name in look.environ):
        yield "musl", {}
    elif names:
        yield "malloc_variables", {"names": names}


def _thread_variables(look: Look) -> Found:
    said = {name: look.environ[name] for name in (INTRA, INTER) if look.environ.get(name, "0") != "0"}
    if said and look.version and look.version < (1, 29):
        yield "variable_early", {"names": [*said], "version": dotted(look.version)}
        return
    for name, value in said.items():
        if not value.isdigit():
            yield "variable_wrong", {"names": name, "value": repr(value), "usable": look.machine.usable}
    if INTER in said:
        yield "inter_variable", {}


def _versions(look: Look) -> Found:
    """Known faults, where they concern this machine."""
    found = look.version
    if not found:
        return
    figures = {"version": dotted(found)}
    if (1, 24, 1) <= found < (1, 27) and look.machine.arch in ("aarch64", "arm64"):
        yield "fault_arm_leak", figures
    quiet = look.environ.get(TELEMETRY, "") not in ("", "0")
    if found == (1, 29, 0) and look.machine.system == "Linux" and not look.machine.has_shell and not quiet:
        yield "fault_import", figures
    if found >= (1, 29) and look.machine.system in ("Linux", "Darwin") and not quiet:
        yield "telemetry", {}
    if found >= (1, 30) and not look.model:
        yield "layer_norm_version", {}
    if (1, 17) <= found < (1, 32) and not look.model:
        yield "pad_version", {}


def _model(look: Look) -> Found:
    model, found = look.model, look.version
    if model is None:
        return
    if model.layer_norms and found and found >= (1, 30):
        yield "fault_skip_layer_norm", {"count": model.layer_norms, "version": dotted(found)}
    if model.pads and found and (1, 17) <= found < (1, 32):
        yield "fault_pad", {"count": model.pads, "version": dotted(found)}
    yield from _weights(model)
    yield from _quantised(model, look.machine)
    yield from _limits(model, found)
    if 0 < model.opset < 7:
        yield "opset_old", {"opset": model.opset}
    dynamic = [
        f"{name}[{at}]"
        for name, dims in model.inputs.items()
        for at, one in enumerate(dims)
        if not one.isdigit()
    ]
    if dynamic:
        yield "dynamic", {"names": dynamic}


def _quantised(model: Model, machine: Machine) -> Found:
    """Arm has kernels for signed numbers; how fast they are was not measured."""
    if model.quantised and machine.flags and not machine.flags & INT8:
        yield "int8_no_vnni", {"count": model.quantised}
    if machine.arch.lower() not in X86:
        return
    if model.signed_convolutions:
        yield (
            "int8_convolutions",
            {"count": model.nodes["ConvInteger"], "signed": model.signed_convolutions},
        )
    elif model.nodes["ConvInteger"]:
        yield "int8_unsigned_convolutions", {"count": model.nodes["ConvInteger"]}
    if model.signed_activations:
        yield "int8_signed", {"count": model.signed_activations}


def _weights(model: Model) -> Found:
    seen = model.floats * model.share
    if seen and model.denormals:
        many = model.denormals >= MANY_DENORMALS * seen
        yield (
            "denormals" if many else "few_denormals",
            {"count": model.denormals, "share": model.denormals / seen},
        )
    if model.weights_as_inputs:
        yield "weights_as_inputs", {"count": model.weights_as_inputs, "ir": model.ir}
    if model.missing:
        yield "external_missing", {"names": model.missing}
    elif model.outside:
        yield "external", {"names": sorted(model.outside)}


def _limits(model: Model, found: Version | None) -> Found:
    """Versions older than the first of LIMITS, and newer than the last, are not known."""
    known = [one for one in sorted(LIMITS) if found and one <= found[:2]]
    if not known or not found or found[:2] > max(LIMITS):
        return
    most_ir, most_opset = LIMITS[known[-1]]
    if model.ir > most_ir or model.opset > most_opset:
        figures = {"ir": model.ir, "opset": model.opset, "version": dotted(found)}
        yield "too_new", {**figures, "most_ir": most_ir, "most_opset": most_opset}


def dotted(found: Version | None) -> str:
    return ".".join(map(str, found)) if found else ""


# --- Telling ----------------------------------------------------------------------------------------------------------


def facts(look: Look, tongue: int) -> dict[str, Any]:
    """What was seen, by key of FACTS; what could not be read is left out."""
    machine, process, model = look.machine, look.process, look.model
    watched = (INTRA, INTER, TELEMETRY, *INVENTED, *OPENMP_VARIABLES, *MALLOC, *OTHERS)
    told: dict[str, Any] = {
        "system": f"{machine.system} {machine.arch}",
        "libc": machine.libc,
        "cpu": machine.cpu,
        "int8": " ".join(sorted(machine.flags & INT8)) or ("-" if machine.flags else ""),
        "usable": machine.usable,
        "affinity": machine.affinity,
        "quota": machine.quota,
        "default_threads": _default_threads(look),
        "throttled": f"{machine.throttled}/{machine.periods}" if machine.periods else None,
        "memory_limit_mib": _mib(machine.limit),
        "memory_used_mib": _mib(machine.used),
        "oom_kills": machine.oom_kills or None,
        "huge_pages": machine.huge_pages,
        "onnxruntime": f"{look.package} {dotted(look.version)}".strip(),
        "variables": " ".join(f"{name}={look.environ[name]}" for name in watched if name in look.environ),
    }
    if process:
        pinned = WORDS["pinned"][tongue]
        pools = [
            WORDS["pool"][tongue].format(workers=len(pool), pinned=pinned if process.pinned(pool[0]) else "")
            for pool in process.pools()
        ]
        told.update(
            process=f"{process.pid} {process.command}".strip(),
            threads=len(process.threads),
            pools=" + ".join(pools),
            rss_mib=_mib(process.rss),
            peak_mib=_mib(process.peak),
            heap_mib=_mib(process.heap),
            mapped=" ".join(process.mapped),
        )
    if model:
        sampled = WORDS["sampled"][tongue].format(share=model.share) if model.share < 1 else ""
        told.update(
            model=model.name,
            ir=model.ir,
            opset=model.opset,
            producer=model.producer,
            inputs=" ".join(f"{name}[{','.join(dims)}]" for name, dims in model.inputs.items()),
            nodes=sum(model.nodes.values()),
            floats=model.floats,
            denormals=f"{model.denormals} {sampled}".strip() if sampled else model.denormals,
            quantised=model.quantised or None,
        )
    return {name: told[name] for name in FACTS if told.get(name) not in (None, "")}


def _mib(size: int | None) -> int | None:
    return None if size is None else size // MIB


def as_json(look: Look, found: list[tuple[str, Values]], tongue: int) -> str:
    """For programs; keys are the same in every language."""
    return json.dumps(
        {
            "doctor": VERSION,
            "facts": facts(look, tongue),
            "findings": [
                {"id": name, **told(name, values, tongue), "figures": values}
                for name, values in found
                if name in FINDINGS
            ],
            "notes": [
                {"id": name, "text": worded(NOTES[name][tongue], values, tongue), "figures": values}
                for name, values in found
                if name in NOTES
            ],
            "unread": [worded(WORDS[word][tongue], values, tongue) for word, values in look.unread],
        },
        ensure_ascii=False,
        indent=2,
        default=str,
    )


def worded(sentence: str, values: Values, tongue: int) -> str:
    """With its figures; lists are joined as the language does it."""
    joint = ("、", ", ")[tongue]
    return sentence.format(
        **{name: joint.join(one) if isinstance(one, list) else one for name, one in values.items()}
    )


def told(name: str, values: Values, tongue: int) -> dict[str, str]:
    """A finding in words."""
    advice = FINDINGS[name]
    what, remedy = ((advice.zh, advice.zh_do), (advice.en, advice.en_do))[tongue]
    words = {
        "text": worded(what, values, tongue),
        "remedy": worded(remedy, values, tongue),
        "link": SITE + advice.page,
    }
    return {**words, "source": advice.source} if advice.source else words


def as_text(look: Look, found: list[tuple[str, Values]], tongue: int) -> Iterator[str]:
    """For people."""
    word = {name: both[tongue] for name, both in WORDS.items()}
    stop, colon = (("。", "："), (".", ": "))[tongue]
    yield f"doctor {VERSION} {SITE}".strip()
    yield ""
    for name, value in facts(look, tongue).items():
        yield f"  {FACTS[name][tongue]}{colon}{value}"
    yield ""
    findings = [one for one in found if one[0] in FINDINGS]
    yield word["some"].format(count=len(findings)) if findings else word["none"]
    for at, (name, values) in enumerate(findings, 1):
        said = told(name, values, tongue)
        yield ""
        yield f"{at}. {said['text']}{stop}"
        yield f"   {word['do']}{colon}{said['remedy']}{stop}"
        yield f"   {word['more']}{colon}{said['link']}"
        if "source" in said:
            yield f"   {word['source']}{colon}{said['source']}"
    notes = [worded(NOTES[name][tongue], values, tongue) for name, values in found if name in NOTES]
    unread = [worded(word[name], values, tongue) for name, values in look.unread]
    for title, lines in ((word["notes"], notes), (word["unread"], unread)):
        if lines:
            yield ""
            yield title
            yield from (f"  - {line}" for line in lines)


# --- The command ------------------------------------------------------------------------------------------------------

HELP = (
    (
        (
            "看一个用 ONNX Runtime 在 CPU 上推理的服务哪里不对。只读不改，不联网，不要 root。\n\n例：\n"
            "  python doctor.py                     看这台机器（容器）\n"
            "  python doctor.py --pid 1             再看正在运行的 1 号进程\n"
            "  python doctor.py --model m.onnx      再看一个模型文件\n\n"
            "退出码：0 没有发现，1 有发现，2 看不了。"
        ),
        "正在运行的进程号",
        "ONNX 文件",
        "输出 JSON",
        "语言",
        "看进程几秒，不写是 1",
    ),
    (
        (
            "Says what is wrong with a service that runs ONNX Runtime on a CPU. Changes nothing, sends nothing, needs no root.\n\n"
            "Examples:\n"
            "  python doctor.py --lang en                  this machine or container\n"
            "  python doctor.py --lang en --pid 1          a running process, too\n"
            "  python doctor.py --lang en --model m.onnx   a model, too\n\n"
            "Exit status: 0 nothing found, 1 findings, 2 could not look."
        ),
        "a running process",
        "an ONNX file",
        "print JSON",
        "language",
        "seconds to watch a process for, 1 by default",
    ),
)
LANGUAGES = ("zh", "en")
LEAST_SECONDS = 0.1


def language(arguments: Sequence[str]) -> int:
    """0 Chinese, 1 English; asked for, or else Chinese where the terminal can show it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--lang")
    asked = parser.parse_known_args(arguments)[0].lang
    if asked in LANGUAGES:
        return LANGUAGES.index(asked)
    try:
        "的".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return 1
    return 0


def parsed(arguments: Sequence[str], tongue: int) -> argparse.Namespace:
    about, pid, model, as_json_, lang, seconds = HELP[tongue]
    parser = argparse.ArgumentParser(
        prog="doctor.py", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pid", type=int, metavar="N", help=pid)
    parser.add_argument("--model", type=Path, metavar="m.onnx", help=model)
    parser.add_argument("--json", action="store_true", help=as_json_)
    parser.add_argument("--lang", choices=LANGUAGES, help=lang)
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help=seconds)
    parser.add_argument("--version", action="version", version=f"{VERSION} {SITE}".strip())
    return parser.parse_args(arguments)


def looked(
    pid: int | None, model: Path | None, seconds: float, root: Path = Path("/"), run: Run = printed
) -> Look:
    """Read all that was asked for. Raises CannotLook."""
    unread: list[tuple[str, Values]] = []
    system = platform.system()
    process: Process | None = None
    if system == "Linux":
        process = None if pid is None else linux_process(root, pid, seconds, time.sleep, unread)
        machine = linux_machine(root, "self" if pid is None else str(pid))
    else:
        readers = (mac_machine, mac_process) if system == "Darwin" else (windows_machine, windows_process)
        machine = readers[0](run)
        process = None if pid is None else readers[1](run, pid)
        unread += [] if pid is None else [("only_linux", {"pid": pid})]
    package, found = installed() if process is None else ("", process.version)
    look = Look(
        machine, process, read_model(model) if model else None, version=found, package=package, unread=unread
    )
    look.environ = dict(os.environ) if process is None else process.environ or {}
    loaded = process is None or system != "Linux" or "onnxruntime" in process.libraries
    if found is None and loaded and (process is not None or model is not None):
        unread.append(("no_version", {}))
    if look.model and look.model.quantised and not machine.flags:
        unread.append(("no_flags", {}))
    return look


def main(arguments: Sequence[str]) -> int:
    """Look and tell; the exit status."""
    tongue = language(arguments)
    asked = parsed(arguments, tongue)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        look = looked(asked.pid, asked.model, max(LEAST_SECONDS, asked.seconds))
    except CannotLook as error:
        print(WORDS[error.word][tongue].format(**error.values), file=sys.stderr)
        return 2
    found = judged(look)
    print(as_json(look, found, tongue) if asked.json else "\n".join(as_text(look, found, tongue)))
    if any(name in FINDINGS for name, _ in found):
        return 1
    return 2 if any(word == "not_loaded" for word, _ in look.unread) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
