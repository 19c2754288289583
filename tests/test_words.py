"""Words: lengths of time as people type them and as outputs write them."""

import pytest

from forecast.words import format_minutes, minutes_of, spoken_score


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *(("30s", 0.5), ("90 seconds", 1.5), ("30min", 30), ("1.5 h", 90), ("8h", 480), ("2 h 10 min", 130)),
        *(("1h30min", 90), ("1 working day", 480), ("2 Working Weeks", 4800), ("1 working-month", 10020)),
        *((".5 working years", 60000), (" 45 mins ", 45), ("3 HRS", 180)),
    ],
)
def test_a_length_of_time_is_read_in_minutes(text, minutes):
    found = minutes_of(text)
    assert found == pytest.approx(minutes) and found.text == text


@pytest.mark.parametrize("text", ["", "8", "h", "8h and more", "-8h", "8 fortnights", "1e3h"])
def test_what_is_no_length_of_time_is_refused_with_words_that_are(text):
    with pytest.raises(ValueError, match="write"):
        minutes_of(text)


@pytest.mark.parametrize("unit", ["day", "weeks", "month", "years"])
def test_a_day_of_work_is_told_from_a_day_of_the_clock(unit):
    with pytest.raises(ValueError, match=f"write 'working {unit.removesuffix('s')}' for work, or hours"):
        minutes_of(f"2 {unit}")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        *((0.04, "2.4 s"), (0.63, "38 s"), (5.36, "5.4 min"), (59.4, "59 min"), (59.6, "1 h"), (130, "2 h 10 min")),
        *(
            (480, "8 h"),
            (10020, "167 h"),
            (119000, "1983 h"),
            (750, "12.5 h"),
            (240000, "2 working years"),
            (0.999, "1 min"),
        ),
        *((float("inf"), "unbounded"), (float("nan"), "unknown"), (6e9, "5e04 working years")),
    ],
)
def test_minutes_are_written_in_the_unit_that_suits_them(minutes, words):
    assert format_minutes(minutes) == words


@pytest.mark.parametrize("minutes", [0.3, 7, 59, 61, 480, 599, 10020])
def test_what_is_written_is_read_again(minutes):
    assert minutes_of(format_minutes(minutes)) == pytest.approx(minutes, rel=0.05)


def test_only_horizons_are_lengths_of_time():
    assert spoken_score(480, "horizon") == "8 h" and spoken_score(0.5, "exact_match") == "0.5"
