"""Test pictures are chosen by rule: what set and model share, in groups of one kind, and nothing but the test part."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from config import ALNUM, ASCII, DIGITS, LETTERS
from data_processor import load_joined
from evaluation_data import Loaded, Pictures, data_for
from runtime import TrainedModel
from shell import UserError


def write_set(path: Path, characters: Sequence[str], each=4, split=("train", "test"), **further: np.ndarray) -> str:
    """A set whose pictures tell their label by a column of ink; no split: it names no test part."""
    labels = np.tile(np.arange(len(characters)), each)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 4:24, 12] = 100 + labels[:, None]
    if split:
        further["split"] = np.array(split)[np.arange(len(labels)) // len(characters) % len(split)]
    np.savez(path, images=images, labels=labels, classes=np.array(list(characters)), **further)
    return str(path)


def model(alphabet: str, *data: str) -> TrainedModel:
    return TrainedModel(Path(), {"name": "reader", "alphabet": alphabet, "data": {"name": "+".join(data)}})


def groups(known: str, *names: str, **options) -> list[Pictures]:
    return data_for(model(known), names, **options).pictures


def datasets(loaded: Loaded) -> list[str]:
    return [pictures.dataset for pictures in loaded.pictures]


@pytest.mark.parametrize(
    ("characters", "alphabet", "expected"),
    [
        ("123", DIGITS, [("digits", {"digits": DIGITS})]),
        ("123", ASCII, [("digits", {"digits": DIGITS, "all": None})]),
        ("A1b", ASCII, [("letters and digits", {"letters and digits": ALNUM, "all": None})]),
        ("A1b", DIGITS, [("digits", {"digits": DIGITS})]),
        ("Aab", ALNUM, [("letters", {"letters": LETTERS, "all": None})]),
        ("Ab", "Abc", [("letters", {"letters": "Abc"})]),
        ("?1!", ASCII, [("digits", {"digits": DIGITS, "all": None}), ("signs", {"all": None})]),
        ("é1", DIGITS + "é", [("digits", {"digits": DIGITS, "all": None}), ("characters", {"all": None})]),
    ],
)
def test_groups_are_what_set_and_model_share(tmp_path, characters, alphabet, expected):
    found = groups(alphabet, write_set(tmp_path / "set.npz", characters))
    assert [(pictures.kind, pictures.narrowings) for pictures in found] == expected


def test_an_alphabet_asked_for_is_the_only_one(tmp_path):
    found = groups(ASCII, write_set(tmp_path / "set.npz", "Ab1?"), alphabet="letters")
    assert [(pictures.kind, pictures.narrowings) for pictures in found] == [("letters", {"letters": LETTERS})]
    found = groups(ASCII, write_set(tmp_path / "set.npz", "Ab1?"), alphabet="b1?")
    assert [(pictures.kind, pictures.narrowings) for pictures in found] == [("characters", {"'b1?'": "b1?"})]


def test_labels_are_those_of_the_model_and_pictures_those_of_the_test_part(tmp_path):
    name = write_set(tmp_path / "set.npz", "bac", each=6, split=("train", "test", "validation"))
    (pictures,) = groups("abc", name)
    assert len(pictures.labels) == 6
    np.testing.assert_array_equal(pictures.images[:, 4, 12, 0], np.array([101, 100, 102])[pictures.labels])


def test_the_sets_a_model_was_trained_on_are_the_default(tmp_path):
    names = [write_set(tmp_path / f"{characters}.npz", characters) for characters in ("ab", "bc")]
    found = data_for(model("abc", *names), data_dir=tmp_path).pictures
    assert [pictures.name for pictures in found] == ["ab.npz letters", "bc.npz letters"]


def test_photographs_come_along_unless_sets_are_named(tmp_path):
    name = write_set(tmp_path / "set.npz", "ab")
    (tmp_path / "photos").mkdir()
    for stem in ("SMALL_a_1", "CAP_A_1"):
        Image.fromarray(np.pad(np.zeros((20, 4), np.uint8), 12, constant_values=255)).save(
            tmp_path / "photos" / f"{stem}.png"
        )
    assert datasets(data_for(model("ab", name), data_dir=tmp_path)) == ["set.npz", "photos"]
    assert datasets(data_for(model("ab", name), (name,), tmp_path)) == ["set.npz"]
    assert datasets(data_for(model("b", name), data_dir=tmp_path)) == ["set.npz"]
    for photo in (tmp_path / "photos").iterdir():
        photo.rename(photo.with_stem("holiday" + photo.stem))
    assert datasets(data_for(model("ab", name), data_dir=tmp_path)) == ["set.npz"]


def test_the_card_s_settings_name_the_sets_it_was_trained_on(tmp_path):
    name = write_set(tmp_path / "a+b.npz", "ab")
    reader = model("ab", "nonsense")
    reader.card["config"] = {"dataset": [name]}
    assert datasets(data_for(reader, data_dir=tmp_path)) == ["a+b.npz"]


def test_default_sets_of_nothing_in_common_are_skipped_unless_all_are(tmp_path):
    ours, theirs = (write_set(tmp_path / f"{characters}.npz", characters) for characters in ("ab", "xy"))
    assert datasets(data_for(model("ab", ours, theirs), data_dir=tmp_path)) == ["ab.npz"]
    with pytest.raises(UserError, match=r"xy\.npz holds 'xy'"):
        data_for(model("ab", theirs), data_dir=tmp_path)
    with pytest.raises(UserError, match=r"xy\.npz holds 'xy'"):
        data_for(model("ab", ours), [ours, theirs], tmp_path)


def test_sets_of_the_same_last_name_are_numbered(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    names = [write_set(tmp_path / folder / "set.npz", "ab") for folder in ("one", "two", "one")]
    assert datasets(data_for(model("ab"), names)) == ["set.npz", "set.npz (2)"]


def test_a_set_without_a_test_part_is_measured_whole_unless_it_was_trained_on(tmp_path):
    name = write_set(tmp_path / "set.npz", "ab", each=20, split=None)
    (whole,), (part,) = (data_for(model("ab", *trained), [name]).pictures for trained in (("mnist",), (name,)))
    assert len(whole.labels) == 40 and len(part.labels) == 4
    (unknown,) = data_for(TrainedModel(Path(), {"name": "reader", "alphabet": "ab"}), [name]).pictures
    assert len(unknown.labels) == 4


def test_data_that_changed_since_the_training_are_told(tmp_path):
    name = write_set(tmp_path / "set.npz", "abx")
    reader = model("ab", name)
    reader.card["data"]["sha256"] = load_joined([name], "ab").sha256
    assert data_for(reader).note == ""
    write_set(tmp_path / "set.npz", "abx", each=6)
    assert "set.npz: not the data that the model was trained on" in data_for(reader).note
    assert data_for(reader, [name]).note == ""
    reader.card["config"] = {"dataset": [name], "cleaned_by": "recogniser"}  # then the hash is of what was left
    assert data_for(reader).note == ""


def test_writers_come_along(tmp_path):
    name = write_set(tmp_path / "set.npz", "ab1", each=6, writer=np.arange(18) // 3)
    (pictures,) = groups("ab", name)
    assert pictures.writers.tolist() == [1, 1, 3, 3, 5, 5]
    assert pictures.spread(3).writers.tolist() == [1, 3, 5]
    (unknown,) = groups("ab", write_set(tmp_path / "set.npz", "ab"))
    assert unknown.writers is unknown.spread(1).writers is None


def test_a_set_of_other_characters_names_both_alphabets(tmp_path):
    with pytest.raises(UserError, match=r"'reader' is to read '012'.*set\.npz holds 'abc'.*in common"):
        groups("012", write_set(tmp_path / "set.npz", "abc"))


def test_a_test_part_of_no_images_is_told(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match="photos.*received none"):
        groups("ab", "photos", data_dir=tmp_path)
    with pytest.raises(UserError, match="test part .*holds 'a'"):
        groups("ab", write_set(tmp_path / "set.npz", "a"), alphabet="b")


def test_a_character_the_model_does_not_know_is_named_before_data_are_loaded():
    with pytest.raises(UserError, match="does not know 'é'"):
        groups(DIGITS, "missing", alphabet="1é")


def test_words_are_measured_with_who_learned_them_alone(tmp_path):
    clothes, other = (write_set(tmp_path / f"{name}.npz", [name, "bag", "coat"]) for name in ("shoe", "hat"))
    wearing = model("012", clothes)
    wearing.card["data"]["words"] = ["shoe", "bag", "coat"]
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(tmp_path / "photos" / "DIGIT_1_1.png")
    for names in ([], [clothes]):
        (found,) = data_for(wearing, names, tmp_path).pictures
        assert np.bincount(found.labels).tolist() == [2, 2, 2]
    for names in ("digits", other):
        with pytest.raises(UserError, match="classes as model 'reader' learned them, such as 'coat', received others"):
            data_for(wearing, [names])
    with pytest.raises(UserError, match="words such as 'coat'.*no model trained on others"):
        data_for(model("012", "mnist"), [clothes])


@pytest.mark.parametrize("data", [None, "mnist", {}, {"name": 3}])
def test_a_card_that_names_no_data_is_told(data):
    reader = TrainedModel(Path(), {"name": "reader", "alphabet": DIGITS, "data": data})
    with pytest.raises(UserError, match="'reader'.*name a --dataset"):
        data_for(reader)


def test_a_set_is_called_by_its_last_name(tmp_path):
    folder = tmp_path / "mine" / "letters"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for k in range(10):
            pixels = np.pad(np.zeros((20, 4 + k), np.uint8), 12, constant_values=255)
            Image.fromarray(pixels).save(folder / name / f"{k}.png")
    assert [pictures.name for pictures in groups("ab", f"folder:{folder}")] == ["folder:letters letters"]


def test_a_set_whose_name_is_no_unicode_is_called_something_that_can_be_written(tmp_path):
    name = write_set(Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.npz")), "ab")
    (pictures,) = groups("ab", name)
    assert pictures.dataset == r"m\udcff.npz"


@given(st.integers(1, 60), st.integers(1, 80))
def test_a_spread_is_even_and_shows_nothing_twice(size, count):
    pictures = Pictures("set", "digits", np.zeros((size, 1, 1, 1), np.uint8), np.arange(size), {"all": None})
    spread = pictures.spread(count).labels
    assert len(spread) == min(size, count)
    steps = np.diff([*spread, size])
    assert len(spread) == len(set(spread)) and (np.ptp(steps) <= 1)
