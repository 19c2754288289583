"""Developers' READMEs: their examples run, the paths that they name exist, and their diffs apply to the code."""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.test_architecture import ORDER

ROOT = Path(__file__).parents[1]
READMES = ("forecast/README.md", "models/README.md", "tests/README.md")
PRODUCT = (ROOT / "forecast" / "README.md").read_text(encoding="utf-8")
PATH = re.compile(r"(?:forecast|models|tests|case_studies|\.ci)/[\w./-]*")


def paths_in(text: str) -> set[str]:
    """The paths of the project that stand in code marks."""
    return {path for marked in re.findall(r"`([^`\n]+)`", text) for path in PATH.findall(marked)}


def folders_in(text: str) -> set[str]:
    """The folders of the tree, each below what stands before it and is indented less."""
    found, above = set(), []
    for indent, name in re.findall(r"^( +)([\w]+)/(?: |$)", text, re.MULTILINE):
        above = [*(each for each in above if each[0] < len(indent)), (len(indent), name)]
        found.add("/".join(name for _, name in above))
    return found


def hunks_in(text: str) -> Iterator[tuple[str, str]]:
    """File and text of each run of context lines in a diff; a new file has none."""
    for block in re.findall(r"^```diff\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\+\+\+ ", block, flags=re.MULTILINE)[1:]:
            path, _, lines = part.partition("\n")
            for run in re.split(r"^(?:\+|@@).*\n", lines, flags=re.MULTILINE):
                if run.strip():
                    yield path, "".join(f"{line[1:]}\n" for line in run.splitlines())


@pytest.mark.parametrize("name", READMES)
def test_the_examples_of_a_readme_run(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert doctest.testfile(str(ROOT / name), module_relative=False).failed == 0


def test_there_are_examples_of_the_model():
    assert doctest.DocTestParser().get_examples((ROOT / "models" / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", READMES)
def test_every_path_that_a_readme_names_exists(name):
    found = paths_in((ROOT / name).read_text(encoding="utf-8"))
    assert len(found) > 5
    assert not {path for path in found if not (ROOT / path).exists()}


def test_the_tree_is_that_of_the_folders():
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "forecast").rglob("*.py")}
    assert folders_in(PRODUCT) == folders | {"forecast/report/templates"}


def test_the_arrows_are_those_of_the_architecture():
    _, _, after = PRODUCT.partition("    errors | ")
    listed = "errors | " + after.partition("\n\n")[0]
    floors = [tuple(name.strip() for name in floor.split(",")) for floor in listed.split("|")]
    assert floors == [tuple(names) for names in ORDER]


def test_the_diffs_apply_to_the_code():
    hunks = list(hunks_in(PRODUCT))
    assert len({path for path, _ in hunks}) > 5
    assert not [path for path, lines in hunks if lines not in (ROOT / path).read_text(encoding="utf-8")]


def test_what_is_not_there_is_seen():
    assert paths_in("see `forecast/nowhere.py` and\n`models/x/` but not forecast/y.py") == {
        "forecast/nowhere.py",
        "models/x/",
    }
    assert folders_in("    a/   one\n      b/   two\n    c/\n") == {"a", "a/b", "c"}
    diff = "```diff\n+++ one.py\n x = 1\n+y = 2\n z = 3\n+++ two.py (new)\n+a\n```\n"
    assert list(hunks_in(diff)) == [("one.py", "x = 1\n"), ("one.py", "z = 3\n")]


def test_the_record_in_readme_is_that_of_its_csv():
    from tests.benchmarks.record_table import CSV, README, table_of, written

    readme = README.read_text(encoding="utf-8")
    assert written(readme, table_of(pd.read_csv(CSV))) == readme
