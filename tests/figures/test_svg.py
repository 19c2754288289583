import re
from xml.etree import ElementTree

import numpy as np
import pytest

from forecast.figures.forest import forest_rows
from forecast.figures.style import PALETTE
from forecast.figures.svg import (
    curve_figure,
    forest_figure,
    headline_figure,
    k_sweep_figure,
    outcomes_figure,
    threshold_figure,
)
from forecast.scales import COMPUTE
from tests.figures.invented import known_runs, runs_of, task_of
from tests.figures.test_curve import outcomes

FAMILIES = [f"family {i}" for i in range(8)]


def curve(task, key, **options):
    options = {"at": 0.5, "data_max": 22.0, "metric": "exact_match", "scale": COMPUTE, "colours": None} | options
    return curve_figure(task.grid, task.curve, task.observed, **options, key=key)


def threshold(draws, key):
    quantiles = {"q05": 22.0, "q50": 23.0, "q95": 24.0}
    options = {"limits": (20.0, 26.0), "quantiles": quantiles, "data_max": 22.4, "scale": COMPUTE}
    return threshold_figure(draws, **options, key=key)


def all_figures():
    task = task_of(observed=runs_of(FAMILIES, n=40))
    return [
        headline_figure(task, runs=known_runs(), title="a title", key="1"),
        forest_figure(forest_rows([task, task_of("other")]), runs=known_runs(), key="1"),
        curve(task, "1"),
        threshold(np.array([22.0, 23.0, np.inf]), "1"),
        outcomes_figure(outcomes(), key="1"),
        k_sweep_figure(task.grid, {k: task.curve["q50"] ** k for k in range(1, 9)}, scale=COMPUTE, key="1"),
    ]


def test_every_colour_of_a_figure_is_a_variable_of_the_palette():
    for figure in all_figures():
        text = str(figure)
        bare = re.sub(r"var\(--([a-z]+), (#[0-9a-f]{6})\)", "", text)
        assert not re.findall(r"#[0-9a-f]{6}\b(?![0-9a-f])", re.sub(r'(xlink:href|id|clip-path)="[^"]*"', "", bare))
        for name, light in re.findall(r"var\(--([a-z]+), (#[0-9a-f]{6})\)", text):
            assert PALETTE[name][0].lower() == light


def test_figures_are_valid_and_their_size_is_left_to_the_page():
    for figure in all_figures():
        root = ElementTree.fromstring(str(figure))
        assert "width" not in root.attrib and "height" not in root.attrib
        width, height = (float(value) for value in root.attrib["viewBox"].split()[2:])
        assert (width, height) == pytest.approx(tuple(72 * inches for inches in figure.size))
        assert any(element.tag.endswith("}text") for element in root.iter())


def test_ids_of_figures_of_other_keys_differ():
    found = [set(re.findall(r' id="([^"]*)"', str(curve(task_of(), key)))) for key in ("a", "b")]
    assert found[0] and found[1] and not found[0] & found[1]


def test_the_same_figure_is_the_same_text_and_nothing_of_another_stays_on_shared_axes():
    few, many = task_of(), task_of(observed=runs_of(n=50, held_out=0))
    loss = task_of(metric="loss", observed=runs_of(score=3.0, trials=np.nan))
    first = str(curve(few, "1"))
    for other in (curve(many, "2"), curve(loss, "3", metric="loss", at=3.0), threshold(np.array([22.0, 30.0]), "4")):
        assert str(other) != first
    assert str(curve(few, "1")) == first
    one = str(threshold(np.array([-9.0, 22.0, 23.0, np.inf]), "1"))
    str(threshold(np.array([22.0]), "2"))
    assert str(threshold(np.array([-9.0, 22.0, 23.0, np.inf]), "1")) == one


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


def contrast(*colours):
    low, high = sorted(luminance(colour) for colour in colours)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_their_ground(page):
    for name in ("ink", "grey", "blue") if page == 0 else [name for name in PALETTE if name not in ("paper", "beyond")]:
        assert contrast(PALETTE[name][page], PALETTE["paper"][page]) >= 4.5, name
    assert all(contrast(PALETTE[name][page], PALETTE["beyond"][page]) >= 4.5 for name in ("ink", "grey"))
