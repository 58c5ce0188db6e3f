"""The frame of everything: templates escape, regions scroll, code breaks where it may."""

from __future__ import annotations

import re

import markdown
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from prose import markup_faults, text_of

from bench.pages import markup
from bench.pages.markup import ENVIRONMENT, Row, code, marked, table

TWO = "| 列 | <含义> |\n| --- | --- |\n| a | b |\n\n文字\n\n| 甲 | 乙 |\n| --- | --- |\n| c | d |\n"
EVIL = "<script>\"&'`x`"


def test_what_is_not_html_is_escaped_and_what_is_stays() -> None:
    attributes = {"class": EVIL}
    html = table(
        EVIL, EVIL, [EVIL], [Row(EVIL, [EVIL, Markup("<b>x</b>")], attributes)], attributes=attributes
    )
    assert "<script" not in html
    assert "<td><b>x</b></td>" in html
    assert markup_faults(html) == []
    assert text_of(html).count(EVIL) == 4
    (name,) = re.findall(r'id="([^"]*)"', html)  # needs no escape in an address
    assert f'href="#{name}"' in html
    assert not re.search(r"[\s\"'<>&`]", name)


def test_no_template_takes_text_for_html() -> None:
    loader = ENVIRONMENT.loader
    assert loader
    for name in ENVIRONMENT.list_templates():
        text = loader.get_source(ENVIRONMENT, name)[0]
        assert not re.search(r"\|\s*safe\b|autoescape", text), name


def test_name_that_a_template_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        markup.render("no_selftest")


def test_lines_of_a_template_leave_no_space_and_keep_their_numbers() -> None:
    assert ENVIRONMENT.from_string("甲\n  乙{{ 1 }}\n").render() == "甲乙1"
    with pytest.raises(ZeroDivisionError) as broken:
        ENVIRONMENT.from_string("甲\n乙\n{{ 1 // 0 }}").render()
    assert broken.traceback[-1].lineno + 1 == 3


def test_long_code_breaks_at_its_joints_and_short_code_does_not() -> None:
    assert code("a.b_c") == "<code>a.b_c</code>"
    assert code("session.use_env_allocators") == "<code>session.<wbr>use_<wbr>env_<wbr>allocators</code>"
    assert code('providers=["<CPU>"]&more') == "<code>providers=[&#34;&lt;CPU&gt;&#34;]&amp;more</code>"
    assert marked("见 `a<b`，<i>") == "见 <code>a&lt;b</code>，&lt;i&gt;"


def test_tables_of_markdown_scroll_under_names_of_their_own() -> None:
    html = markup.scroll_plain(markdown.markdown(TWO, extensions=["tables"]))
    assert html.count('<div class="bench-table" role="region" tabindex="0"') == 2
    assert 'aria-label="表：甲、乙"' in html
    assert html.count('<table class="bench-plain">') == html.count("</table></div>") == 2
    assert markup.scroll_plain(html) == html  # generated tables are left as they are
