"""Script of the live part: the text that a page holds, and the hash by which its security policy lets it run."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # a name must not end the script


@cache
def live_script() -> tuple[Markup, str]:
    """The script as an element, and the source of it for `script-src` of the Content-Security-Policy."""
    lines = (re.sub("; // .*", ";", line).strip() for line in _template("live.js").splitlines())
    text = "\n".join(line for line in lines if not line.startswith(("//", "/**")))
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return Markup(f"<script>{text}</script>"), f"'sha256-{digest}'"


def live_style() -> Markup:
    """Rules of the live part, for the style element of the page."""
    return Markup(_template("live.css"))


def embedded(data: Mapping[str, Any]) -> Markup:
    """Data of `forecast.report.live.data.live_data` as an element that the script reads and no browser runs."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).translate(ESCAPED)
    return Markup(f'<script type="application/json" id="live-data">{text}</script>')


def _template(name: str) -> str:
    return (files("forecast.report") / "templates" / name).read_text(encoding="utf-8")
