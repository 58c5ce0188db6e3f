"""Tables of Markdown made to scroll; generated ones are left alone."""

from __future__ import annotations

import markdown

from bench.pages import frames

TWO = "| 列 | <含义> |\n| --- | --- |\n| a | b |\n\n文字\n\n| 甲 | 乙 |\n| --- | --- |\n| c | d |\n"


def test_tables_of_markdown_scroll_under_names_of_their_own() -> None:
    html = frames.scroll_plain(markdown.markdown(TWO, extensions=["tables"]))
    assert html.count('<div class="bench-table" role="region" tabindex="0"') == 2
    assert 'aria-label="表：甲、乙"' in html
    assert html.count('<table class="bench-plain">') == html.count("</table></div>") == 2


def test_long_code_breaks_at_its_joints_and_short_code_does_not() -> None:
    assert frames.code("a.b_c") == "<code>a.b_c</code>"
    assert (
        frames.code("session.use_env_allocators") == "<code>session.<wbr>use_<wbr>env_<wbr>allocators</code>"
    )
    assert (
        frames.code('providers=["<CPU>"]&more') == "<code>providers=[&quot;&lt;CPU&gt;&quot;]&amp;more</code>"
    )


def test_generated_tables_are_left_as_they_are() -> None:
    html = '<div class="bench-table"><table class="bench-measured"><tr><td>1</td></tr></table></div>'
    assert frames.scroll_plain(html) == html
