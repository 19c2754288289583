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


ORDER = (
    *(
        ("errors",),
        ("files",),
        ("netcdf",),
        ("models",),
        ("draws", "words", "stages"),
        ("scales", "published"),
        ("table",),
    ),
    *(("posterior", "scoring"), ("figures",), ("fitting",), ("backtesting",), ("questions", "registry")),
    *(("report",), ("study",), ("cli",)),
)
"""Folders and files of `forecast`, and `models`: each imports what stands to its left, and itself."""
FLOORS = {name: floor for floor, names in enumerate(ORDER) for name in names}
GRAPHS = {"pymc", "nutpie", "arviz"}
NO_GRAPHS = ("table", "posterior", "scoring", "figures", "registry")


def rooms():
    """The room and the source of every module of `forecast` that a room holds."""
    for path in sorted((ROOT / "forecast").rglob("*.py")):
        inside = path.relative_to(ROOT / "forecast").with_suffix("").parts
        if inside[-1] != "__init__" and inside != ("__main__",):
            yield inside, path.read_text(encoding="utf-8")


def room_of(name):
    """The room that a dotted name leads to; None where it leads out of the project."""
    package, _, rest = name.partition(".")
    return {"models": "models", "forecast": rest.partition(".")[0]}.get(package)


def test_a_folder_imports_only_what_stands_to_its_left():
    offending = {
        (".".join(inside), name)
        for inside, source in rooms()
        for name in imported_by(source)
        if (room := room_of(name)) and room != inside[0] and FLOORS[room] >= FLOORS[inside[0]]
    }
    assert not offending


def test_the_questions_never_import_one_another():
    for inside, source in rooms():
        if inside[0] == "questions":
            there = {name.split(".")[2] for name in imported_by(source) if name.startswith("forecast.questions.")}
            assert there <= {inside[1]}, inside


def test_tables_posteriors_scores_and_figures_know_no_graph():
    for inside, source in rooms():
        names = set(imported_by(source)) if inside[0] in NO_GRAPHS else set()
        assert not {name.split(".")[0] for name in names} & GRAPHS, inside


def test_equations_and_facts_know_no_graph_and_facts_stand_on_equations():
    for path in (ROOT / "models" / "facts").glob("*.py"):
        names = set(imported_by(path.read_text(encoding="utf-8")))
        known = {"models.equations", "models.facts", "models.dates", "models.priors", "models.structures"}
        assert not {name.split(".")[0] for name in names} & GRAPHS
        assert all(".".join(name.split(".")[:2]) in known for name in names if name.startswith("models")), path.name


def test_no_folder_lists_more_than_nine_files_and_no_file_more_than_250_lines():
    for folder in [ROOT / "forecast", *(path for path in (ROOT / "forecast").rglob("*") if path.is_dir())]:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= 9, folder.name
    sources = [path for package in ("forecast", "models") for path in (ROOT / package).rglob("*.py")]
    long = {path.name: n for path in sources if (n := len(path.read_text(encoding="utf-8").splitlines())) > 250}
    assert not long


def test_no_function_body_is_longer_than_forty_lines():
    sources = [path for package in ("forecast", "models") for path in (ROOT / package).rglob("*.py")]
    long = {
        f"{path.name}:{node.name}": lines
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (lines := lines_of_body(node)) > 40
    }
    assert not long


def test_a_module_docstring_starts_with_a_noun():
    for path in (path for package in ("forecast", "models") for path in (ROOT / package).rglob("*.py")):
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "nothing").split()[0]
        assert first not in {"nothing", "What", "How", "Whose", "Whether", "Who", "Is", "Which", "Where", "When"}, path


def lines_of_body(function):
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


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
