"""The layout of DESIGN section 6: which way imports point, and what lies at the top."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP = {"pyproject.toml", "README.md", "forecast", "models", "tests", "case_studies"} | {
    ".python-version",
    ".gitignore",
    ".ci",
    "CHANGELOG.md",
}


def imported_by(source):
    """Dotted names of the modules that a source imports, at the top or inside functions; a relative one keeps dots."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def reaches(source, *packages):
    """Imports that lead to one of the packages, or by two dots and more out of their own."""
    return [name for name in imported_by(source) if name.split(".")[0] in packages or name.startswith("..")]


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("package", "above"), [("models", ("forecast", "case_studies")), ("forecast", ("case_studies",))]
)
def test_imports_point_from_case_studies_to_forecast_to_models(package, above):
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / package).rglob("*.py")}
    assert sources
    offending = {path.name: found for path, source in sources.items() if (found := reaches(source, *above))}
    assert not offending, f"{package}/ must not import {above}: {offending}"


def test_equations_import_nothing_of_the_project_but_each_other():
    for path in (ROOT / "models" / "equations").glob("*.py"):
        names = reaches(path.read_text(encoding="utf-8"), "models", "forecast")
        assert all(name.startswith("models.equations.") for name in names), path.name


@pytest.mark.parametrize(
    "source",
    [
        "import forecast",
        "import forecast.table as t",
        "from forecast import fit",
        "from forecast.table import x",
        "def f():\n    from forecast import fit",
        "from ..forecast import fit",
    ],
)
def test_the_guard_sees_every_way_to_import(source):
    assert reaches(source, "forecast")


def test_nothing_else_lies_at_the_top():
    if git("rev-parse", "--show-toplevel").stdout.strip() != str(ROOT):
        pytest.skip(f"{ROOT} is not the top of a git checkout, so what git ignores is not known")
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    top = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    assert top <= TOP, f"not in DESIGN section 6: {sorted(top - TOP)}"
