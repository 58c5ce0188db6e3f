"""Conclusions and claims of every experiment, on results made up in every direction they can turn."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from branches import Tracking
from jinja2 import DictLoader, Environment
from made_up import NO_PROC, MadeUp
from prose import faults, text_of
from test_claim_answers import CLAIMS, OF_CLAIM, threads
from worlds import CRASHED, E_LINE, W_LINE, WORLDS, made_up_in, memory, of_cases, tell

from bench.experiments import EXPERIMENTS
from bench.experiments.many_sessions import TWENTY
from bench.pages import sentence_layout, sentences
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from bench.pages.sentences import Told

STATED = re.compile(
    r"(?<!约)[慢快]到? ?\d|比默认[多少快慢]|更[快慢多少]|最快|并列|远小于|占用变为|没有明显增加|分不出|值得一试|没有测出|变少|<strong>"
)
"""Words that state a difference, or that there is none."""
EVERYWHERE = pytest.mark.parametrize("experiment", EXPERIMENTS)
THREADS, ARENA, PATTERN = "intra_op_num_threads", "arena", "memory_pattern"
BOTH, NOT_BOTH = (
    "arena 关了，再关 enable_mem_pattern，",
    "arena 关了，就不要再关 enable_mem_pattern，占得反而多",
)
TO_3 = "0（VERBOSE）、1（INFO）、2（WARNING）、3（ERROR）"
OPERATORS = {"disable_all": {"Conv": 3}, BASELINE: dict.fromkeys(("Conv", "FusedConv", *"ABCDEF"), 1)}
OPTIMISED = {**of_cases(disable_all={"nodes": 300}), "operators": OPERATORS}
LEVEL_4 = {"transcripts": {"level_4": {"error": [E_LINE], "misspelt_key": [W_LINE, E_LINE]}}}
SLOWER = {(None, "arena_off", "ratio"): 1.5}
SAVING, COSTLY = {(None, "pattern_off", "kept_mib"): 400.0}, {(None, "pattern_off", "ratio"): 1.5}
NOT_JUDGED = ({"profile": "quick", "rounds": 3}, {"busy": True}, {"absent": NO_PROC})

NOT_THERE = "本机不适用：装不了 onnxruntime==1.14.1"
OFF, LITTLE = (300, 500), memory(arena_off=(100, 800))
UNSEEN = {case: {"outcomes": {(None, case): "unseen"}} for case in ("double", "arena_off", "pattern_off")}
OLD_FAST = of_cases(v1_29_0={"ratio": 0.8}, v1_16_3={"ratio": 1.3})
TOLD: list[tuple[str, str | dict[str, Any], str, str]] = [
    ("versions", OLD_FAST, "快的版本：1.29.0（快 20%）；慢的版本：1.16.3（慢 30%）；没有差别：1.18.1、|，2022 年的文章用的那类环境（onnxruntime 1.14.1）", "没有测："),
    ("versions", {"failures": {(None, "v1_16_3"): "Unsupported model IR version"}}, "；没有测成：1.16.3", "没有测成：1.16.3、"),
    ("versions", {"failures": {(None, "article"): NOT_THERE}}, "2022 年的文章用的 onnxruntime 1.14.1 没有测", "那类环境"),
    ("traps", {"transcripts": {BASELINE: {"fork": ["相符"]}}}, "在测试机上跑了 1 段代码，结果都与“实际”一栏相符。", "没有"),
    ("traps", {"transcripts": {BASELINE: {"fork": ["相符"], "global_pool": ["不符：AssertionError"]}}}, "在测试机上跑了 2 段代码，1 段的结果与“实际”一栏相符，其余的不符，或没有跑完。", "都"),
    ("traps", "the same", "“实际”一栏对不对，这次没有测成。", "都"),
    ("upstream", {"transcripts": {BASELINE: {"pad_max_pool": ["NOT THERE: x"], "thread_pinning": ["STILL THERE: y"]}}}, "2 个脚本在测试机上跑，1 个说毛病还在。", "没有"),
    ("upstream", {"transcripts": {BASELINE: {"a": ["STILL THERE: x"], "b": ["STILL THERE: x"]}, "v1_16_3": {"a": ["NOT THERE: y"], "b": ["STILL THERE: y"]}}}, "a.py 的毛病，试过的 2 个版本里 1 个有：这里装的。", "b.py"),
    ("upstream", "the same", "脚本这次没有跑成。", "还在"),
    ("quantization", {"operators": {"u8s8_static": {"QLinearConv": 40, "QuantizeLinear": 3, "DequantizeLinear": 2}}}, "有 5 个 QuantizeLinear、DequantizeLinear 没有并进别的节点，节点一共 45 个", "没有测成"),
    (THREADS, "the same", "1、2、4 并列最快，分不出快慢|空转等活", "还分不出谁最快"),
    (THREADS, of_cases(single={"ratio": 1.9}, usable={"ratio": 1.0}, double={"ratio": 2.5}), "线程数里，2 线程最快|开到 4 线程，与默认比慢到 2.5 倍", "并列"),
    (THREADS, "no two can be told apart", "还分不出谁最快", "并列最快"),
    (THREADS, {**of_cases(single={"ratio": 3.0}, double={"ratio": 1.3}), "half_widths": {(None, "usable", "ratio"): 0.9}}, "2、4 的区间有重叠，还分不出谁最快", "并列最快"),
    (THREADS, "draft", "还不能下结论", "最快"),
    (THREADS, {"failures": {(None, case): CRASHED for case in ("single", "double")}}, "只测成了 2", "最快"),
    (THREADS, {"outcomes": {(None, case): "nothing" for case in ("single", "double")}}, "线程数里看到生效的只有 2", "最快"),
    (THREADS, {**of_cases(double={"ratio": 0.5}), **UNSEEN["double"]}, "，1、2 并列最快", "4 线程最快"),
    (THREADS, "nothing is seen to take effect", "没有观察到哪个明确设置的线程数生效", "最快"),
    (THREADS, {"cores": 1, **of_cases(default={"threads": 1})}, "开到 2 线程", "空转等活"),
    (THREADS, {"cores": 64}, "超过可用的 64 核、开到 128 线程", "32 核"),
    ("container", {"cores": 1}, "1 线程，与默认比", "2 线程"),
    ("container", {"cores": 64}, "32 线程，与默认比", "64"),
    (ARENA, "the same", "第二次推理后占用变为 2.0 倍", "远小于|归还之后"),
    (ARENA, of_cases(default={"after_second_mib": 801}), "第二次推理后占用没有明显增加", "倍"),
    (ARENA, LITTLE, "留下的远小于推理途中需要的", "没有明显增加"),
    (ARENA, {**LITTLE, **UNSEEN["arena_off"]}, "不作结论", "远小于"),
    (ARENA, of_cases(default={"kept_trimmed_mib": 84}, arena_off={"kept_trimmed_mib": 84}), "，归还之后 84 MiB；|；默认归还之后 84 MiB。", "远小于"),
    ("graph_optimization", OPTIMISED, "从 300 个变为 120 个，新出现 FusedConv、A、B、C、D、E 等。", "F、"),
    ("graph_optimization", {"operators": {**OPERATORS, BASELINE: {"FusedConv": 3}}}, "都执行 120 个节点，新出现 FusedConv。", "等。"),
    ("graph_optimization", {"operators": {BASELINE: {"FusedConv": 1}}}, "都执行 120 个节点", "新出现"),
    ("log_severity", LEVEL_4, f"日志里有 ERROR 的级别：4（FATAL）。|没有测成的级别：{TO_3}", "ERROR 的级别：一个也"),
    ("log_severity", "logs", f"有 ERROR 的级别：{TO_3}。|有提示的级别：一个也没有|有 WARNING 的级别：0（VERBOSE）、1（INFO）、2（WARNING）。", "没有测成|FATAL）。配"),
    ("inter_op_num_threads", "the same", "一个线程也没有多", "变成"),
    ("inter_op_num_threads", of_cases(sequential_4={"threads": 5}), "线程从 2 个变成 5 个", "没有多"),
    ("execution_mode", "the same", "没有任何节点", "最多有"),
    ("execution_mode", of_cases(parallel_usable={"overlapping_nodes": 7}), "最多有 7 个节点", "没有任何节点"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(600, 500)), f"{NOT_BOTH}（与只关 arena 比，最多占 500 MiB 对 500 MiB，做完后还占 600 MiB 对 300 MiB）", "还能"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(300, 600)), NOT_BOTH, "还能"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(100, 500)), f"{BOTH}还能少占（与只关 arena 比，", f"{NOT_BOTH}（"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(100, 600)), f"{BOTH}最多占的和做完后还占的一升一降（", f"{NOT_BOTH}（"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(310, 510)), f"{BOTH}内存没有差别", f"{NOT_BOTH}（"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_reuse_off=(600, 500)), "就不要再关 enable_mem_pattern 和 enable_mem_reuse，占得反而多", "还能"),
    *((PATTERN, {**memory(arena_off=OFF), **one}, "关 arena 之后", "arena 关了") for one in NOT_JUDGED),
    ("loading", of_cases(external_data={"open_ratio": 0.7}), "ms，与默认比打开用时少 30%", "打开用时多"),
    ("formats", of_cases(optimised={"open_ratio": 0.7}), "ms，与默认比打开用时少 30%（29%–31%）；打开时最多占|ms；打开时最多占", "打开用时多"),
    ("dynamic_block_base", "unclear", "：中位数与默认比还分不出快慢|；p95 延迟还分不出快慢", "；还分不出"),
    ("dynamic_block_base", "nothing takes effect", "设为 4：设了和默认一样，什么都没有改变。", "改变；"),
    ("13_percent", {"time": 0.8}, "快 20%", "更慢|代价|慢 "),
    ("13_percent", {"values": SLOWER}, "没有一个通用的百分数", "关 enable_mem_pattern"),
    ("13_percent", {"values": SLOWER | SAVING}, "只想省内存，先试关 enable_mem_pattern", "代价也"),
    ("13_percent", {"values": SLOWER | SAVING | COSTLY}, "没有一个通用的百分数", "关 enable_mem_pattern"),
    ("kept_5618_5", memory(arena_off=(1900, 1900)), "从 1.6 GiB 变为 1.9 GiB|没有让做完后还占的变少", "做完后还占的确实变少"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(1200, 900)), "关 arena 连最多占的也更少|最多占 800 MiB 对 900 MiB", "没有降低"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(1200, 700)), "关 arena 没有让最多占的变少，多省的只是|800 MiB 对 700 MiB", "更低"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(1200, 820)), "关 arena 没有让最多占的变少，多省的只是", "更低"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(50, 800)), "关 arena 没有多省，只关 enable_mem_pattern 就够了", "更低"),
    ("kept_5618_5", {**LITTLE, **UNSEEN["pattern_off"]}, "做完后还占的确实变少", "与只关 enable_mem_pattern 比"),
    ("all_cores", {**threads(4, 4, 2), "cores": 2}, "比默认的线程少，要明确设", "一样多"),
    ("all_cores", {**threads(4, 4, 2), "cores": 4}, "一样多；", "线程少"),
]  # fmt: skip
"""Experiment or claim, its world, what is said (all parts) and what is not (any)."""
FASTER_ONE = of_cases(single={"ratio": 0.8}, usable={"ratio": 1.3}, double={"ratio": 1.3})
BORROWED = of_cases(default={"cores_used": 2.0}, share={"cores_used": 1.0, "ratio": 1.9})
OWN = {
    "values": {
        **of_cases(default={"cores_used": 1.0}, share={"cores_used": 1.0})["values"],
        (None, "share", "ratio"): 1.3,
    }
}
AS_MANY = of_cases(default={"cores_used": 1.0}, share={"cores_used": 1.0})
LEANER = memory(pattern_off=(500, 800), default=(1500, 1600))
ADVISED: list[tuple[str, str | dict[str, Any], str, str]] = [
    ("versions", OLD_FAST, "升级之前，拿自己的模型在新旧两个版本上各测一遍。|与 1.32.0 比：某网络 bert_mini，1.29.0（快 20%）；", "1.16.3"),
    ("versions", "too noisy", "升级之后，拿自己的模型再测一遍。哪个版本快，这次还看不全。", "快 "),
    ("versions", "the same", "用最新的版本。这几个模型，没有一个在旧版本上快。", "升级"),
    ("versions", of_cases(v1_29_0={"kept_mib": 100}), "做完后还占的内存与 1.32.0 不同的：1.29.0（少 ", "1.30.0"),
    (ARENA, {"values": {**SLOWER, **LEANER["values"]}}, "一般不用关。想省内存，关 enable_mem_pattern。|每次推理慢 50%", "可以关"),
    (ARENA, {"values": SLOWER}, "一般不用关。关 arena，每次推理慢 50%", "想省内存"),
    (ARENA, "the same", "可以关。|没有测出变慢", "一般"),
    (ARENA, "too noisy", "arena 先开着（默认）。这次误差太大", "可以关|慢 "),
    (ARENA, {**memory(pattern_off=(100, 800)), "noisy": range(9)}, "arena 先开着（默认）。想省内存，先关 enable_mem_pattern。", "可以关"),
    (ARENA, of_cases(arena_off={"kept_mib": 300, "kept_trimmed_mib": 80, "minor_faults": 5000.0, "ratio": 1.3}), "300 MiB → 80 MiB|→ 5000 次，慢 30%", "可以关"),
    (ARENA, {"failures": {(1, "arena_off"): CRASHED}}, "默认最多占 1.6 GiB，关 enable_mem_pattern 是 1.6 GiB。", "关 arena 是"),
    (PATTERN, LEANER, "关 enable_mem_pattern。|少 50%（1.6 GiB → 800 MiB），没有变慢", "要紧"),
    (PATTERN, {"values": {**LEANER["values"], **COSTLY}}, "内存要紧就关 enable_mem_pattern。|每次推理慢 50%", "没有变慢"),
    (PATTERN, {**LEANER, "noisy": range(5)}, "快慢这次没有测准", "没有变慢"),
    (PATTERN, "the same", "不用管它。关了它，内存没有变少", "要紧"),
    (PATTERN, "draft", "先保持默认", "少 "),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(600, 500)), "arena 已经关了的，不要再关", "还能少占"),
    (THREADS, FASTER_ONE, "独占整台机器，写成 1；|慢 30%", "就不写"),
    (THREADS, "the same", "独占整台机器就不写；|也没有测出变慢", "写成 1；"),
    (THREADS, "too noisy", "这次没有测准", "慢 "),
    (THREADS, of_cases(double={"ratio": 2.5}), "慢到 2.5 倍", "%"),
    ("container", BORROWED, "线程数写成分到的核数。|默认却用了 2.0 个核，写明后是 1.0 个，每次推理因此慢 90%。", "先保持默认"),
    ("container", of_cases(default={"cores_used": 2.0}, share={"cores_used": 1.0}), "写明后是 1.0 个。多用的核是别人的", "因此"),
    ("container", OWN, "先保持默认。|慢 30%", "线程数写成"),
    ("container", AS_MANY, "线程数写成分到的核数。在测试机上写不写用到的核一样多", "先保持默认"),
    ("container", {"absent": ("cores_used",)}, "没有测成用到几个核", "先保持默认"),
    ("execution_mode", "faster", "可以试 ORT_PARALLEL", "不要用"),
    ("execution_mode", "slower", "不要用 ORT_PARALLEL。|多建一池线程，每次推理慢 50%", "可以试"),
    ("execution_mode", "the same", "保持默认。|快慢没有差别", "不要用"),
    ("execution_mode", "too noisy", "保持默认。|没有测准", "慢 "),
    ("inter_op_num_threads", "the same", "不用设。|一个线程也没有多", "变成"),
    ("inter_op_num_threads", of_cases(sequential_4={"threads": 5}), "线程从 2 个变成 5 个", "没有多"),
    ("graph_optimization", of_cases(basic={"ratio": 0.8}), "保持默认；|可以试 BASIC|快 20%", "先保持"),
    ("graph_optimization", of_cases(disable_all={"ratio": 1.6}), "保持默认（全部优化）。全部关掉，每次推理慢 60%", "先保持"),
    ("graph_optimization", "the same", "全部关掉也没有测出变慢", "先保持"),
    ("graph_optimization", "too noisy", "先保持默认（全部优化）。|没有测准", "慢 "),
    ("profiling", "slower", "开着，每次推理慢 50%", "没有测出"),
    ("profiling", "the same", "开着没有测出变慢", "慢 "),
    ("log_severity", {"transcripts": {BASELINE: {"error": [E_LINE]}, "level_4": {"error": []}}}, "设 4，节点出错时日志里一行也没有", "仍有错误"),
    ("log_severity", "logs", "没有测成|级别不影响速度|看得到警告的级别：0（VERBOSE）、1（INFO）、2（WARNING）", "会变慢"),
    ("log_severity", {"transcripts": {name: {"error": [E_LINE]} for name in (BASELINE, "level_4")}}, "仍有错误", "一行也没有"),
    ("gaps", of_cases(spinning_stop={"cpu_s": 0.01}, default={"cpu_s": 0.02}), "嫌 CPU 高|是默认的 50%（每次之后停 10 毫秒），50%（每次之后停 100 毫秒），50%（每次之后停 1000 毫秒）；没有测出变慢", "慢 "),
    ("gaps", of_cases(spinning_stop={"cpu_s": 0.01, "ratio": 1.2}, default={"cpu_s": 0.02}), "每次推理慢 20%", "没有测出变慢"),
    ("gaps", "the same", "先用默认。停止空转省下的 CPU 不到两成", "嫌"),
    ("gaps", {**of_cases(spinning_stop={"idle_cpu_s": 0.0001}, default={"idle_cpu_s": 0.05}), "noisy": range(9)}, "嫌 CPU 高，就试试|推理之后的空闲里用的 CPU，默认 50.0 ms，停止空转 0.1 ms；请求隔一会儿来时省多少、慢不慢，这次还看不出", "先用默认"),
    ("rapidocr", of_cases(normal_weights={"ratio": 0.6}), "换一份清理过的检测模型，再包一层设四项。|快 40%", "先照"),
    ("rapidocr", of_cases(all={"ratio": 0.7}), "包一层，设四项。|快 30%，最多占 1.6 GiB（原样 1.6 GiB），做完后还占 1.6 GiB（原样 1.6 GiB）|只换检测模型没有差别", "先照"),
    ("rapidocr", {**of_cases(all={"ratio": 0.7}), "outcomes": {(None, "normal_weights"): "unseen"}}, "包一层，设四项。", "只换检测模型"),
    ("rapidocr", "the same", "先照装好的样子用。", "快 "),
    (PATTERN, {"values": {(None, "arena_pattern_off", "ratio"): 1.4}}, "arena 和 enable_mem_pattern 都关，每次推理慢 40%", "慢 50%"),
    ("log_severity", "slower", "有的级别会变慢：慢 50%|没有测成", "不影响速度"),
    ("unload", memory(malloc_trim=(50, 800)), "删掉会话，再调用一次 malloc_trim(0)。|调用之后剩 50 MiB", "这次还看不出"),
    ("unload", {**memory(malloc_trim=(50, 800)), "absent": ("trim_ms",)}, "调用之后剩 50 MiB。", "调用一次用"),
    ("unload", "the same", "删掉就够了。|没有让它再少|MALLOC_ARENA_MAX=1 没有用", "再调用一次"),
    ("unload", "draft", "能再少多少，这次还看不出", "没有让它再少"),
    ("unload", of_cases(default={"base_mib": 50, "kept_trimmed_mib": 90}), "调用 malloc_trim(0) 之后还占 90 MiB，第一次加载之前是 50 MiB：这些退不掉", "不是泄漏"),
    ("unload", of_cases(default={"base_mib": 50, "kept_trimmed_mib": 56}), "不是泄漏", "退不掉"),
    ("unload", memory(arena_pattern_off=(8000, 8000)), "删掉之后占得反而多", "没有测成"),
    ("unload", memory(trim_threshold=(50, 800)), "设环境变量 MALLOC_TRIM_THRESHOLD_=131072", "没有测成"),
    ("changing_shapes", memory(pattern_off=(100, 800)), "关 enable_mem_pattern。做完后还占的内存：某网络 ocr_det|→ 100 MiB", "每次推理慢"),
    ("changing_shapes", {"values": {(None, "pattern_off", "kept_mib"): 100, (None, "pattern_off", "ratio"): 1.2}}, "；每次推理慢 20%", "先保持"),
    ("changing_shapes", "the same", "先保持默认。关 enable_mem_pattern，做完后还占的内存没有变少", "看不出"),
    ("changing_shapes", "draft", "省不省内存，这次还看不出", "没有变少"),
    ("changing_shapes", of_cases(arena_off_trim_threshold={"ratio": 3.0}, shrink={"ratio": 1.5}), "又让 glibc 立刻归还|每次推理慢到 3.0 倍", "还看不出"),
    ("changing_shapes", memory(shrink=(9000, 9000)), "每次推理后归还，某网络 ocr_det 占得反而多", "还看不出"),
    ("batch_split", memory(four=(100, 400)), "把一大批拆开算，内存少，不慢。|每次 4 条，最多占", "放得下"),
    ("batch_split", of_cases(four={"peak_mib": 400, "kept_mib": 100}, one={"ratio": 1.3}), "内存少；慢不慢看模型。|另有几种拆法算完一整批慢 30%", "放得下"),
    ("batch_split", {**memory(four=(100, 400)), "noisy": range(5)}, "内存紧，就把一大批拆开算。|每次 4 条，最多占|慢不慢，这次还看不出", "放得下"),
    ("batch_split", of_cases(one={"ratio": 1.3}), "放得下就一次算完。拆开算，算完一整批慢 30%", "不慢。"),
    ("batch_split", "too noisy", "拆开算慢不慢，这次还看不出", "拆开算，算完"),
    ("allocators", of_cases(arena_off_small_threshold={"ratio": 2.0}), "不要再把 MALLOC_TRIM_THRESHOLD_ 设小。两样都做，每次推理慢到 2.0 倍", "只关 arena，慢"),
    ("allocators", of_cases(arena_off_small_threshold={"ratio": 2.0}, arena_off={"ratio": 1.3}), "；只关 arena，慢 30%", "保持 arena"),
    ("allocators", of_cases(arena_off={"ratio": 1.3}), "保持 arena 开着。只关 arena，每次推理慢 30%", "设小"),
    ("allocators", "the same", "关 arena 也行。关了它，没有测出变慢", "看不出"),
    ("allocators", "too noisy", "差多少，这次还看不出", "没有测出"),
    ("loading", of_cases(from_bytes={"open_peak_mib": 9000}), "传路径，不要传字节。|传字节是 8.8 GiB", "把权重放在"),
    ("loading", of_cases(external_mapped={"open_peak_mib": 10}), "把权重放在外部文件里，不预打包。|→ 10 MiB", "不要传字节"),
    ("loading", "the same", "传路径。别的打开办法", "→"),
    ("quota", of_cases(single={"p95_ratio": 0.7}), "配额几核，就开几个线程。|开 1 线程，p95 延迟快 30%", "看不出"),
    ("quota", of_cases(single={"p95_ratio": 1.3}), "线程数不用跟着配额减。|开 1 线程，p95 延迟慢 30%", "就开几个线程"),
    ("quota", {"values": {(0, "single", "p95_ratio"): 0.7, (1, "single", "p95_ratio"): 1.3}}, "请求连着来和隔一会儿来，线程数要分开定。", "就开几个线程"),
    ("quota", {**of_cases(default={"throttled": 80}, single={"throttled": 0}, no_spinning={"p95_ratio": 0.7})}, "被配额拦住的周期，各轮的中位数：默认 80%，开 1 线程 0%|关掉空转，p95 延迟快 30%", "就开几个线程"),
    ("quota", "too noisy", "开 1 线程，p95 低不低，这次还看不出", "就开几个线程"),
    ("forks", {"transcripts": {BASELINE: {"forks": ["父进程的会话，1 线程：推理 9 ms、1 个线程，正常退出卡住", "子进程里才建：推理 9 ms、2 个线程，正常退出正常"], "gil": ["按路径打开 98 ms，别的 Python 线程最长停 7 ms"]}}}, "试了 2 种先后和线程数，1 种卡住或崩溃|别的 Python 线程最长停 7 ms", "没有测成"),
    ("after_run", of_cases(spinning_stop={"ratio": 0.7}), "就别让线程空转。|调用之后停止空转，推理加上后面的 NumPy 快 30%", "不用管"),
    ("after_run", of_cases(idle_others={"ratio": 1.3}), "不用改设置。推理之后紧接着用 NumPy，停止空转没有省时间|闲着的会话时，每次推理慢 30%", "看不出"),
    ("after_run", "too noisy", "先在自己的程序里试一次停止空转。|快多少，这次还看不出", "没有省时间"),
    ("fusions", of_cases(no_skip_layer_norm={"ratio": 0.7}), "再查一遍自己的模型里有没有帮倒忙的。|不做 SkipLayerNormFusion，快 30%", "全开"),
    ("fusions", of_cases(no_nchwc={"ratio": 1.3}), "关掉哪一项都不省时间，有的关掉之后慢 30%", "帮倒忙"),
    ("fusions", "too noisy", "有没有帮倒忙的，这次还看不全", "没有一项"),
    ("io_binding", "the same", "CPU 上用 run 就好。换成别的方法都不省时间。", "看不出"),
    ("io_binding", of_cases(run_async={"ratio": 1.4}), "换成别的方法都不省时间，有的慢 40%", "看不出"),
    ("io_binding", of_cases(own_output={"ratio": 0.7}, run_async={"ratio": 1.4}), "才换掉 run。|输出写进自己的一块，快 30%|；另有变慢的，慢 40%", "看不出"),
    ("io_binding", "too noisy", "换一种方法快不快，这次还看不出", "没有一种"),
    ("forks", "the same", "fork 之后会怎样，这次没有测成", "试了"),
    ("quantization", of_cases(int8_matmul={"ratio": 0.6, "agreement": 99.5}), "变快的，每个模型举一种：某网络 ocr_rec“动态量化，只量化矩阵乘”，快 40%，读出的字与 fp32 有 99.5% 一致", "先不要量化"),
    ("quantization", of_cases(int8_matmul={"ratio": 0.9}, u8s8_static={"ratio": 0.6}), "“静态量化，激活 QUInt8、权重 QInt8”，快 40%", "只量化矩阵乘”，快"),
    ("quantization", of_cases(u8s8_static={"ratio": 0.6, "agreement": 91.0}), "框的面积与 fp32 有 91.0% 一致", "先不要量化"),
    ("quantization", {**of_cases(int8_matmul={"ratio": 0.6, "cosine": 0.99}), "absent": ("agreement",)}, "快 40%，输出的余弦 0.9900", "一致"),
    ("quantization", {**of_cases(int8_static={"ratio": 1.9}, fp16={"ratio": 1.5}), "operators": {"fp16": {"Cast": 14}, BASELINE: {"Cast": 2}}}, "先不要量化。在测试机上没有一种省时间，变慢的慢 90%。|变慢：某网络 ocr_rec“静态量化，默认（QInt8）”|fp16 不要在 x86 上用：某网络 ocr_rec 慢 50%，多出 12 个 Cast 节点", "变快的"),
    ("quantization", {**of_cases(int8_static={"ratio": 1.9}), "absent": ("agreement", "cosine")}, "慢 90%", "余弦|一致"),
    ("quantization", "the same", "先不要量化。在测试机上没有一种省时间。", "变慢|变快的"),
    ("quantization", "too noisy", "哪种量化省时间，这次还看不全", "没有一种"),
    ("limits", {"values": {(None, "openvino_f32", "ratio"): 0.8, (None, "openvino_f32", "cosine"): 0.99, (0, BASELINE, "gflop_per_s"): 400.0}}, "换 OpenVINO 试试。同一个文件：某网络 ocr_det 用 OpenVINO（f32），快 20%，输出的余弦 0.9900|拿它当 fp32 的标尺", "留在"),
    ("limits", of_cases(openvino_bf16={"ratio": 0.8}), "又受得了 bf16 的精度，换 OpenVINO 试试。|用 OpenVINO（bf16），快 20%", "留在"),
    ("limits", {**of_cases(openvino_f32={"ratio": 0.8}), "absent": ("cosine", "gflop_per_s", "gib_per_s")}, "快 20%", "余弦|标尺|每秒读"),
    ("limits", of_cases(openvino_f32={"ratio": 1.2}), "留在 ONNX Runtime。|每秒读 20", "换 OpenVINO 试试"),
    ("limits", "too noisy", "换 OpenVINO 快不快，这次还看不出", "没有省时间"),
    ("limits", "no groups", "换 OpenVINO 快不快，这次没有测。|各个模型用到了几成，这次没有测。", "看不出"),
    ("callers", of_cases(single_two_callers={"calls_ratio": 1.4, "calls_per_s": 300}), "调用者不比核多，就共用一个会话，每个会话 1 线程。|“2 个调用者，1 线程”每秒推理 300|没有测出比它多的布置；默认线程、共用一个会话是", "看不出"),
    ("callers", {**of_cases(two_processes={"calls_ratio": 1.4, "calls_per_s": 300}), "absent": ("p95_ms", "p95_ratio")}, "开几个进程。|300 次，没有测出比它多的布置；默认线程、共用一个会话是 100 次。", "p95"),
    ("callers", of_cases(two_processes={"calls_ratio": 1.4, "calls_per_s": 300}), "开几个进程。|“2 个进程，默认线程”", "看不出"),
    ("callers", of_cases(two_sessions={"calls_ratio": 1.4, "calls_per_s": 300}, two_callers={"calls_ratio": 1.2, "calls_per_s": 200}), "每个调用者一个会话。|“2 个调用者，各有会话”", "看不出"),
    ("callers", "the same", "先用默认线程。哪种布置每秒推理得最多，这次还看不出|每次推理都新建会话|四个调用者共用一个会话，每秒推理", "最多的是"),
    ("many_sessions", of_cases(default={"kept_mib": 2000, "threads": 21}, one_session={"kept_mib": 100, "threads": 2}), "每多一个会话，多占 100 MiB，多 1 个线程", "没有测成"),
    ("many_sessions", {"absent": NO_PROC}, "每多一个会话多占多少，这次没有测成", "MiB，多"),
    ("many_sessions", {"failures": {(None, case): CRASHED for case in ("single_at_once", "global_pool_at_once")}}, "五个线程同时调用五个会话，每秒推理：默认", "各 1 线程 "),
]  # fmt: skip
"""Experiment, its world, what its advice and its points say (all parts) and what not (any)."""


def _all_text(made_up: MadeUp, templates: Environment | None = None, claim: str = "") -> str:
    """Conclusion and answers; of a claim its answer alone."""
    return _joined(tell(made_up, templates), claim)


def _joined(told: Told, claim: str = "") -> str:
    answers = [text for answer in told.answers.values() for text in (answer.measured, answer.now)]
    asked = told.answers.get(claim)
    listed = [*told.conclusion, *told.advice, *told.points]
    return "\n".join([asked.measured, asked.now] if asked else [*listed, *answers])


def _of_row(of: str, world: str | dict[str, Any]) -> MadeUp:
    experiment = OF_CLAIM[of][0] if of in OF_CLAIM else of
    return made_up_in(experiment, WORLDS[world] if isinstance(world, str) else world)


def _by_default(
    experiment: str, world: dict[str, Any], templates: Environment | None = None, only: str = ""
) -> str:
    """What is told of an experiment that has no template."""
    made_up = made_up_in(experiment, world)
    unwritten, export = replace(made_up.spec, id="unwritten", claims=()), made_up.export()
    rows = [row for row in export.rows if only in ("", row.case)]
    told = sentences.tell(unwritten, export.model_copy(update={"rows": rows}), templates)
    return "\n".join(told.conclusion)


class Tracked(NamedTuple):
    """Templates that know what they rendered, and all that was told."""

    templates: Tracking
    everywhere: dict[str, dict[str, str]]
    """Experiment -> world -> text."""
    rows: list[Told]
    """Of `TOLD`, then of `ADVISED`."""


@pytest.fixture(scope="module")
def tracked() -> Tracked:
    templates = sentence_layout.environment(kind=Tracking)
    told = {
        name: {of: _all_text(made_up_in(name, world), templates) for of, world in WORLDS.items()}
        for name in EXPERIMENTS
    }
    for world in WORLDS.values():
        _by_default(ARENA, world, templates)
    _by_default(ARENA, {}, templates, only=BASELINE)
    for of, _, world, *_ in CLAIMS:
        tell(_of_row(of, world), templates)
    rows = [tell(_of_row(of, world), templates) for of, world, *_ in (*TOLD, *ADVISED)]
    return Tracked(templates, told, rows)


def test_every_branch_is_rendered_in_some_world_and_one_that_is_not_is_named_with_its_line(
    tracked: Tracked,
) -> None:
    assert tracked.templates.never_rendered() == []
    source = "{% if a %}\n1\n{% elif b %}\n2\n{% else %}\n3\n{% endif %}\n{% for c in a %}{{ 1 if c else 2 }}{% else %}0{% endfor %}"
    templates, found = Tracking(loader=DictLoader({"toy": source})), []
    for values in ({"a": [1]}, {"a": [], "b": True}, {"a": [0], "b": False}):
        templates.get_template("toy").render(values)
        found.append(templates.never_rendered())
    lone = "toy:8 … else"
    assert found == [["toy:3 If", "toy:5 else", "toy:8 else", lone], ["toy:5 else", lone], ["toy:5 else"]]


def test_sentences_count_as_many_sessions_as_are_opened() -> None:
    template = (sentence_layout.FOLDER / "many_sessions.j2").read_text(encoding="utf-8")
    assert f"set sessions = {TWENTY.options['sessions']} %" in template


@EVERYWHERE
def test_sentences_read_well_in_every_world_and_follow_what_was_judged(
    tracked: Tracked, experiment: str
) -> None:
    told = tracked.everywhere[experiment]
    assert [world for world, text in told.items() if not text and world != "no groups"] == []
    lines = {line for text in told.values() for line in text.splitlines()}
    assert {line: faults(line) for line in lines if faults(line)} == {}
    outside = {line: re.sub(r"（[^（）]*）", "", line) for line in lines}  # a reason may have one of its own
    assert [line for line, text in outside.items() if text.count("：") > 1] == []
    unmeasured = tell(MadeUp(experiment=experiment, groups=())).answers
    assert {answer.holds for answer in unmeasured.values()} <= {"unknown"}
    timed = any(group.load.timed for group in EXPERIMENTS[experiment].groups)
    assert ("快 30%" in told["faster"]) == timed
    assert not re.findall(r"慢 \d|更慢|比默认分不出快慢", told["faster"])
    assert ("慢 50%" in told["slower"]) == timed
    assert not re.findall(r"快 \d|更快|值得一试|比默认分不出快慢", told["slower"])
    assert not re.findall(r"(?<!约)[慢快]到? ?\d|更[快慢]|值得一试", told["the same"])
    if experiment in (ARENA, PATTERN, "recommended"):
        less, more = told["less memory"], told["more memory"]
        assert ("比默认少 60%" in less, "比默认多" in less) == (True, False)
        assert ("比默认多 200%" in more, "比默认少" in more) == (True, False)
        assert not re.findall(r"比默认[多少]|分不出差别", told["busy"])
    # On a busy machine and after few rounds, memory that was measured once may still be judged.
    for absent, worlds in ((("threads",), ("draft", "smoke")), (NO_PROC, ("busy", "few rounds"))):
        for world in worlds:
            unjudged = _all_text(made_up_in(experiment, WORLDS[world], absent=absent))
            assert not STATED.findall(unjudged), unjudged


@pytest.mark.parametrize("experiment", (*EXPERIMENTS,)[::5])
def test_default_conclusion_reads_well_and_follows_the_numbers(experiment: str) -> None:
    told = {world: _by_default(experiment, WORLDS[world]) for world in WORLDS}
    assert {one for text in told.values() for one in text.splitlines() if faults(one)} == set()
    assert not re.findall(r"慢 \d|比默认", told["faster"])
    assert not re.findall(r"快 \d|比默认", told["slower"])
    others = {case.id for case in made_up_in(experiment, {}).cases} - {BASELINE, CONTROL}
    assert not others or "比默认少 60%" in told["less memory"]
    assert not others or "比默认多 200%" in told["more memory"]
    assert not STATED.findall(told["draft"])
    titles = {case.id: case.title for case in made_up_in(experiment, {}).cases}
    unnamed = [case for case, title in titles.items() if title not in told["slower"]]
    assert CONTROL in unnamed
    assert {*unnamed} <= {BASELINE, CONTROL}


@pytest.mark.parametrize("row", range(len(TOLD)), ids=[one[0] for one in TOLD])
def test_sentences_say_what_follows(tracked: Tracked, row: int) -> None:
    (of, _, said, unsaid), found = TOLD[row], tracked.rows[row]
    html = _joined(found, of) if of in OF_CLAIM else "".join(found.conclusion)
    told = text_of(html).replace("\u202f", " ")
    assert [faults(line) for line in _joined(found).splitlines() if faults(line)] == []
    assert [one for one in said.split("|") if one not in told] == [], told
    assert [one for one in unsaid.split("|") if one in told] == [], told


@pytest.mark.parametrize("row", range(len(ADVISED)), ids=[one[0] for one in ADVISED])
def test_advice_says_what_follows(tracked: Tracked, row: int) -> None:
    (_, _, said, unsaid), found = ADVISED[row], tracked.rows[len(TOLD) + row]
    told = text_of("".join((*found.advice, *found.points))).replace("\u202f", " ")
    assert len(found.advice) == 2
    assert [one for one in said.split("|") if one not in told] == [], told
    assert [one for one in unsaid.split("|") if one in told] == [], told
