"""The benchmarks' arithmetic and tables; what they time is theirs alone."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import bench_inference, bench_training, bench_translator
from benchmarks.bench_inference import Cost
from benchmarks.bench_training import Judge
from benchmarks.bench_translator import Bench, Pictures
from benchmarks.table import Row, as_markdown, share_row, wilson
from config import ASCII
from shell import UserError
from synthetic_image_generator import render_alphabet

ROOT = Path(__file__).resolve().parents[1]
FONTS = ["STIXGeneral", "DejaVu Sans"]


class Oracle:
    """A translator that reads the label from the first pixel and sets it without fault; `wrong` makes it misread."""

    def __init__(self, alphabet="0123456789", wrong=()):
        self.alphabet, self.card, self.wrong = alphabet, {"fonts": FONTS}, wrong

    def translate(self, images, font, allowed=None):
        read = images[:, 0, 0, 0].astype(int)
        read = np.where(np.isin(read, self.wrong), (read + 1) % len(self.alphabet), read)
        return render_alphabet(font, self.alphabet)[read] / np.float32(255), np.eye(len(self.alphabet))[read]


def labelled(labels) -> Pictures:
    images = np.zeros((len(labels), 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = labels
    return Pictures(images, np.array(labels))


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"), [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (10, 10, 0.7225, 1.0)]
)
def test_wilson_gives_published_intervals(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 10**6).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_wilson_encloses_the_share(trial):
    hits, count = trial
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count <= high <= 1


def test_a_share_row_is_held_against_its_target():
    assert share_row("x", 995, 1000, 0.995)[3:] == ("at least 99.50%", "yes")
    assert share_row("x", 994, 1000, 0.995).met == "**no**"
    assert share_row("x", 994, 1000).met == ""


def test_markdown_is_one_table_and_leaves_out_empty_columns():
    lines = as_markdown("title", [Row("a|b", "1", target="2", met="yes"), Row("longer", "10")]).splitlines()
    assert lines[0] == "## title"
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["what", "measured", "target", "met"]
    assert set(lines[3]) == set("|- ")
    assert "a\\|b" in lines[4]
    assert len({len(line) for line in lines[2:6]}) == 1


def test_nearest_finds_every_glyph_under_noise():
    glyphs = render_alphabet("STIXGeneral", ASCII)
    noise = np.random.default_rng(0).normal(0, 0.05, glyphs.shape)
    np.testing.assert_array_equal(bench_translator.nearest(glyphs / 255 + noise, glyphs), np.arange(len(ASCII)))


def test_within_allows_a_tenth_and_no_more():
    right = np.full((3, 4, 4, 1), 255, np.uint8)
    glyphs = np.ones(right.shape, np.float32)
    glyphs[1, 2, 3], glyphs[2, 2, 3] = 0.91, 0.89
    assert bench_translator.within(glyphs, right).tolist() == [True, True, False]


@given(st.integers(0, 3), st.sampled_from([36, 40, 64]))
def test_moved_keeps_the_picture_and_puts_it_off_centre(k, side):
    image = np.arange(1, 28 * 28 + 1).reshape(28, 28)
    down, right = bench_translator.way_of(k)
    canvas, margin = bench_translator.moved(image, side, (down, right)), (side - 28) // 2
    np.testing.assert_array_equal(canvas[margin + down :][:28, margin + right :][:, :28], image)
    assert np.count_nonzero(canvas) == image.size


def test_fits_asks_whether_ink_would_be_lost():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = 255
    assert all(bench_translator.fits(image, bench_translator.way_of(k)) for k in range(4))
    image[24, 10] = 255
    assert [bench_translator.fits(image, bench_translator.way_of(k)) for k in range(4)] == [False, False, True, True]


def test_a_faultless_translator_is_right_everywhere():
    pictures = labelled([3, 1, 4, 1, 5])
    outcome = Bench(Oracle()).outcome(pictures)
    assert outcome.nearest.shape == outcome.close.shape == (2, 5)
    assert outcome.nearest.all()
    assert outcome.close.all()
    np.testing.assert_array_equal(outcome.read, pictures.labels)


def test_misread_pictures_are_counted_in_every_font():
    bench = Bench(Oracle(wrong=[4]))
    rows = bench_translator.typesetting_rows(bench, bench.outcome(labelled([3, 1, 4, 1])))
    assert [row.measured for row in rows] == ["75.00%"] * 4
    assert all(font in rows[k].what for k, font in enumerate(FONTS))


def test_folding_forgives_the_case_alone():
    bench = Bench(Oracle("aAb", wrong=[0, 1]))  # reads a as A and A as b
    rows = bench_translator.reading_rows(bench, labelled([0, 1, 2, 2]), {"all": None}, 0.86)
    assert [row.measured for row in rows] == ["50.00%", "75.00%", "50.00%"]
    assert [row.met for row in rows] == ["", "**no**", ""]


def test_what_to_glyph_refuses_counts_as_wrong():
    images = np.zeros((2, 28, 28, 1), np.uint8)
    images[1, 6:22, 12:16] = 255
    again, accepted = bench_translator.reframed(Pictures(images, np.zeros(2, int)), lambda k, image: 255 - image)
    assert accepted.tolist() == [False, True]
    np.testing.assert_array_equal(again.images[1], images[1])


def test_real_digits_survive_being_pictures(data_dir):
    arguments = bench_translator.Arguments(data_dir=data_dir, limit=20)
    pictures = bench_translator.pictures_of("mnist", "0123456789", ASCII, arguments)
    assert 20 <= len(pictures.labels) <= 21
    again, accepted = bench_translator.reframed(pictures, lambda k, image: 255 - image)
    assert accepted.all()
    assert np.abs(again.images.astype(int) - pictures.images).mean() < 5


def test_a_model_without_digits_is_refused(data_dir):
    with pytest.raises(UserError, match="reads some of"):
        bench_translator.pictures_of("mnist", "0123456789", "abc", bench_translator.Arguments(data_dir=data_dir))


def test_costs_are_compared_by_medians_and_peaks():
    ours = [Cost(0.3, 150, ""), Cost(0.4, 260, ""), Cost(9.0, 140, "")]
    keras = [Cost(4.0, 800, ""), Cost(3.6, 810, ""), Cost(4.4, 805, "")]
    rows = bench_inference.cost_rows(ours, keras)
    assert [row.met for row in rows] == ["yes", "", "yes", "**no**", ""]
    assert rows[0].measured == "0.40 s (0.30 to 9.00)"
    assert rows[2].measured == "10.0 times faster"
    assert rows[3].measured == "260 MB"


def test_a_process_is_measured_and_its_failure_told(tmp_path):
    (tmp_path / "good.py").write_text("import sys; b = bytes(150_000_000); print(sys.argv[1], len(b))")
    cost = bench_inference.run_once([tmp_path / "good.py", "said"])
    assert cost.said == "said 150000000\n"
    assert cost.seconds > 0
    assert cost.megabytes > 5
    (tmp_path / "bad.py").write_text("raise SystemExit('no such luck')")
    with pytest.raises(UserError, match=r"bad\.py.*received 1.*no such luck"):
        bench_inference.run_once([tmp_path / "bad.py"])


def test_scripts_that_read_differently_are_refused(tmp_path):
    commands = []
    for character in "17":
        script = tmp_path / f"{character}.py"
        script.write_text(f'print(\'{{"character": "{character}"}}\')')
        commands.append([script])
    with pytest.raises(UserError, match="same character"):
        bench_inference.alternate(commands, runs=1)
    assert [len(costs) for costs in bench_inference.alternate(commands[:1] * 2, runs=3)] == [3, 3]


class Learner:
    """A contestant that reads `learns` more pictures right after each epoch, which takes it `pace` seconds."""

    def __init__(self, name, labels, learns, pace, last=100):
        self.name, self.labels, self.learns, self.pace, self.last = name, labels, learns, pace, last
        self.epochs, self.seconds, self.reached = 0, 0.0, False

    def train(self):
        return self.pace

    def translate(self, images):
        known = np.arange(len(self.labels)) < self.learns * self.epochs
        return render_alphabet("STIXGeneral", "0123456789")[np.where(known, self.labels, 9 - self.labels)] / 255

    def may_go_on(self, one):
        return one.epochs < self.last


def raced(*learners):
    labels = learners[0].labels
    judge = Judge(np.zeros((len(labels), 28, 28, 1), np.uint8), labels, render_alphabet("STIXGeneral", "0123456789"))
    bench_training.race(learners, judge, share=0.9)
    return judge


def test_a_race_stops_each_when_it_is_there():
    labels = np.arange(100) % 10
    fast, slow = Learner("fast", labels, 50, 2.0), Learner("slow", labels, 10, 5.0)
    judge = raced(fast, slow)
    assert (fast.epochs, fast.seconds, slow.epochs, slow.seconds) == (2, 4.0, 9, 45.0)
    rows = bench_training.race_rows([fast, slow], judge, 0.9)
    assert [row.measured for row in rows] == ["4 s (epoch 2)", "100.00%", "45 s (epoch 9)", "90.00%", "11.2 times"]
    assert rows[-1].met == "yes"


def test_a_race_given_up_gives_a_lower_bound():
    labels = np.arange(100) % 10
    fast, slow = Learner("fast", labels, 50, 2.0), Learner("slow", labels, 10, 5.0, last=4)
    rows = bench_training.race_rows([fast, slow], raced(fast, slow), 0.9)
    assert rows[2].measured == "not reached in 20 s (epoch 4)"
    assert (rows[-1].measured, rows[-1].met) == ("more than 5.0 times", "**no**")


def test_a_translator_that_never_gets_there_is_not_sooner():
    labels = np.arange(100) % 10
    never, slow = Learner("never", labels, 1, 2.0, last=3), Learner("slow", labels, 50, 5.0)
    rows = bench_training.race_rows([never, slow], raced(never, slow), 0.9)
    assert (rows[-1].measured, rows[-1].met) == ("not reached", "**no**")


def test_throughput_is_the_ratio_of_medians():
    rows = bench_training.throughput_rows(["ours", "plain"], [[3000, 3300, 100], [600, 500, 9000]])
    assert rows[0].measured == "3,000 images/s (100 to 3,300)"
    assert (rows[2].measured, rows[2].met) == ("5.0 times", "yes")


class SevenBatches:
    batch_size = 100

    def __len__(self):
        return 7


def test_the_first_stretch_is_not_measured():
    paces = iter([9.0, 9.0, 0.5, 0.25, 0.5, 0.25])
    one, other = (SimpleNamespace(batches=SevenBatches(), train=lambda steps: steps * next(paces)) for _ in range(2))
    assert bench_training.throughputs([one, other], steps=60, repeats=2) == [[200, 200], [400, 400]]


def test_benchmarks_load_no_keras_before_the_backend_is_set_up():
    code = (
        "import sys, benchmarks.bench_inference, benchmarks.bench_training, benchmarks.bench_translator\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
