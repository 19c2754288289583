"""Files and JSON: whole or not at all, and standard JSON whatever the numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.files import json_text, write_json, written
from tests.conftest import refuse_constant


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.inf, "inf"),
        (-np.inf, "-inf"),
        (np.nan, None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (True, True),
        ((1.0, np.inf), [1.0, "inf"]),
        (np.array([1.0, np.nan]), [1.0, None]),
        ({"a": {"b": [-np.inf]}}, {"a": {"b": ["-inf"]}}),
        (Path("x.csv"), "x.csv"),
        ("é\n", "é\n"),
        (None, None),
    ],
)
def test_every_answer_is_standard_json(value, expected):
    assert json.loads(json_text(value), parse_constant=refuse_constant) == expected


def test_records_of_a_frame_are_standard_json():
    frame = pd.DataFrame({"n": [1, 2], "x": [np.inf, np.nan], "name": pd.Categorical(["a", "b"])})
    expected = [{"n": 1, "x": "inf", "name": "a"}, {"n": 2, "x": None, "name": "b"}]
    assert json.loads(json_text(frame.to_dict("records"))) == expected


def test_a_finished_file_is_remembered_and_ends_with_a_line(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1.5})
    assert (tmp_path / "a.json").read_text().endswith("}\n")
    assert written[-1] == tmp_path / "a.json"
