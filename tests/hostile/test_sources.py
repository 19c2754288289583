"""Sources: nothing that runs what an input file holds, and no file read without a limit."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("forecast", "models", "case_studies")
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "joblib",
    "subprocess",
    "pty",
    "code",
    "runpy",
}
BUILT_IN = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
METHODS = {"read_pickle", "to_pickle", "system", "popen", "extractall", "query", "unsafe_load", "full_load"}
READS = {"read_bytes", "read_text"}


def sources(*packages):
    return {path.relative_to(ROOT).as_posix(): path for package in packages for path in (ROOT / package).rglob("*.py")}


def unsafe(source):
    """Line and name of every call or import that could run what a file holds."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, name) for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            called, keywords = node.func, {each.arg: ast.unparse(each.value) for each in node.keywords}
            if isinstance(called, ast.Name) and called.id in BUILT_IN:
                yield node.lineno, called.id
            elif isinstance(called, ast.Attribute) and called.attr in METHODS:
                yield node.lineno, called.attr
            elif isinstance(called, ast.Attribute) and called.attr == "load":
                of = ast.unparse(called.value)
                if of == "yaml" and "SafeLoader" not in keywords.get("Loader", ""):
                    yield node.lineno, "yaml.load"
            if keywords.get("allow_pickle", "False") != "False" or keywords.get("shell", "False") != "False":
                yield node.lineno, "allow_pickle or shell"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_source_runs_what_a_file_holds(package):
    found = {name: list(unsafe(path.read_text(encoding="utf-8"))) for name, path in sources(package).items()}
    assert found and not {name: where for name, where in found.items() if where}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "__import__(name)",
        "frame.query(text)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "np.load(path, allow_pickle=True)",
        "archive.extractall(folder)",
        "os.system(text)",
    ],
)
def test_the_scan_finds_what_it_looks_for(source):
    assert list(unsafe(source))


OWN = {
    *("forecast/report/live/script.py", "forecast/table/importers/known_tasks/parts.py"),
    *("forecast/study/provenance.py", "forecast/study/reproduce.py"),  # besides files of a study that was just read
}
"""Sources that read files of the package itself."""


def test_files_of_users_are_read_up_to_a_limit():
    found = {
        name
        for name, path in sources("forecast").items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS
    }
    assert found <= OWN | {"forecast/registry/frozen.py"}  # the hash of a posterior that was read just before
