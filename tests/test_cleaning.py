"""cleaning.py: what is no example of its label goes, what is one stays, and the test part is left alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cleaning import own_probability, without_misfits
from data_processor import TEST, TRAIN, VALIDATION, GlyphDataset
from readers import Reading
from shell import UserError


class Reader:
    """Reads the character whose number in the alphabet is a picture's first pixel, with 90 %."""

    folder, alphabet, image_size = Path("reader"), "abcOo", 28

    def recognise(self, images):
        read = np.full((len(images), 5), 0.025)
        read[np.arange(len(images)), images[:, 0, 0, 0]] = 0.9
        return Reading(read, None, None, None)


def data(shown: list[int], labels: list[int], split: int = TRAIN) -> GlyphDataset:
    images = np.zeros((len(shown), 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = shown
    return GlyphDataset("toys", images, np.array(labels, np.int32), "abcOo", tuple("abcOo"),
                        np.full(len(shown), split, np.uint8))  # fmt: skip


def joined(*parts: GlyphDataset) -> GlyphDataset:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels", "split")}
    return replace(parts[0], **arrays)


EVERYONE = list(range(5))  # characters
EXAMPLES = joined(data(EVERYONE, EVERYONE), data(EVERYONE, EVERYONE, VALIDATION))


def test_misfits_go_examples_stay_and_it_is_told(capsys):
    kept = without_misfits(joined(EXAMPLES, data([2, 2], [1, 2])), Reader(), 0.2)
    assert kept.labels.tolist() == kept.images[:, 0, 0, 0].tolist() == [*EVERYONE, *EVERYONE, 2]
    assert "reader leaves 11 of 12 pictures" in capsys.readouterr().out


def test_a_look_alike_is_no_misfit():
    np.testing.assert_allclose(own_probability(data([4, 3, 0], [3, 4, 3]), Reader()), [0.925, 0.925, 0.05])


def test_the_test_part_is_left_alone():
    assert len(without_misfits(joined(EXAMPLES, data([0, 0], [1, 2], TEST)), Reader(), 0.9).labels) == 12


@pytest.mark.parametrize(("shown", "lost"), [([1, 1, 2, 3, 4], "none of 'a'"), ([1, 0, 0, 0, 0], "images for train")])
def test_a_reader_that_leaves_nothing_of_a_character_is_refused(shown, lost):
    poor = joined(data(shown, EVERYONE), data(EVERYONE, EVERYONE, VALIDATION))
    with pytest.raises(UserError, match=f"{lost}.*lower --least-likely 0.9, or choose another --cleaned-by"):
        without_misfits(poor, Reader(), 0.9)


def test_a_reader_of_other_characters_is_refused():
    other = replace(data([0], [0]), alphabet="xyzOo")
    with pytest.raises(UserError, match="--cleaned-by reader: expected a reader of 'xyzOo'"):
        without_misfits(other, Reader(), 0.2)
