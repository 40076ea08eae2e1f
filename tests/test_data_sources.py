"""Every format of arrays is read as written, and a damaged file is the user's error, named."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile_files import altered, only_user_errors
from hypothesis import given, settings
from hypothesis import strategies as st

import data_files
from data_files import idx_names
from data_sources import TEST, TRAIN, read_emnist, read_idx, read_mnist, read_npz
from shell import UserError


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def write_idx_set(folder: Path, names: list[str], labels=((0, 1, 2), (1, 0)), seed=0, packed=True) -> list[np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    images = [random.integers(0, 256, (len(part), 28, 28), np.uint8) for part in labels]
    for name, array in zip(names, [*images, *(np.array(part, np.uint8) for part in labels)], strict=True):
        path = folder / (name if packed else name.removesuffix(".gz"))
        path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    return images


def write_npz(path: Path, **changes) -> Path:
    arrays = {
        "images": np.zeros((4, 28, 28), np.uint8),
        "labels": np.array([0, 1, 1, 0]),
        "classes": np.array(["a", "b"]),
        "split": np.array(["train", "train", "test", "test"]),
        "writer": np.array(["ann", "bob", "cy", "cy"]),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


MNIST_NAMES = idx_names("train", "t10k")


# --- MNIST -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["", "mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_found_flat_or_in_its_folder_plain_or_packed(tmp_path, folder, packed):
    train, test = write_idx_set(tmp_path / folder, MNIST_NAMES, packed=packed)
    data = read_mnist("mnist", tmp_path)
    np.testing.assert_array_equal(data.images[..., 0], np.concatenate([train, test]))
    assert data.labels.tolist() == [0, 1, 2, 1, 0]
    assert data.split.tolist() == [TRAIN] * 3 + [TEST] * 2


def test_flat_mnist_is_not_taken_for_fashion_mnist(tmp_path, monkeypatch):
    monkeypatch.setattr(data_files, "FASHION_MNIST", {})
    write_idx_set(tmp_path, MNIST_NAMES)
    with pytest.raises(UserError, match="train-images"):
        read_mnist("fashion-mnist", tmp_path)


def test_fashion_mnist_names_its_classes(tmp_path):
    write_idx_set(tmp_path / "fashion-mnist", MNIST_NAMES)
    data = read_mnist("fashion-mnist", tmp_path)
    assert data.class_names[9] == "ankle boot" and len(data.alphabet) == 10


def test_unpacked_file_that_kept_its_gz_name_is_read(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(idx(np.arange(3, dtype=np.uint8)))
    assert read_idx([path], 1).tolist() == [0, 1, 2]


# --- EMNIST ----------------------------------------------------------------------------------------------------------


def emnist_names(part: str) -> list[str]:
    return idx_names(f"emnist-{part}-train", f"emnist-{part}-test")


def test_emnist_is_turned_upright(tmp_path):
    stored, _ = write_idx_set(tmp_path / "emnist", emnist_names("digits"))
    upright = read_emnist("emnist-digits", tmp_path).images[:3, :, :, 0]
    np.testing.assert_array_equal(upright, stored.transpose(0, 2, 1))


def test_letters_count_from_one(tmp_path):
    write_idx_set(tmp_path, emnist_names("letters"), labels=((1, 26), (3,)))
    data = read_emnist("emnist-letters", tmp_path)
    assert "".join(data.alphabet[label] for label in data.labels) == "AZC"


def test_emnist_is_unpacked_from_its_archive(tmp_path):
    write_idx_set(tmp_path / "elsewhere", emnist_names("mnist"))
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for file in (tmp_path / "elsewhere").iterdir():
            archive.write(file, f"gzip/{file.name}")
    assert len(read_emnist("emnist-mnist", tmp_path).labels) == 5
    assert sorted(path.name for path in (tmp_path / "emnist").iterdir()) == sorted(emnist_names("mnist"))
    with pytest.raises(UserError, match="expected a member emnist-letters"):
        read_emnist("emnist-letters", tmp_path)


@pytest.mark.parametrize("mapping", ["0 49\n1 48\n", "what?", "0 48\n"])
def test_mapping_that_contradicts_the_alphabet_is_refused(tmp_path, mapping):
    write_idx_set(tmp_path, emnist_names("digits"))
    (tmp_path / "emnist-digits-mapping.txt").write_text(mapping)
    with pytest.raises(UserError, match="mapping"):
        read_emnist("emnist-digits", tmp_path)


@pytest.mark.parametrize(
    ("part", "characters"), [("byclass", "AEIOUaeiou"), ("balanced", "AEIOUae"), ("letters", "AEIOU")]
)
def test_real_sample_has_the_labels_of_its_mapping(data_dir, tmp_path, part, characters):
    (tmp_path / "emnist").symlink_to(data_dir / "emnist_sample")
    data = read_emnist(f"emnist-{part}", tmp_path)
    assert {data.alphabet[label] for label in data.labels} == set(characters)


@pytest.mark.parametrize("content", [b"PK\3\4 cut short", b""])
def test_damaged_archive_is_named(tmp_path, content):
    (tmp_path / "gzip.zip").write_bytes(content)
    with pytest.raises(UserError, match="gzip.zip"):
        read_emnist("emnist-mnist", tmp_path)


# --- damaged idx -----------------------------------------------------------------------------------------------------


def spoil(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    plain = gzip.decompress(whole)
    damaged = {
        "cut": whole[: len(whole) // 2],
        "page": b"<!DOCTYPE html><html>moved</html>",
        "empty": b"",
        "magic": gzip.compress(b"\0\0\x0d" + plain[3:]),
        "longer": gzip.compress(plain + b"more"),
        "checksum": whole[:-8] + bytes(8),
        "claims": gzip.compress(plain[:4] + b"\xff" * 4 + plain[8:]),
    }
    path.write_bytes(damaged[damage])


@pytest.mark.parametrize("name", MNIST_NAMES)
@pytest.mark.parametrize("damage", ["cut", "page", "empty", "magic", "longer", "checksum", "claims"])
def test_damaged_idx_is_named(tmp_path, name, damage):
    write_idx_set(tmp_path, MNIST_NAMES)
    spoil(tmp_path / name, damage)
    with pytest.raises(UserError) as error:
        read_mnist("mnist", tmp_path)
    assert name in str(error.value) and "\n" not in str(error.value)
    assert damage != "page" or "web page" in str(error.value)


def test_labels_must_be_as_many_as_images(tmp_path):
    write_idx_set(tmp_path, MNIST_NAMES)
    (tmp_path / MNIST_NAMES[2]).write_bytes(idx(np.zeros(7, np.uint8)))
    with pytest.raises(UserError, match="expected 3 labels.*received 7"):
        read_mnist("mnist", tmp_path)


@pytest.mark.parametrize(("part", "labels"), [("digits", (0, 10)), ("letters", (0, 1)), ("letters", (1, 27))])
def test_label_out_of_range_is_refused(tmp_path, part, labels):
    write_idx_set(tmp_path, emnist_names(part), labels=(labels, (1,)))
    with pytest.raises(UserError, match="expected labels from"):
        read_emnist(f"emnist-{part}", tmp_path)


def test_empty_set_is_refused(tmp_path):
    write_idx_set(tmp_path, MNIST_NAMES, labels=((), ()))
    with pytest.raises(UserError, match="empty"):
        read_mnist("mnist", tmp_path)


# --- npz -------------------------------------------------------------------------------------------------------------


def test_npz_is_read_with_parts_and_writers(tmp_path):
    data = read_npz(write_npz(tmp_path / "set.npz"))
    assert data.alphabet == "ab" and data.split.tolist() == [TRAIN, TRAIN, TEST, TEST]
    assert len(set(data.writers.tolist())) == 3 and data.writers[2] == data.writers[3]


def test_npz_of_words_gets_an_alphabet_of_stand_ins(tmp_path):
    data = read_npz(write_npz(tmp_path / "set.npz", classes=np.array(["alpha", "beta"])))
    assert data.class_names == ("alpha", "beta") and len(set(data.alphabet)) == 2


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": None}, "'labels'"),
        ({"classes": None}, "'classes'"),
        ({"classes": np.array(["a", None], object)}, "set.npz"),
        ({"images": np.zeros((4, 28, 28))}, "uint8"),
        ({"images": np.zeros((4, 20, 28), np.uint8)}, "28"),
        (
            {"images": np.zeros((0, 28, 28), np.uint8), "labels": np.zeros(0, int), "split": None, "writer": None},
            "empty",
        ),
        ({"labels": np.array([0, 1])}, "labels for 4 images"),
        ({"labels": np.array([0.0, 1, 0, 1])}, "whole numbers"),
        ({"labels": np.array([0, 1, 2, 0])}, "received 2"),
        ({"labels": np.array([0, -1, 1, 0])}, "received -1"),
        ({"classes": np.array(["a", "a"])}, "twice"),
        ({"classes": np.array([1, 2])}, "text"),
        ({"split": np.array(["train", "exam", "test", "test"])}, "'exam'"),
        ({"writer": np.array(["ann"])}, "writer for 4 images"),
    ],
)
def test_npz_whose_arrays_do_not_fit_is_refused(tmp_path, changes, complaint):
    with pytest.raises(UserError, match=complaint):
        read_npz(write_npz(tmp_path / "set.npz", **changes))


def test_npz_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = write_npz(tmp_path / "set.npz")
    monkeypatch.setattr(data_files, "LARGEST_SET", 4 * 28 * 28)  # all but the labels and what else there is
    with pytest.raises(UserError, match="set.npz.*unpack to 3,136 bytes at most"):
        read_npz(path)


# --- hostile bytes: never a traceback --------------------------------------------------------------------------------

IDX_HEADER = st.builds(
    lambda *sizes: bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in sizes),
    *[st.one_of(st.sampled_from([1, 28, 2**16]), st.integers(0, 2**32 - 1))] * 3,
)


@settings(max_examples=150)
@given(
    start=st.one_of(st.just(b""), st.just(bytes((0, 0, 8, 1))), IDX_HEADER),
    rest=st.binary(max_size=200),
    pack=st.booleans(),
)
def test_random_idx(tmp_path_factory, start, rest, pack):
    data = gzip.compress(start + rest) if pack else start + rest
    only_user_errors(lambda path: read_idx([path], 3), data, tmp_path_factory)


@settings(max_examples=150)
@given(rest=st.binary(max_size=200))
def test_random_bytes_after_a_gzip_header(tmp_path_factory, rest):
    header = gzip.compress(b"")[:10]
    only_user_errors(lambda path: read_idx([path], 1), header + rest, tmp_path_factory)


@pytest.fixture(scope="module")
def valid_files(tmp_path_factory) -> dict[str, bytes]:
    npz = write_npz(tmp_path_factory.mktemp("valid") / "set.npz").read_bytes()
    buffer = io.BytesIO()
    np.save(buffer, np.arange(4))
    return {"npz": npz, "npy": buffer.getvalue(), "idx": gzip.compress(idx(np.arange(200, dtype=np.uint8)))}


@settings(max_examples=150)
@given(
    cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8)
)
@pytest.mark.parametrize("kind", ["npz", "npy", "idx"])
def test_cut_and_altered_files(tmp_path_factory, valid_files, kind, cut, flips):
    read = (lambda path: read_idx([path], 1)) if kind == "idx" else read_npz
    only_user_errors(read, altered(valid_files[kind], cut, flips), tmp_path_factory)


@settings(max_examples=150)
@given(start=st.sampled_from([b"", b"PK\3\4", b"\x93NUMPY\1\0v\0", b"\x80\4"]), rest=st.binary(max_size=200))
def test_random_npz(tmp_path_factory, start, rest):
    only_user_errors(read_npz, start + rest, tmp_path_factory)


def test_false_offset_in_an_archive_is_damage_not_a_refusal_of_the_system(tmp_path):
    path = write_npz(tmp_path / "set.npz")
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 16 : end + 20] = (2**31).to_bytes(4, "little")  # where the directory is said to begin
    path.write_bytes(data)
    with pytest.raises(UserError, match="set.npz: damaged"):
        read_npz(path)


def test_archive_member_of_another_type_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("images", b"not an array")
    with pytest.raises(UserError, match="set.npz"):
        read_npz(tmp_path / "set.npz")
