"""Tables of public files: from a path or pinned address, through the importer; what a study without its table says."""

import http.server
import shutil
import sys
import threading
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from case_studies import source
from case_studies.chinchilla.table import SOURCE as CHINCHILLA
from forecast.errors import ForecastError
from tests.conftest import forecast_command

STUDIES = Path(source.__file__).parent
TASKS = ("word_unscrambling",)
STUDY = source.Source(table=Path("table.csv"), tasks=TASKS, sha256=CHINCHILLA.sha256)  # of another file than this one
ROWS = """model,family,task,metric,score,trials,chance,compute,params,tokens,date
a,A,word_unscrambling,exact_match,0.1,2000,0,6e21,1e9,1e12,2023-01-01
a,A,HellaSwag,choice,0.5,10042,0.25,6e21,1e9,1e12,2023-01-01
b,A,word_unscrambling,exact_match,0.2,2000,0,,2e9,,2023-01-01
c,B,word_unscrambling,exact_match,0.3,2000,0,6e22,3e9,3e12,2023-08-01
d,B,word_unscrambling,exact_match,0.4,2000,0,6e23,1e10,1e13,2023-08-01
"""


@pytest.fixture
def public(tmp_path):
    path = tmp_path / "public.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


@pytest.fixture
def make(tmp_path, monkeypatch, capsys):
    """Runs `table.py` with arguments; answers the exit code, stdout and stderr."""

    def run(*arguments, of=STUDY):
        monkeypatch.setattr(sys, "argv", ["table.py", *map(str, arguments), "-o", str(tmp_path / "table.csv")])
        try:
            source.main(of)
            code = 0
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def address(public, monkeypatch):
    """Of the public file, on a server of this machine; the cache is beside it."""
    pooch = pytest.importorskip("pooch", reason="needs pooch, of the group `download`")
    monkeypatch.setattr(pooch, "os_cache", lambda name: public.parent / name)
    served = partial(http.server.SimpleHTTPRequestHandler, directory=public.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), served) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/public.csv"
        server.shutdown()


def test_the_table_has_the_tasks_of_the_study_and_what_is_left_out_is_named(make, public, tmp_path):
    code, out, err = make(public)
    table = pd.read_csv(tmp_path / "table.csv")
    assert (code, table["model"].tolist()) == (0, ["a", "c", "d"]) and set(table["task"]) == {"word_unscrambling"}
    assert "left out: model b" in err and "3 rows, 3 models" in out


def test_another_file_than_that_of_the_result_is_told(make, public):
    assert STUDY.sha256 in make(public)[2]
    same = source.Source(table=public, tasks=TASKS, sha256=source.sha256_of(public))
    assert "warning" not in make(public, of=same)[2]


def test_a_file_of_another_hash_than_was_asked_for_is_refused_and_nothing_is_written(make, public, tmp_path):
    code, _, err = make(public, "--sha256", CHINCHILLA.sha256)
    assert code == 1 and source.sha256_of(public) in err and not (tmp_path / "table.csv").exists()


def test_an_address_needs_a_hash(make):
    code, _, err = make("https://example.org/scores.csv")
    assert code == 2 and "--sha256" in err


def test_a_download_without_pooch_says_how_to_get_it(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    code, _, err = make("https://example.org/scores.csv", "--sha256", STUDY.sha256)
    assert code == 1 and "--group download" in err and len(err.splitlines()) == 1


def test_a_download_is_the_file_and_one_of_another_hash_is_refused(make, address, public, tmp_path):
    code, out, _ = make(address, "--sha256", source.sha256_of(public))
    assert code == 0 and "3 rows" in out
    with pytest.raises(ForecastError, match="give the path of a copy"):
        source.downloaded(address.replace("public", "nowhere"), STUDY.sha256)
    shutil.rmtree(tmp_path / "capability-forecast")
    code, _, err = make(address, "--sha256", STUDY.sha256)
    assert code == 1 and "hash" in err


def test_a_study_without_its_table_says_which_command_makes_it(tmp_path):
    for name in ("study.toml", "table.py"):
        shutil.copy(STUDIES / "open_models" / name, tmp_path)
    done = forecast_command("run", tmp_path)
    assert done.code == 1 and done.err.splitlines() == [
        f"error: {tmp_path / 'table.csv'}: there is no such file; make it with `python {tmp_path / 'table.py'} SOURCE`"
    ]
