"""A data set is one thing whatever its source: parts that never overlap, the same for a seed, and one alphabet."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fresh_python import HEAVY, loaded_by
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import config
import data_processor
from data_files import data_directory
from data_processor import (
    NAMES,
    TEST,
    TRAIN,
    VALIDATION,
    draw_contact_sheet,
    evenly_spread,
    joined_sha256,
    load,
    load_joined,
    sample_of_writers,
    stratified_sample,
)
from shell import UserError

SCRIPT = Path(data_processor.__file__)


def write_set(path: Path, characters: str, each=20, writers=None, split=None) -> str:
    labels = np.tile(np.arange(len(characters)), each)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 4:24, 12] = 100 + labels[:, None]
    arrays = {"images": images, "labels": labels, "classes": np.array(list(characters))}
    if writers:
        arrays["writer"] = np.array([f"w{index % writers}" for index in range(len(labels))])
    if split is not None:
        arrays["split"] = np.where(np.arange(len(labels)) < split, "train", "test")
    np.savez(path, **arrays)
    return str(path)


# --- parts -----------------------------------------------------------------------------------------------------------


def test_digits_need_no_file_and_have_all_parts(tmp_path):
    data = load("digits", tmp_path)
    counts = data.counts()
    assert counts.sum() == 1797 and abs(counts[:, TEST].sum() - 0.2 * 1797) < 6
    assert abs(counts[:, VALIDATION].sum() - 0.08 * 1797) < 6
    assert (counts > 0).all() and data.images.dtype == np.uint8 and data.labels.dtype == np.int32


def test_same_seed_same_parts_and_other_seed_other_validation_but_same_test():
    first, again, other = load("digits"), load("digits"), load("digits", seed=1)
    np.testing.assert_array_equal(first.split, again.split)
    assert (first.split != other.split).any()
    np.testing.assert_array_equal(first.split == TEST, other.split == TEST)


def test_parts_share_no_writer(tmp_path):
    data = load(write_set(tmp_path / "set.npz", "abc", each=100, writers=40))
    groups = [set(data.writers[data.split == part]) for part in (TRAIN, VALIDATION, TEST)]
    assert all(groups) and sum(map(len, groups)) == 40
    assert 0.05 < (data.split == VALIDATION).mean() < 0.15


def test_own_test_part_is_kept(tmp_path):
    data = load(write_set(tmp_path / "set.npz", "ab", each=20, split=30))
    assert np.flatnonzero(data.split == TEST).tolist() == list(range(30, 40))
    assert (data.split == VALIDATION).sum() == 4  # 2 of 15 of each class, rounded to even


@settings(max_examples=60)
@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=200),
    share=st.sampled_from([0.1, 0.2]),
    seed=st.integers(0, 9),
)
def test_stratified_sample_takes_its_share_of_every_class(labels, share, seed):
    labels = np.array(labels)
    drawn = stratified_sample(labels, share, seed)
    assert len(set(drawn.tolist())) == len(drawn)
    for label in np.unique(labels):
        total, taken = (labels == label).sum(), (labels[drawn] == label).sum()
        assert abs(taken - share * total) <= 1 and taken < total
        assert total < 2 or taken


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=8, max_size=80), st.integers(0, 9))
def test_sample_of_writers_is_whole_writers(characters, seed):
    labels, writers = np.array(characters).T
    if len(set(writers.tolist())) < 2 or np.bincount(labels).max() < 2:
        return
    drawn = sample_of_writers(labels, writers, 0.1, seed)
    rest = np.setdiff1d(np.arange(len(labels)), drawn)
    assert len(rest) and not set(writers[drawn]) & set(writers[rest])


@settings(max_examples=60)
@given(labels=st.lists(st.integers(0, 5), max_size=60), count=st.integers(1, 80))
def test_evenly_spread_takes_every_class_and_no_image_twice(labels, count):
    labels = np.array(labels, int)
    chosen = evenly_spread(labels, 6, count)
    assert len(set(chosen.tolist())) == len(chosen) <= min(count, len(labels))
    assert count < 6 or set(labels[chosen]) == set(labels)


def test_unipen_is_writer_disjoint_and_stratified(data_dir):
    data = load("unipen94", data_dir)
    groups = [set(data.writers[data.split == part]) for part in (TRAIN, VALIDATION, TEST)]
    assert sum(map(len, groups)) == len(set().union(*groups))
    counts = data.counts()
    assert (counts > 0).all()
    assert 0.08 < counts[:, VALIDATION].sum() / counts[:, :TEST].sum() < 0.12
    assert data.alphabet == config.ASCII


def test_mnist_is_mnist(data_dir):
    data = load("mnist", data_dir)
    assert [int((data.split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [54001, 5999, 10000]
    assert data.part(TEST)[1][:5].tolist() == [7, 2, 1, 0, 4]


# --- the object ------------------------------------------------------------------------------------------------------


def test_photographs_are_a_test_part_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("CAP_A_1", "CAP_A_2", "SMALL_z_1"):
        Image.fromarray(np.pad(np.zeros((20, 4), np.uint8), 12, constant_values=255)).save(
            tmp_path / "photos" / f"{name}.png"
        )
    data = load("photos", tmp_path)
    assert (data.split == TEST).all()
    assert np.asarray(draw_contact_sheet(data)).max() == 255
    with pytest.raises(UserError, match="expected images for train"):
        load_joined(["photos"], "Az", tmp_path)


def test_hash_changes_with_every_part_of_the_data(tmp_path):
    data = load(write_set(tmp_path / "set.npz", "ab"))
    same = load(write_set(tmp_path / "copy.npz", "ab"))
    assert data.sha256 == same.sha256 and len(data.sha256) == 64
    others = [
        load(write_set(tmp_path / "other.npz", "ac")).sha256,
        load(str(tmp_path / "set.npz"), seed=5).sha256,
        data.take(np.arange(39)).sha256,
    ]
    assert len({data.sha256, *others}) == 4


def test_take_keeps_rows_together(tmp_path):
    data = load(write_set(tmp_path / "set.npz", "abc", writers=7))
    chosen = np.array([5, 1, 30])
    part = data.take(chosen)
    for field in ("images", "labels", "split", "writers"):
        np.testing.assert_array_equal(getattr(part, field), getattr(data, field)[chosen])


# --- names -----------------------------------------------------------------------------------------------------------


def test_unknown_name_lists_all_and_guesses():
    with pytest.raises(UserError, match="did you mean 'mnist'") as error:
        load("mnits")
    assert all(name in str(error.value) for name in NAMES)


def test_a_folder_by_its_bare_name_is_told_how_it_is_asked_for(tmp_path):
    with pytest.raises(UserError, match=f"did you mean 'folder:{tmp_path}'"):
        load(str(tmp_path))
    for name in ("", "x" * 300):
        with pytest.raises(UserError, match=f"unknown data set '{name}'; expected"):
            load(name)


@pytest.mark.parametrize("name", ["mnist", "digits", "unipen94", "emnist-letters"])
def test_other_sizes_are_refused_where_there_are_none(name, tmp_path):
    with pytest.raises(UserError, match="image size 64"):
        load(name, tmp_path, image_size=64)


@pytest.mark.parametrize("name", ["digits", "photos", "folder:missing"])
@pytest.mark.parametrize("size", [0, -5, 7, 257])
def test_a_size_that_no_glyph_has_is_refused_whatever_the_set(name, size, tmp_path):
    with pytest.raises(UserError, match=f"^{name}: expected an image size from 8 to 256 pixels; received {size};"):
        load(name, tmp_path, image_size=size)


def test_a_test_part_that_was_drawn_is_told_from_one_that_came_along(tmp_path):
    assert load(write_set(tmp_path / "drawn.npz", "ab")).test_drawn
    assert not load(write_set(tmp_path / "own.npz", "ab", split=30)).test_drawn


@pytest.mark.parametrize("name", ["unipen94", "missing.npz", "folder:missing"])
def test_missing_set_without_an_address_says_where_it_was_looked_for(name, tmp_path):
    with pytest.raises(UserError, match="missing|unipen94.npz: expected in"):
        load(name, tmp_path)


def test_data_directory_order(tmp_path, monkeypatch):
    monkeypatch.setenv(config.DATA_DIR_VARIABLE, "/somewhere")
    assert data_directory(tmp_path) == tmp_path
    assert data_directory() == Path("/somewhere")
    monkeypatch.delenv(config.DATA_DIR_VARIABLE)
    assert data_directory() == SCRIPT.parent / "data"


# --- joining ---------------------------------------------------------------------------------------------------------


def test_joined_sets_share_one_alphabet(tmp_path):
    first, second = write_set(tmp_path / "1.npz", "abc", writers=5), write_set(tmp_path / "2.npz", "cd")
    data = load_joined([first, second], "dcb")
    np.testing.assert_array_equal(data.counts().sum(axis=1), [20, 40, 20])
    before = load(first)
    kept = np.flatnonzero(before.labels > 0)  # "a" is dropped
    np.testing.assert_array_equal(data.split[: len(kept)], before.split[kept])
    np.testing.assert_array_equal(data.images[: len(kept)], before.images[kept])
    assert not set(data.writers[: len(kept)]) & set(data.writers[len(kept) :])


def test_the_hash_of_joined_sets_needs_no_joining(tmp_path):
    names = [write_set(tmp_path / f"{index}.npz", "abc"[index:], each=9) for index in range(2)]
    expected = load_joined(names, "bca").sha256
    assert joined_sha256([load(name) for name in names], "bca") == expected
    assert joined_sha256([load(name) for name in reversed(names)], "bca") != expected


def test_character_no_set_has_is_named(tmp_path):
    with pytest.raises(UserError, match="none of 'x', 'y'"):
        load_joined([write_set(tmp_path / "1.npz", "ab")], "axby")


def test_set_without_pictures_for_a_part_is_named(tmp_path):
    lone, tested = write_set(tmp_path / "lone.npz", "abc", each=1), write_set(tmp_path / "tested.npz", "abc", split=0)
    with pytest.raises(UserError, match="lone.npz: expected images for validation.*add"):
        load_joined([lone], "abc")
    with pytest.raises(UserError, match="tested.npz: expected images for train.*all 60"):
        load_joined([tested], "abc")
    assert len(load_joined([lone, write_set(tmp_path / "full.npz", "abc")], "abc").labels) == 63


def test_joined_sets_have_the_size_asked_for(tmp_path):
    for index in range(6):
        for name in "ab":
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(np.pad(np.uint8([[255]] * 12), 20)).save(tmp_path / name / f"{index}.png")
    assert load_joined([f"folder:{tmp_path}"], "ab", image_size=40).images.shape[1:] == (40, 40, 1)
    with pytest.raises(UserError, match="image size 40"):
        load_joined(["digits"], "01", image_size=40)


@pytest.mark.parametrize(("names", "alphabet"), [([], "ab"), (["digits"], ""), (["digits"], "00")])
def test_joining_nothing_or_twice_is_refused(names, alphabet):
    with pytest.raises(UserError, match="expected data sets and an alphabet"):
        load_joined(names, alphabet)


@pytest.fixture
def clothes(tmp_path) -> str:
    for name in ("shirt", "shoe"):
        (tmp_path / name).mkdir()
        for number in range(12):
            picture = np.zeros((28, 28), np.uint8)
            picture[4:24, 4 + number : (10 if name == "shoe" else 6) + number] = 255
            Image.fromarray(picture).save(tmp_path / name / f"{number}.png")
    return f"folder:{tmp_path}"


def test_words_are_learned_by_the_characters_that_stand_for_them(clothes, capsys):
    data = load_joined([clothes], "10")
    assert (data.alphabet, data.class_names, data.has_words) == ("10", ("shoe", "shirt"), True)
    assert data.images[data.labels == 0].mean() > 2 * data.images[data.labels == 1].mean()
    assert joined_sha256([load(clothes)], "10") == data.sha256
    assert "its classes go by 1 (shoe), 0 (shirt)" in capsys.readouterr().out


@pytest.mark.parametrize("alphabet", ["ab", "0", "012"])
def test_words_by_other_characters_are_told_what_they_go_by(clothes, alphabet):
    with pytest.raises(UserError, match=r"go by 0 \(shirt\), 1 \(shoe\): .* set --model.alphabet 01"):
        load_joined([clothes], alphabet)


def test_words_cannot_be_joined_with_characters(clothes):
    with pytest.raises(UserError, match="words such as 'shoe'.*no data set beside it"):
        load_joined(["digits", clothes], "01")


# --- the script ------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_script_prints_counts_and_draws_the_sheet(tmp_path):
    done = run(write_set(tmp_path / "set.npz", "xy"), "--out", str(tmp_path / "out"))
    assert done.returncode == 0 and done.stderr == ""
    assert "sha256" in done.stdout and "alphabet  xy" in done.stdout
    with Image.open(tmp_path / "out" / "datasets" / "set.png") as sheet:
        assert sheet.height == 2 * 30 + 2


@pytest.mark.parametrize(
    "arguments", [(), ("nothing",), ("missing.npz",), ("digits", "--seed=-1"), ("digits", "--seed=4294967296")]
)
def test_script_ends_in_one_line_on_a_mistake(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_script_does_not_load_what_it_does_not_need():
    assert not loaded_by("import data_processor", (*HEAVY, "pooch"))


def test_sheet_shows_every_class_with_its_own_images(tmp_path):
    data = load(write_set(tmp_path / "set.npz", "abc"))
    sheet = np.asarray(draw_contact_sheet(data, columns=4))
    tiles = sheet[:, -4 * 30 :]
    for row in range(3):
        assert tiles[row * 30 + 2 : row * 30 + 30].max() == 100 + row
