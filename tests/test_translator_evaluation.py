"""What is counted of a translator, held against translators whose faults are known."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from config import DIGITS
from evaluation_data import Pictures
from glyph_metrics import nearest_glyph
from reader_evaluation import read_once
from synthetic_image_generator import render_alphabet
from translator_evaluation import (
    CLOSE,
    NEAREST,
    find_judge,
    reader_of,
    scores,
    set_outcome,
    translated_reading,
    translator_steps,
    typesetting,
)

FONTS = ["STIXGeneral", "DejaVu Sans"]


def glyphs_of(alphabet: str) -> dict[str, np.ndarray]:
    return {font: render_alphabet(font, alphabet) for font in FONTS}


class Translator:
    """Reads the label from the first pixel, but misreads `wrong` as the next; `faded` is what its type lacks of ink."""

    def __init__(self, alphabet=DIGITS, wrong=(), faded=0.0, size=28):
        self.alphabet, self.wrong, self.faded, self.size = alphabet, wrong, faded, size
        self.card = {"name": "translator", "fonts": FONTS}

    def translate(self, images, font, allowed=None):
        read = images[:, 0, 0, 0].astype(int)
        read = np.where(np.isin(read, self.wrong), (read + 1) % len(self.alphabet), read)
        type_glyphs = render_alphabet(font or FONTS[0], self.alphabet, self.size)
        return type_glyphs[read] / np.float32(255) * (1 - self.faded), np.eye(len(self.alphabet))[read]


class Judge:
    """Reads type of the first font that is black enough."""

    def __init__(self, alphabet=DIGITS, image_size=28):
        self.alphabet, self.image_size, self.folder, self.shown = alphabet, image_size, Path("judge"), []

    def recognise(self, images, allowed):
        self.shown.append(len(images))
        assert set(allowed) <= set(self.alphabet)
        read = nearest_glyph(images, render_alphabet(FONTS[0], self.alphabet))
        return SimpleNamespace(probabilities=np.eye(len(self.alphabet))[np.where(images.max((1, 2, 3)) > 200, read, 0)])


def labelled(labels, allowed=DIGITS, size=28) -> Pictures:
    images = np.zeros((len(labels), size, size, 1), np.uint8)
    images[:, 0, 0, 0] = labels
    return Pictures("set", "kind", images, np.array(labels), {"digits": allowed})


def section_of(translator, pictures, judge=None):
    type_glyphs = {font: render_alphabet(font, translator.alphabet, translator.size) for font in FONTS}
    return typesetting(translator, type_glyphs, judge, pictures, 0)


def test_a_faultless_translator_is_right_everywhere():
    measures = section_of(Translator(), labelled([3, 1, 4, 1, 5])).measures
    assert len(measures) == 2 + 4 * len(FONTS)
    for name, measure in measures.items():
        best = 0 if "error" in name else 1
        assert measure.value == measure.oracle == pytest.approx(best), name


def test_misread_pictures_are_counted_in_every_font_as_the_oracle_counts_them():
    measures = section_of(Translator(wrong=[4]), labelled([3, 1, 4, 1])).measures
    for name, measure in measures.items():
        if NEAREST in name or CLOSE in name:
            assert measure.value == measure.oracle == 0.75, name


def test_poor_type_is_told_from_poor_reading():
    measures = section_of(Translator(faded=0.2), labelled([3, 1, 4, 1])).measures
    for font in FONTS:
        assert measures[f"{font}: {NEAREST}"].value == 1
        assert (measures[f"{font}: {CLOSE}"].value, measures[f"{font}: {CLOSE}"].oracle) == (0, 1)
        assert measures[f"{font}: structural similarity"].value < measures[f"{font}: structural similarity"].oracle
        assert measures[f"{font}: mean squared error"].value > measures[f"{font}: mean squared error"].oracle == 0
    assert measures[f"every font: {CLOSE}"].value == 0


def test_scores_come_picture_by_picture_whatever_the_batch(monkeypatch):
    type_glyphs, labels = render_alphabet(FONTS[0], DIGITS), np.array([1, 2, 3, 4, 5])
    glyphs = type_glyphs[[1, 2, 9, 4, 5]]
    whole = scores(glyphs, labels, type_glyphs)
    assert whole.nearest.tolist() == whole.close.tolist() == [True, True, False, True, True]
    monkeypatch.setattr("translator_evaluation.BATCH", 2)
    for once, again in zip(whole, scores(glyphs, labels, type_glyphs), strict=True):
        np.testing.assert_allclose(once, again)


def test_legibility_is_what_the_judge_reads_as_the_handwriting():
    measures = section_of(Translator(wrong=[4]), labelled([3, 1, 4, 1]), Judge()).measures
    read = measures[f"{FONTS[0]}: read right by judge"]
    assert read.value == read.oracle == 0.75
    faded = section_of(Translator(faded=0.5), labelled([3, 1, 4, 1]), Judge()).measures
    assert faded[f"{FONTS[0]}: read right by judge"].value == 0
    assert faded[f"{FONTS[0]}: read right by judge"].oracle == 1


def test_the_judge_reads_the_oracle_s_glyphs_once_a_font():
    judge = Judge()
    section_of(Translator(), labelled([3, 1, 4, 1] * 5), judge)
    assert judge.shown == [20, len(DIGITS)] * len(FONTS)


def test_the_judge_may_order_its_alphabet_as_it_likes():
    measures = section_of(Translator(), labelled([3, 1, 4]), Judge("x" + DIGITS[::-1])).measures
    assert measures[f"{FONTS[0]}: read right by judge"].value == 1


def test_a_judge_that_does_not_know_what_may_be_set_is_told():
    section = section_of(Translator(), labelled([3, 1]), Judge("01234"))
    assert "judge does not know all that may be set" in section.note
    assert not any("judge" in name for name in section.measures)


def test_a_judge_of_another_size_is_told():
    section = section_of(Translator(), labelled([3, 1]), Judge(image_size=32))
    assert "judge reads glyphs of 32 pixels, not of 28" in section.note
    assert not any("judge" in name for name in section.measures)


def test_glyphs_smaller_than_its_window_have_no_structural_similarity():
    measures = section_of(Translator(size=8), labelled([3, 1], size=8)).measures
    assert not any("similarity" in name for name in measures)
    assert measures[f"{FONTS[0]}: mean squared error"].value == 0


def test_type_has_intervals_over_writers_where_they_are_known():
    pictures = labelled([4, 4, 1, 1, 4, 1])._replace(writers=np.arange(6) // 2)
    section = section_of(Translator(wrong=[4]), pictures)
    assert section.measures[f"every font: {NEAREST}"].interval == "writers" and "over the 3 writers" in section.note
    means = [one for name, one in section.measures.items() if "similarity" in name or "error" in name]
    assert means and {one.interval for one in means} == {"writers"}


def test_without_a_judge_one_section_says_so(tmp_path):
    translator = Translator()
    assert find_judge(translator, tmp_path) is None
    with_judge, without = (translator_steps(translator, [labelled([3, 1])], 0, 5, judge) for judge in (Judge(), None))
    assert len(without) == len(with_judge) + 1
    (said,) = [step() for step in without if getattr(step, "__name__", "") == "no_legibility"]
    assert "judge-digits" in said.note


@pytest.mark.parametrize(
    ("alphabet", "trained", "chosen"),
    [
        (DIGITS, ["judge-ascii", "judge-digits"], "judge-digits"),
        (DIGITS, ["judge-ascii"], "judge-ascii"),
        ("ab1", ["judge-ascii", "judge-digits"], "judge-ascii"),
        ("ab1", ["judge-digits"], None),
    ],
)
def test_a_judge_of_digits_alone_is_preferred_for_digits(tmp_path, monkeypatch, alphabet, trained, chosen):
    monkeypatch.setattr("translator_evaluation.find_models", lambda models_dir: trained)
    monkeypatch.setattr("translator_evaluation.Recogniser.open", lambda name, models_dir: name)
    assert find_judge(SimpleNamespace(alphabet=alphabet), tmp_path) == chosen


def test_a_translator_is_measured_as_a_reader_too():
    pictures = labelled([3, 1, 4, 1])
    once = read_once(reader_of(Translator(wrong=[4])), DIGITS, pictures.images)
    section = translated_reading(once, DIGITS, pictures, "digits", 0)
    assert section.measures["read right"].value == 0.75
    assert list(section.confusions) == ["4 read as 5"]


def test_robustness_counts_the_type_of_the_first_font():
    pictures = labelled([3, 1, 4, 1])
    outcome = set_outcome(Translator(wrong=[4]), glyphs_of(DIGITS), pictures, pictures.images)
    assert outcome.right.tolist() == [True, True, False, True] and not outcome.refused.any()
