"""The benchmarks' arithmetic and tables; what they time is theirs alone."""

from types import SimpleNamespace

import numpy as np
import pytest
from fresh_python import loaded_by

from augmentation import RandomWarp
from benchmarks import bench_gan, bench_handwriting, bench_inference, bench_recognise, bench_training
from benchmarks.bench_inference import Cost
from benchmarks.bench_recognise import Reading
from benchmarks.bench_training import Judge
from presets import PRESETS
from shell import UserError
from synthetic_image_generator import render_alphabet
from tasks import load_inputs, make_task


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


def test_one_pass_is_held_against_two_steps():
    rows = bench_gan.rows_of(["one pass, r1", "one pass", "two steps"], [[1200, 900], [1500, 1500], [1000, 1000]])
    assert [row.measured for row in rows[2:]] == ["1,000 images/s (1,000 to 1,000)", "1.05 times", "1.50 times"]
    assert [row.met for row in rows[3:]] == ["**no**", "yes"]


def test_the_recipe_of_two_steps_trains_the_same_networks_by_their_losses_alone():
    run = PRESETS["cgan-digits-smoke"][1]
    contestants = bench_gan.make_contestants(run, make_task(run, **load_inputs(run)))
    assert [one.name for one in contestants] == ["one pass, as it is trained", "one pass, bare", "two steps, bare"]
    trained, bare, recipe = (one.model for one in contestants)
    assert [any(isinstance(layer, RandomWarp) for layer in one.layers) for one in (trained, bare)] == [True, False]
    assert (bare.config.regulariser, bare.config.mismatch, bare.optimizer.use_ema) == ("none", 0, False)
    for network in ("generator", "discriminator"):
        before = [np.array(weight) for weight in getattr(recipe, network).trainable_weights]
        assert [weight.shape for weight in getattr(bare, network).trainable_weights] == [one.shape for one in before]
        assert contestants[2].train(steps=2) > 0
        after = [np.array(weight) for weight in getattr(recipe, network).trainable_weights]
        assert all(np.isfinite(one).all() and (one != other).any() for one, other in zip(after, before, strict=True))


class SevenBatches:
    batch_size = 100

    def __len__(self):
        return 7


def test_the_first_stretch_is_not_measured():
    paces = iter([9.0, 9.0, 0.5, 0.25, 0.5, 0.25])
    one, other = (SimpleNamespace(batches=SevenBatches(), train=lambda steps: steps * next(paces)) for _ in range(2))
    assert bench_training.throughputs([one, other], steps=60, repeats=2) == [[200, 200], [400, 400]]


def test_readings_are_told_by_the_picture():
    readings = [Reading(2.0, 2.5, 120), Reading(3.5, 2.6, 150), Reading(2.2, 2.4, 130)]
    rows = bench_recognise.reading_rows(readings, 1000, 0.4)
    assert [row.measured for row in rows] == ["2.20 ms (2.00 to 3.50)", "2.50 ms (2.40 to 2.60)", "0.40 s", "150 MB"]
    assert rows[0].met == "yes"
    assert bench_recognise.reading_rows(readings[:2] * 2, 500, 0.4)[0].met == "**no**"


def test_writing_is_held_against_what_is_wanted():
    lines, letters = [Cost(0.7, 90, ""), Cost(0.9, 95, ""), Cost(0.6, 91, "")], [Cost(9.0, 300, ""), Cost(8.5, 310, "")]
    rows = bench_handwriting.writing_rows(lines, letters)
    assert [row.met for row in rows] == ["yes", "**no**", "", "yes"]
    assert [row.measured for row in rows[2:]] == ["95 MB", "310 MB"]


def test_made_up_text_has_the_characters_asked_for():
    text = bench_handwriting.made_up_text("abc", 500)
    assert len(text.replace(" ", "")) == 500
    assert set(text) == set("abc ")
    assert max(map(len, text.split(" "))) == 10


def test_a_letter_cut_short_is_refused(tmp_path):
    script = tmp_path / "cut.py"
    script.write_text("print('a/b: c.png: 1,002 characters, 3 x 4 pixels'); print('d.png: 1 character, 3 x 4 pixels')")
    assert bench_handwriting.write([script], 1003).seconds > 0
    with pytest.raises(UserError, match="expected 1,004 characters written, received 1,003"):
        bench_handwriting.write([script], 1004)


def test_benchmarks_load_no_keras_before_the_backend_is_set_up():
    names = "bench_app, bench_gan, bench_handwriting, bench_inference, bench_layers, bench_recognise, bench_training"
    assert not loaded_by(f"from benchmarks import {names}", ["keras", "tensorflow"])
