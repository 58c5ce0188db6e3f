"""The one local bundle that draws the charts; made when results are exported, never by mkdocs."""

from __future__ import annotations

from importlib.metadata import version

import vl_convert

NAME = "vega.js"
HEAD = f"/* vl-convert-python {version('vl-convert-python')} */"
"""First line of the bundle: made again only for another version, it takes a second."""


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets `window.benchVega`.

    A module script is refused under file://, hence the function around it.
    """
    code = vl_convert.javascript_bundle("window.benchVega = {vega, vegaLite, vegaEmbed};")
    return f"{HEAD}\n(function () {{\n{code}\n}})();\n"
