"""Index of a folder of studies: one page with the picture, the answer and the verdict of each."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from forecast.errors import ForecastError, shown_path
from forecast.files import contents, parsed_json, write_whole
from forecast.report.page import environment_of
from forecast.report.views.backtest import CLASSES

INDEX = "index.html"
PLACES = ("output", ".")  # of the results in the folder of a study, where `forecast run` writes them first


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """What the index shows of one study."""

    name: str  # of its folder
    result: dict[str, Any]  # of result.json
    picture: bytes  # SVG; blank where there is none
    report: str  # relative to the index; blank where there is none
    made: str  # ISO date

    def view(self) -> dict[str, Any]:
        """What the template shows."""
        verdict = self.result["verdict"]
        return {
            "name": self.name,
            "title": self.result["title"],
            "question": self.result["question"],
            "answer": self.result["answer"],
            "verdict": verdict["sentence"],
            "kind": CLASSES.get(verdict["trust"], "warning"),
            "picture": f"data:image/svg+xml;base64,{b64encode(self.picture).decode()}" if self.picture else "",
            "report": quote(self.report),
            "made": self.made,
        }


def write_index(folder: Path) -> list[str]:
    """Write `index.html` into a folder of studies, and answer the names of those it shows, the latest first.

    Raises
    ------
    ForecastError
        if the folder is none, or holds no study that was run.
    """
    if not folder.is_dir():
        raise ForecastError(f"{shown_path(folder)}: is no folder; name the one that holds the folders of studies")
    studies = studies_in(folder)
    if not studies:
        raise ForecastError(f"{shown_path(folder)}: no study in it was run; `forecast run STUDY` writes its results")
    html = (
        environment_of()
        .get_template("index.html.j2")
        .render(title=folder.resolve().name, studies=[each.view() for each in studies])
    )
    write_whole(folder / INDEX, lambda temporary: temporary.write_text(html, encoding="utf-8", errors="replace"))
    return [each.name for each in studies]


def studies_in(folder: Path) -> list[StudyResult]:
    """The studies below a folder that have results, the latest first; what is no result of ours is passed over."""
    found = [_study(each, folder) for each in sorted(folder.iterdir()) if each.is_dir()]
    return sorted((each for each in found if each), key=lambda each: each.made, reverse=True)


def _study(study: Path, folder: Path) -> StudyResult | None:
    for place in PLACES:
        path = study / place / "result.json"
        try:
            result = parsed_json(contents(path), path)
            wanted = all(isinstance(result[name], str) for name in ("title", "question", "answer"))
            if not wanted or not isinstance(result["verdict"]["sentence"], str):
                continue
        except (ForecastError, OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        report, picture = path.with_name("report.html"), path.with_name("forecast.svg")
        return StudyResult(
            name=study.name,
            result=result,
            picture=contents(picture) if picture.is_file() else b"",
            report=report.relative_to(folder).as_posix() if report.is_file() else "",
            made=datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat(),
        )
    return None
