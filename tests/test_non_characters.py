"""Pictures of no character: of every kind as much as asked, framed as pictures are, a function of their number."""

import numpy as np
import pytest

import non_characters
from data_processor import load
from ink import BlankError
from non_characters import CALIBRATED, PHOTOGRAPHS
from shell import UserError

KINDS = ["tangle", "crossed out", "scribble", "smudge", "photograph"]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return load("digits").images[:50]


def numbered(images: np.ndarray, each: int, **chosen: int) -> dict[str, list[bytes]]:
    """The pictures of every kind, comparable."""
    made = non_characters.non_characters(images, each, **chosen)
    return {kind: [picture.tobytes() for picture in pictures] for kind, pictures in made.items()}


def test_every_kind_is_made_framed_and_never_blank(images):
    made = non_characters.non_characters(images, each=20, seed=1)
    assert list(made) == KINDS
    for kind, pictures in made.items():
        assert pictures.shape == (20, 28, 28, 1), kind
        assert pictures.dtype == np.uint8
        assert (pictures.max(axis=(1, 2, 3)) > 100).all(), kind
        assert len(np.unique(pictures.reshape(20, -1), axis=0)) == 20, kind


def test_blank_and_faint_pictures_lend_no_ink(images):
    mixed = np.concatenate([np.zeros_like(images), images // 200, images])
    assert numbered(mixed, 9) == numbered(images, 9)
    with pytest.raises(UserError, match="received 50 pictures without a pixel of 128 or more; scale them"):
        non_characters.non_characters(images // 200, 1)


def test_they_are_of_the_size_of_the_characters(images):
    large = np.kron(images[:3], np.ones((1, 2, 2, 1), np.uint8))
    assert {pictures.shape for pictures in non_characters.non_characters(large, 2).values()} == {(2, 56, 56, 1)}


def test_a_picture_is_a_function_of_its_number_however_many_there_are(images):
    many = numbered(images, 6, seed=4)
    few, other = (numbered(images, 3, seed=seed) for seed in (4, 5))
    later = numbered(images, 3, seed=4, first=3)
    for kind in KINDS:
        assert few[kind] + later[kind] == many[kind]
        assert not set(few[kind]) & set(other[kind])


def test_what_is_measured_on_was_never_calibrated_on_whatever_the_seeds(images):
    calibrated = [numbered(images, 12, seed=seed) for seed in range(3)]
    measured = [numbered(images, 12, seed=seed, first=CALIBRATED) for seed in range(3)]
    for kind in KINDS:
        ours, theirs = ({picture for made in parts for picture in made[kind]} for parts in (calibrated, measured))
        assert len(ours) == len(theirs) == 36, kind
        assert not ours & theirs, kind


def test_thresholds_see_one_photograph_and_measures_the_other(images, monkeypatch):
    import sklearn.datasets

    shades = {name: np.full((427, 640, 3), 1 + place, np.uint8) for place, name in enumerate(PHOTOGRAPHS)}
    monkeypatch.setattr(sklearn.datasets, "load_sample_image", shades.__getitem__)
    monkeypatch.setattr(non_characters, "to_glyph", lambda piece, size: np.full((size, size), piece.getpixel((0, 0))))
    made = non_characters.non_characters(images, 4, first=CALIBRATED - 2)
    assert made["photograph"][:, 0, 0, 0].tolist() == [1, 1, 2, 2]


def test_a_piece_without_anything_to_see_is_cut_elsewhere(images, monkeypatch):
    wanted = numbered(images, 1)["photograph"]
    glyph_of, refused = non_characters.to_glyph, []

    def refuse_once(piece, size):
        if not refused:
            refused.append(piece)
            raise BlankError
        return glyph_of(piece, size)

    monkeypatch.setattr(non_characters, "to_glyph", refuse_once)
    assert numbered(images, 1)["photograph"] != wanted
    assert len(refused) == 1
