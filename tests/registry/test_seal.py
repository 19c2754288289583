"""Seals: what is altered in a registered forecast is named, wherever it is."""

import json

import pytest

from forecast.registry.seal import altered, digest, sealed
from tests.conftest import forecast_command


def test_the_digest_is_that_of_canonical_json():
    assert digest({"b": [1.5, "é"], "a": None}) == digest({"a": None, "b": [1.5, "é"]})
    # echo -n '{"a":[1,"\u00e9"]}' | sha256sum
    assert digest({"a": [1, "é"]}) == "83a175c500b5b96c13553ef38f7d1acfb22f0f69d64880f0156110554c0b2b0c"


def test_a_sealed_document_is_as_it_was_after_writing_and_reading():
    document = sealed({"draws": [0.1, 1e-12, float("inf")], "named": {"é": 1}})
    assert altered(document) == altered(json.loads(json.dumps(document, indent=3))) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda held: held["forecast"]["rows"][0].update(q50=0.9), ["forecast"]),
        (lambda held: held["draws"]["rows"][7].__setitem__(0, 0.123), ["draws"]),
        (lambda held: held.update(registered="2020-01-01T00:00:00Z"), ["registered"]),
        (lambda held: held["question"]["rows"].pop(), ["question"]),
        (lambda held: held.pop("baselines"), ["baselines"]),
        (lambda held: held.update(note="made before"), ["note"]),
        (lambda held: held.update(sha256="0" * 64), ["sha256"]),
        (lambda held: held["sha256_of"].update(data="0" * 64), ["data"]),
        (lambda held: (held.update(seed=9), held["sha256_of"].update(seed=digest(9))), ["sha256"]),
        (lambda held: held.pop("sha256_of"), ["format", "registered", "forecast"]),
        (lambda held: held.update(format="mine"), ["format"]),
    ],
)
def test_score_and_record_refuse_an_altered_file_and_name_what_does_not_match(register, outcomes, change, named):
    path, _ = register()
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))
    for words in (("score", path, outcomes(x=0.5)), ("record", path.parent)):
        done = forecast_command(*words)
        assert done.code == 1 and "altered since it was registered" in done.err and done.out == ""
        said = done.err.partition("registered: ")[2].partition(" do")[0].split(", ")
        assert set(named) <= set(said) and (len(named) > 2 or said == named)


def test_a_file_that_was_sealed_again_is_not_the_published_one(register, outcomes):
    path, _ = register()
    held = json.loads(path.read_text())
    published = held["sha256"]
    assert forecast_command("score", path, outcomes(x=0.5), "--sha256", published.upper()).code == 0
    held["forecast"]["rows"][0]["q50"] = 0.9
    path.write_text(json.dumps(sealed({name: part for name, part in held.items() if not name.startswith("sha256")})))
    assert forecast_command("score", path, outcomes(x=0.5)).code == 0
    done = forecast_command("score", path, outcomes(x=0.5), "--sha256", published)
    assert done.code == 1 and f"the published one {published}" in done.err


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"sha256": "0"}', '{"format": NaN}', "model,task\n"])
def test_other_files_are_no_registered_forecasts(tmp_path, outcomes, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    done = forecast_command("score", path, outcomes(x=0.5))
    assert done.code == 1 and "not a registered forecast" in done.err
