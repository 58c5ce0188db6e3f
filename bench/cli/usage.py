"""How the command line speaks of itself: titles, usage lines, wrong usage. The library's own words are English."""

from __future__ import annotations

import platform
from difflib import get_close_matches
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cyclopts import App, Parameter
from cyclopts import exceptions as wrongs
from cyclopts.help import DefaultFormatter
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cyclopts.help import HelpPanel
    from rich.console import Console, ConsoleOptions

USAGE_WORDS = {"COMMAND": "命令", "[OPTIONS]": "[选项]", "[ARGS...]": "[参数...]", "[ARGS]": "[参数]"}


def app(name: str, help: str) -> App:
    """An empty command line; commands are added by decorators, flags are named once they are there."""
    made = App(
        name=name,
        help=help,
        help_format="markdown",
        help_formatter=_Formatter(),
        print_error=False,
        exit_on_error=False,  # main() tells
        group_commands="命令",
        group_arguments="参数",
        group_parameters="选项",
        default_parameter=Parameter(show_default=False),
        version=_versions,
        suppress_keyboard_interrupt=False,  # main() has more to say than an exit status
    )
    made["--help"].help, made["--version"].help = "显示这段帮助。", "显示版本。"
    return made


def _versions() -> str:
    return f"bench {version('ort-cpu-guide')}，onnxruntime {version('onnxruntime')}，Python {platform.python_version()}"


class _Formatter(DefaultFormatter):
    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Without the mark of what must be given: the usage line shows it."""
        entries = [one.copy(required=False) for one in panel.entries]
        super().__call__(console, options, panel.copy(entries=entries))

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:  # noqa: ARG002
        words = (USAGE_WORDS.get(word, word) for word in str(usage).split())
        console.print(Text(f"用法：{' '.join(words)}\n", style="bold"))


def wrong(error: wrongs.CycloptsError) -> str:
    """What was typed wrong, in one sentence."""
    command = " ".join(("python -m bench", *(error.command_chain or ())))
    return f"{_what(error)}。用法见 {command} --help"


def _what(error: wrongs.CycloptsError) -> str:
    match error:
        case wrongs.UnknownCommandError() if error.app and error.unused_tokens:
            name, known = error.unused_tokens[0], [one for one in error.app if not one.startswith("-")]
            return f"没有命令“{name}”{meant(name, known)}，可用的有：{'、'.join(known)}"
        case wrongs.UnknownOptionError():
            option = error.token.keyword or error.token.value
            known = [name for one in error.argument_collection for name in one.names]
            return f"没有选项 {option}{meant(option, known)}"
        case wrongs.UnusedCliTokensError():
            return f"多写了：{' '.join(error.unused_tokens or ())}"
        case wrongs.MissingArgumentError() if error.argument:
            name = error.keyword or error.argument.name
            return f"{name} 后面缺一个值" if name.startswith("-") else f"缺参数{name}"
        case wrongs.RepeatArgumentError():
            return f"{error.token.keyword} 写了不止一次"
        case _:
            return f"{error.argument.name} 的值看不懂" if error.argument else "命令写得不对"


def meant(wrong: str, known: Iterable[str]) -> str:
    """The nearest of what there is, if anything is near."""
    return "".join(f"（是不是 {one}？）" for one in get_close_matches(wrong, list(known), n=1))
