"""Panel of the narrative study: what each judge passes and fails, where passages begin, and rows; no training library
but for one slow test."""

from importlib.util import find_spec

import numpy as np
import pytest

from case_studies.characters.train import GIVEN, tokens_of
from case_studies.ladder import COLUMNS, Run, write_table
from case_studies.narrative import judge, panel, passages
from forecast.table.dataset import read_table

PROMPT = "ent self.lines\n\n    def height(self):\n        self.text = text\n"
REAL = """        count = len(self.text)
        for line in self.lines(count, start=1):
            if line.startswith("#"):  # a comment, left out
                continue
            yield line

    def width(self):
        ret"""
BROKEN = {
    "spelling": ("count", "qxzvk"),
    "vocabulary": (
        "\n            if",
        "\n            blorpish.frandle(mingty.wopple, krine.glotter, brindly.flomp)\n            if",
    ),
    "lines": ("count = len", "count = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + len"),
    "spacing": ("count, start", "count , start"),
    "indentation": ("            yield", "           yield"),
    "blocks": ("                continue", "            continue"),
    "brackets": ("self.text)", "self.text]"),
    "tokens": ("yield line", "yield line count"),
    "keywords": ("for line in", "for line"),
    "first": ("count = len", "count = = len"),
    "whole": ("yield line", "yield line +* 2"),
}
"""What is put in place of what, so that a judge no longer passes a text that all pass."""


def verdicts(continuation, prompt=PROMPT):
    return {each.__name__: each(prompt, continuation) for each in panel.PANEL}


def test_what_is_well_written_passes_all_twelve():
    assert list(verdicts(REAL).values()) == [True] * 12


@pytest.mark.parametrize("name", BROKEN)
def test_a_judge_fails_what_it_is_there_to_find(name):
    old, new = BROKEN[name]
    assert old in REAL and not verdicts(REAL.replace(old, new, 1))[name]


def test_a_name_must_come_again():
    once = "        pass\n        alpha = beta(gamma)\n        return delta\n"
    assert not panel.names(PROMPT, once) and panel.names(PROMPT, once.replace("beta", "height"))
    assert panel.names(PROMPT, once.replace("delta", "alpha"))


@pytest.mark.parametrize("text", ["", "x", "\n", " " * 192, "\n" * 192, "~" * 191 + "\n", ")" * 191 + "\n"])
def test_nothing_passes_what_says_nothing(text):
    assert sum(verdicts(text).values()) <= 4


def test_random_characters_pass_few_judges_and_real_passages_most():
    found = passages.passages()[:40]
    rng = np.random.default_rng(1)
    real = judge.judged(found[:, :GIVEN], found[:, GIVEN:])
    noise = judge.judged(found[:, :GIVEN], rng.integers(97, size=(40, passages.WRITTEN)))
    assert real.shape == (40, 12) and real.mean() > 0.85 and noise.mean() < 0.25


def test_comments_and_strings_are_no_code():
    text = "x = r'a b' + f\"{y}\"  # it's\n'''one\ntwo'''\nz = ('a'\n     'b')\nw = 1 + \\\n    2\nlast"
    assert panel.code_of(text).splitlines()[0] == 'x = "" + ""'
    assert panel.statements(text) == ['x = "" + ""', '""', 'z = ("" "")', "w = 1 + 2"]


def test_a_block_begun_before_may_go_on_and_a_last_statement_may_be_unfinished():
    ends = "            return 1\n        except ValueError:\n            pass\n    else:\n        found = call(1,\n"
    assert panel.whole("", ends) and panel.first("", "    else:\n") and panel.first("", "    @property\n")
    assert not panel.whole("", ends.replace("return 1", "return return"))


def test_passages_begin_where_a_statement_begins():
    text = 'def f(a,\n      b):\n    """Says\n    much."""\n\n    # why\n    return (a +\n            b)\n\nx = 1\n'
    assert [text[at:].split("\n")[0] for at in passages.starts(text)] == [
        *("def f(a,", '    """Says', "    return (a +", "x = 1")
    ]
    found = passages.passages()
    assert found.shape == (passages.ITEMS, GIVEN + passages.WRITTEN) and len(np.unique(found, axis=0)) > 490
    assert set(passages.text_of(found[:, GIVEN - 1])) == {"\n"}
    assert passages.text_of(tokens_of("a\n~\t")) == f"a\n~{passages.OTHER}"


def test_rows_are_a_histogram_with_what_real_text_scores_beside_it(tmp_path):
    runs = [Run(width=width, depth=1, tokens_per_param=2, vocabulary=5, context=4) for width in (8, 16, 32)]
    rng = np.random.default_rng(1)
    passed, real = rng.random((50, 12)) < 0.5, rng.random((50, 12)) < 0.9
    path = tmp_path / "table.csv"
    write_table(path, (row for run in runs for row in judge.rows(run, passed, real)), columns=(*COLUMNS, "human"))
    frame = read_table(path)[:5]
    assert frame["metric"].tolist() == ["token_accuracy", *["at_least_k"] * 3, "exact_match"]
    assert frame["successes"].tolist() == [
        passed.sum(),
        *((passed.sum(axis=1) >= k).sum() for k in (3, 6, 9, 12)),
    ]
    nine = frame[frame["k"] == 9].iloc[0]
    assert nine["human"] == pytest.approx((real.sum(axis=1) >= 9).mean())
    assert frame["note"].iloc[0].startswith(f"of 50: spelling {passed[:, 0].sum()}, vocabulary ")
    assert "; marks 0 to 12: 0 0 " in frame["note"].iloc[0]


def test_runs_that_are_not_kept_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["judge.py", str(tmp_path / "out.csv"), "--runs", str(tmp_path)])
    monkeypatch.setattr(judge, "to_one_core", lambda: None)
    with pytest.raises(SystemExit, match=r"lacks 27 of 27 runs, such as d96 l3 25 .*train them first"):
        judge.main()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not here; it is in the dependency group train")
def test_what_is_kept_of_characters_before_gives_the_log_odds_of_the_whole():
    import jax
    import jax.numpy as jnp

    from case_studies import transformer
    from case_studies.narrative.writing import next_log_odds, written

    run = Run(width=16, depth=2, tokens_per_param=2, vocabulary=12, context=10)
    keys = iter(jax.random.split(jax.random.key(1), 20))
    weights = jax.tree.map(lambda each: jax.random.normal(next(keys), each.shape), transformer.initial(run))
    text = np.random.default_rng(1).integers(12, size=(3, 10))
    whole, kept = transformer.logits(weights, jnp.asarray(text)), [jnp.zeros((2, 3, 2, 10, 8))] * 2
    for place in range(10):
        log_odds, kept = next_log_odds(weights, text[:, place], place, kept)
        np.testing.assert_allclose(log_odds, whole[:, place], atol=1e-4)
    first, again, other = (written(weights, run, text[:, :7], length=8, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (3, 8) and (first == again).all() and (first != other).any()
