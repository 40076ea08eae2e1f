"""What is printed of a measurement, and what a card keeps of it."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metrics import Share
from report import (
    BOOTSTRAP,
    LOWEST,
    NUMBER,
    SHARE,
    WILSON,
    WRITERS,
    Measure,
    Row,
    Section,
    as_markdown,
    share_row,
    summary,
)


def test_a_share_row_is_held_against_its_target():
    assert share_row("x", 995, 1000, 0.995)[3:5] == ("at least 99.50%", "yes")
    assert share_row("x", 994, 1000, 0.995).met == "**no**"
    assert share_row("x", 994, 1000).met == ""


def test_markdown_is_one_table_and_leaves_out_empty_columns():
    lines = as_markdown("title", [Row("a|b", "1", target="2", met="yes"), Row("longer", "10")]).splitlines()
    assert lines[0] == "## title"
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["what", "measured", "target", "met"]
    assert set(lines[3]) == set("|- ")
    assert "a\\|b" in lines[4]
    assert len({len(line) for line in lines[2:6]}) == 1


def test_a_share_is_told_in_percent_with_its_interval():
    row = Measure.of(Share(81, 263), Share(100, 263)).row("x")
    assert row == Row("x", "30.80%", "25.53 to 36.62%", oracle="38.02%", pictures="263")


def test_a_mean_is_told_in_its_unit():
    measure = Measure.mean(np.full(50, 0.125), "nats", seed=0)
    assert measure.row("x")[1:3] == ("0.125 nats", "0.125 to 0.125")
    assert Measure.mean(np.full(50, 0.125), NUMBER, seed=0).row("x").measured == "0.125"


def test_a_mean_lies_in_its_interval_and_is_a_function_of_the_seed():
    values = np.random.default_rng(0).normal(size=300)
    first, again, other = (Measure.mean(values, NUMBER, seed) for seed in (0, 0, 1))
    assert first.low < first.value < first.high
    assert first == again != other


def test_json_keeps_small_figures_and_leaves_out_what_is_not_known():
    assert Measure(2.7123456789e-8, None, None, 5, NUMBER).as_json() == {
        "value": 2.712345679e-8,
        "count": 5,
        "unit": "1",
    }
    known = set(Measure.of(Share(1, 2), Share(2, 2)).as_json())
    assert known == {"value", "low", "high", "count", "unit", "oracle", "interval"}


@given(st.integers(1, 20_000), st.integers(1, 20_000))
@example(13_928, 4_186)  # 76.89504 %: of fewer digits it would be printed lower from the card than at once
@example(16_462, 1_652)  # 90.88500 %, and higher
def test_a_share_from_json_is_printed_as_it_was_at_once(hits, more):
    measure = Measure.of(Share(hits, hits + more - 1))
    assert Measure(**measure.as_json()).row("x").measured == measure.row("x").measured


def test_a_share_counts_writers_where_they_are_known():
    right = np.repeat([True, True, True, False], 25)
    alone, written = (Measure.counted(right, writers, seed=0) for writers in (None, np.repeat(np.arange(4), 25)))
    assert (alone.interval, written.interval) == (WILSON, WRITERS)
    assert alone == Measure.of(Share(75, 100))
    assert written.high - written.low > 2 * (alone.high - alone.low)  # four hands tell little


def test_a_share_without_a_mistake_has_wilson_s_interval_whoever_wrote():
    faultless = Measure.counted(np.ones(20, bool), np.arange(20) % 5, seed=0)
    assert faultless == Measure.of(Share(20, 20))


def test_every_class_counts_alike_where_it_is_asked_for():
    labels, right = np.repeat([0, 2], [90, 10]), np.arange(100) >= 45
    measure = Measure.balanced(right, labels, None, 0)
    assert measure.value == pytest.approx(0.75) and measure.count == 100
    assert 0.65 < measure.low < 0.75 < measure.high < 0.85 and measure.interval == BOOTSTRAP
    of_writers = Measure.balanced(right, labels, np.arange(100) // 9, 0)
    assert of_writers.value == measure.value and of_writers.interval == WRITERS
    assert Measure.balanced(right | True, labels, None, 0) == Measure.of(Share(100, 100))
    of_one_class = Measure.balanced(labels == 0, labels, None, 0)
    assert (of_one_class.value, of_one_class.low, of_one_class.high) == (0.5, None, None)


def test_of_one_picture_there_is_no_interval():
    measure = Measure.mean(np.array([0.3]), "nats", 0)
    assert (measure.value, measure.low, measure.high, measure.interval) == (0.3, None, None, None)


def test_the_lowest_of_many_is_less_certain_than_one():
    place, lowest = Measure.lowest([Share(9, 10), Share(7, 10), Share(8, 10)])
    assert place == 1 and lowest.value == 0.7
    assert lowest.low < Share(7, 10).low and lowest.high > Share(7, 10).high
    assert lowest.interval == LOWEST


def test_what_was_refused_stands_beside_what_is_right():
    measure = Measure.counted(np.arange(8) < 4, None, 0, refused=np.arange(8) == 7)
    assert measure.row("x").refused == "12.50%" and measure.as_json()["refused"] == 0.125
    assert "refused" in as_markdown("t", [measure.row("x")]) and "refused" not in as_markdown("t", [Row("x", "1")])


def section(**changes) -> Section:
    measures = {"read right": Measure.of(Share(9, 10)), "other": Measure.of(Share(1, 10))}
    classes = {character: Measure.of(Share(hits, 10)) for hits, character in enumerate("abcdefghijk")}
    return Section("set", "data", measures, ("read right",), classes=classes, **changes)


def test_a_section_shows_the_five_lowest_classes():
    text = section(note="as noted").as_markdown()
    assert [line.split()[2] for line in text.splitlines() if "lowest:" in line] == list("abcde")
    assert text.endswith("\nas noted\n")


def test_the_worst_classes_are_those_that_are_bad_for_certain():
    classes = {"rare": Measure.of(Share(0, 1)), "often": Measure.of(Share(50, 100))}
    text = Section("set", "data", {}, classes=classes).as_markdown()
    assert text.index("lowest: often") < text.index("lowest: rare")


def test_a_section_shows_no_class_that_is_read_right_as_one_of_the_worst():
    faultless = Section("set", "data", {}, classes={"a": Measure.of(Share(3, 3)), "b": Measure.of(Share(2, 3))})
    assert "lowest: b" in faultless.as_markdown() and "lowest: a" not in faultless.as_markdown()


def test_a_card_keeps_every_class_and_where_it_was_measured():
    kept = section().as_json(seed=3, date="2026-11-21")
    assert (kept["dataset"], kept["seed"], kept["date"]) == ("data", 3, "2026-11-21")
    assert len(kept["classes"]) == 11
    assert kept["measures"]["read right"]["unit"] == SHARE
    assert "note" not in kept and "confusions" not in kept


def test_a_summary_is_the_headline_alone():
    text = summary([section()])
    assert "| set: read right |" in text and "other" not in text


def test_a_section_that_is_all_headline_has_a_table_of_its_own():
    clean = {"clean": Measure.of(Share(9, 10))}
    text = summary([section(), Section("robustness", "data", clean, ("clean",), note="as noted")])
    assert (
        text.index("set: read right")
        < text.index("\n\nrobustness:\n\n| what")
        < text.index("| clean")
        < text.index("\nas noted\n")
    )


def test_a_section_without_figures_is_its_note():
    assert Section("set", "", {}, note="why").as_markdown() == "## set\n\n\nwhy\n"


@pytest.mark.parametrize("share", [Share(0, 7), Share(7, 7)])
def test_extreme_shares_have_an_interval(share):
    measure = Measure.of(share)
    assert 0 <= measure.low <= measure.value <= measure.high <= 1
