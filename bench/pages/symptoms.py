"""The page of symptoms as Markdown, so that its code is run, its headings found and its links checked like everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.facts.symptoms import TOPICS, symptoms
from bench.pages.markup import experiment_title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.facts.symptoms import Symptom

ABOUT = "按你看到的现象找：内存不降、容器里慢、CPU 一直高、卡住、报错；每条先说是什么，怎么确认，再给代码"
HEAD = """# 按症状找

按你看到的现象找，或者用上面的搜索。每一条说是什么、怎么确认、怎么办。`options` 是 `ort.SessionOptions()`：设它的行放在建会话之前，用到 `session` 的行放在之后。

服务正在运行、又装不了东西：把 [doctor.py](blog/posts/doctor.md) 复制进去，它说出哪里不对。
"""


def markdown() -> str:
    """Everything below the title and description of the page."""
    parts = [HEAD]
    for topic, title in TOPICS.items():
        parts.append(f"## {title} {{ #{topic} }}\n")
        parts += ["\n".join(_entry(one)) for one in symptoms() if one.topic == topic]
    return "\n".join(parts)


def _entry(one: Symptom) -> Iterator[str]:
    yield f"### {one.title} {{ #{one.id.replace('_', '-')} }}\n"
    yield f"**是什么**：{one.what}\n"
    asked = f"也可以用一个文件查：[`{one.doctor}`](blog/posts/doctor.md)。" if one.doctor else ""
    yield f"**怎么确认**：{one.tell}{asked}\n"
    if one.code or one.fence:
        yield "**怎么办**：\n"
    if one.code:
        yield f"```{one.language}\n{one.code.strip()}\n```\n"
    if one.fence:
        yield _call(one.fence, code=True)
    if one.shown:
        yield _call(one.shown)
    if one.untested:
        yield f"**没有测**：{one.untested}\n"
    if one.more:
        yield f"{one.more}\n"
    links = "、".join(
        f"[{experiment_title(name)}](evidence/{EXPERIMENTS[name].id}.md)" for name in one.evidence
    )
    yield f"{f'实验数据：{links}。' if links else ''}也有人这样搜：{one.words}。\n{{ .bench-words }}\n"


def _call(call: str, *, code: bool = False) -> str:
    kind = "" if code else ' html="true"'
    return f'```python exec="on"{kind}\nimport bench\nprint({call})\n```\n'
