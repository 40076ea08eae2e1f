"""Files are found or fetched whole; every format is read as written, and a damaged file is the user's error, named."""

import contextlib
import gzip
import hashlib
import http.server
import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import data_files
from data_files import Remote, fetch, idx_names, locate, obtain
from data_pictures import frame, picture_to_glyph, read_digits, read_folder, read_sd19
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


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def stroke(side=40, left=8, ink=0, paper=255) -> np.ndarray:
    pixels = np.full((side, side), paper, np.uint8)
    pixels[5:30, left : left + 4] = ink
    return pixels


MNIST_NAMES = idx_names("train", "t10k")


# --- finding ---------------------------------------------------------------------------------------------------------


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


# --- fetching --------------------------------------------------------------------------------------------------------

PAYLOAD = bytes(range(256)) * 4000
GOOD_MD5 = hashlib.md5(PAYLOAD).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """/good sends the payload, /cut half of what it announces, /page a web page, anything else 404."""

    def do_GET(self):
        body = {"/good": PAYLOAD, "/cut": PAYLOAD, "/page": b"<!DOCTYPE html><p>we moved"}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write((body or b"")[: len(PAYLOAD) // 2] if self.path == "/cut" else body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.mark.parametrize("first", ["/gone", "/cut", "/page"])
def test_next_mirror_is_tried_when_the_first_fails(server, tmp_path, first):
    path = tmp_path / "set" / "data.gz"
    assert fetch(Remote(GOOD_MD5, (server + first, server + "/good")), path) == []
    assert path.read_bytes() == PAYLOAD
    assert list(path.parent.iterdir()) == [path], "a draft was left behind"


@pytest.mark.parametrize(
    ("address", "reason"), [("/gone", "HTTP 404"), ("/cut", "connection cut"), ("/page", "md5 differs")]
)
def test_failed_fetch_leaves_nothing_and_says_why(server, tmp_path, address, reason):
    path = tmp_path / "set" / "data.gz"
    (failure,) = fetch(Remote(GOOD_MD5, (server + address,)), path)
    assert address in failure and reason in failure
    assert not list(tmp_path.iterdir())


def test_failed_fetch_keeps_the_files_that_were_there(server, tmp_path):
    (tmp_path / "other").write_text("mine")
    assert fetch(Remote("0" * 32, (server + "/good",)), tmp_path / "data.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_without_network_one_line_says_what_to_fetch_and_where_to_put_it(tmp_path):
    address = "http://127.0.0.1:9/mirror/"  # the discard port: nobody listens
    remotes = {name: Remote("0" * 32, (address + name,)) for name in MNIST_NAMES}
    with pytest.raises(UserError) as error:
        obtain(MNIST_NAMES, [tmp_path / "mnist", tmp_path], remotes)
    text = str(error.value)
    for part in (*MNIST_NAMES, address.rstrip("/"), str(tmp_path / "mnist"), "no connection"):
        assert part in text
    assert "\n" not in text and not list(tmp_path.iterdir())


def test_only_the_missing_files_are_fetched(server, tmp_path):
    (tmp_path / "here").write_text("mine")
    remotes = {"here": Remote("0" * 32, ()), "there": Remote(GOOD_MD5, (server + "/good",))}
    here, there = obtain(["here", "there"], [tmp_path], remotes)
    assert here.read_text() == "mine" and there.read_bytes() == PAYLOAD


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


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (40, 190)])
def test_picture_is_framed_as_mnist_whatever_its_polarity(size, ink, paper):
    glyph = picture_to_glyph(png(stroke(ink=ink, paper=paper)), size)
    rows, columns = np.nonzero(glyph > 128)
    assert np.ptp(rows) + 1 == round(size * 20 / 28)
    assert abs(columns.mean() - size / 2) <= 1 and abs(rows.mean() - size / 2) <= 1


def test_framing_does_not_depend_on_the_place_on_the_page():
    np.testing.assert_array_equal(picture_to_glyph(png(stroke(left=3)), 28), picture_to_glyph(png(stroke(left=30)), 28))


def test_framing_an_mnist_digit_again_leaves_it_in_place(data_dir):
    digits = read_mnist("mnist", data_dir).images[:200, :, :, 0]
    framed = np.stack([frame(Image.fromarray(digit), 28) for digit in digits])
    rows, columns = np.arange(28), np.arange(28)
    for axis, places in ((2, rows), (1, columns)):
        before, after = (array.sum(axis, dtype=float) @ places / array.sum((1, 2)) for array in (digits, framed))
        assert np.abs(before - after).mean() < 0.35  # pixels


def test_transparent_paper_is_paper():
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., 3] = 255 - stroke()
    np.testing.assert_array_equal(picture_to_glyph(png(pixels), 28), picture_to_glyph(png(stroke()), 28))


def test_sixteen_bit_picture_is_scaled_not_clipped():
    deep = stroke(ink=0, paper=200).astype(np.uint16) << 8
    shallow = picture_to_glyph(png(stroke(ink=0, paper=200)), 28)
    np.testing.assert_array_equal(picture_to_glyph(png(deep), 28), shallow)


def test_embedded_digits_are_framed():
    data = read_digits()
    assert data.images.shape == (1797, 28, 28, 1) and data.images.dtype == np.uint8
    assert np.ptp(np.nonzero(data.images[0, ..., 0].any(axis=1))[0]) + 1 <= 20


def write_pictures(root: Path, classes: dict[str, int]) -> Path:
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            (root / name / f"{index}.png").write_bytes(png(stroke(left=index)))
    return root


@pytest.mark.parametrize(
    ("folders", "alphabet"), [(("b", "a"), "ab"), (("4a", "6A"), "Jj"), (("4a", "zz"), None), (("10", "11"), None)]
)
def test_folder_names_are_characters_codes_or_words(tmp_path, folders, alphabet):
    data = read_folder(write_pictures(tmp_path, dict.fromkeys(folders, 2)), 28)
    assert data.class_names == (tuple(alphabet) if alphabet else tuple(sorted(folders)))
    assert alphabet is None or data.alphabet == alphabet


def test_folder_with_a_test_part_keeps_it(tmp_path):
    for part, count in (("train", 3), ("test", 2)):
        write_pictures(tmp_path / part, {"a": count, "b": count})
    data = read_folder(tmp_path, 28)
    assert data.class_names == ("a", "b") and np.bincount(data.split).tolist() == [6, 0, 4]


def test_what_is_no_picture_is_skipped_with_one_warning(tmp_path, capsys):
    write_pictures(tmp_path, {"a": 2, "b": 2})
    (tmp_path / "a" / "notes.txt").write_text("not a picture")
    (tmp_path / "a" / "blank.png").write_bytes(png(np.full((30, 30), 255, np.uint8)))
    (tmp_path / "b" / "cut.png").write_bytes(png(stroke())[:60])
    assert len(read_folder(tmp_path, 28).labels) == 4
    warning = capsys.readouterr().err
    assert "skipped 3 files" in warning and warning.count("\n") == 1


@pytest.mark.parametrize("content", [None, b"text"])
def test_class_without_a_readable_picture_is_named(tmp_path, content):
    write_pictures(tmp_path, {"a": 1, "b": 0})
    if content:
        (tmp_path / "b" / "x.png").write_bytes(content)
    with pytest.raises(UserError, match="class 'b'"):
        read_folder(tmp_path, 28)


@pytest.mark.parametrize("make", [lambda root: None, lambda root: root.mkdir(), lambda root: root.write_text("")])
def test_folder_that_holds_no_classes_is_refused(tmp_path, make):
    make(tmp_path / "set")
    with pytest.raises(UserError, match="sub-folder a class"):
        read_folder(tmp_path / "set", 28)


@pytest.mark.parametrize("zipped", [True, False])
def test_sd19_takes_hsf_4_as_test_and_counts_nothing_twice(tmp_path, zipped):
    members = ["4a/train_4a/1.png", "4a/train_4a/2.png", "4a/hsf_4/3.png", "4a/hsf_0/1.png", "6a/train_6a/1.png"]
    with zipfile.ZipFile(tmp_path / "by_class.zip", "w") as archive:
        for member in members:
            archive.writestr(f"by_class/{member}", png(stroke()))
        archive.writestr("by_class/4a/train_4a.mit", "text")
    if not zipped:
        zipfile.ZipFile(tmp_path / "by_class.zip").extractall(tmp_path / "sd19")
        (tmp_path / "by_class.zip").unlink()
    data = read_sd19(tmp_path, 64)
    assert data.images.shape == (4, 64, 64, 1) and data.alphabet == "Jj"
    assert np.bincount(data.split).tolist() == [3, 0, 1]


def test_real_sd19_sample(data_dir):
    data = read_sd19(data_dir, 28)
    assert data.alphabet == "AEIOUaeiou" and len(data.labels) == 1000 and data.split is None


def test_damaged_archives_are_named(tmp_path):
    for name, read in (
        ("by_class.zip", lambda: read_sd19(tmp_path, 28)),
        ("gzip.zip", lambda: read_emnist("emnist-mnist", tmp_path)),
    ):
        (tmp_path / name).write_bytes(b"PK\3\4 cut short")
        with pytest.raises(UserError, match=name):
            read()


# --- hostile bytes: never a traceback --------------------------------------------------------------------------------

IDX_HEADER = st.builds(
    lambda *sizes: bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in sizes),
    *[st.one_of(st.sampled_from([1, 28, 2**16]), st.integers(0, 2**32 - 1))] * 3,
)


def only_user_errors(read, data: bytes, tmp_path_factory) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(data)
    try:
        read(path)
    except UserError as error:
        assert "\n" not in str(error) and str(path) in str(error)


@settings(deadline=None, max_examples=150)
@given(
    start=st.one_of(st.just(b""), st.just(bytes((0, 0, 8, 1))), IDX_HEADER),
    rest=st.binary(max_size=200),
    pack=st.booleans(),
)
def test_random_idx(tmp_path_factory, start, rest, pack):
    data = gzip.compress(start + rest) if pack else start + rest
    only_user_errors(lambda path: read_idx([path], 3), data, tmp_path_factory)


@settings(deadline=None, max_examples=150)
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


@settings(deadline=None, max_examples=150)
@given(
    cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8)
)
@pytest.mark.parametrize("kind", ["npz", "npy", "idx"])
def test_cut_and_altered_files(tmp_path_factory, valid_files, kind, cut, flips):
    data = bytearray(valid_files[kind])
    for place, value in flips:
        data[int(place * len(data))] = value
    read = (lambda path: read_idx([path], 1)) if kind == "idx" else read_npz
    only_user_errors(read, bytes(data[: round(cut * len(data))]), tmp_path_factory)


@settings(deadline=None, max_examples=150)
@given(start=st.sampled_from([b"", b"PK\3\4", b"\x93NUMPY\1\0v\0", b"\x80\4"]), rest=st.binary(max_size=200))
def test_random_npz(tmp_path_factory, start, rest):
    only_user_errors(read_npz, start + rest, tmp_path_factory)


@settings(deadline=None, max_examples=100)
@given(cut=st.integers(0, 90), rest=st.binary(max_size=100), name=st.sampled_from(["x.png", "x.gif", "x.bmp"]))
def test_random_pictures(tmp_path_factory, cut, rest, name):
    root = tmp_path_factory.getbasetemp() / "pictures" / "a"
    root.mkdir(parents=True, exist_ok=True)
    start = {"x.png": png(stroke()), "x.gif": b"GIF89a\x20\0\x20\0", "x.bmp": b"BM"}[name]
    for file in root.iterdir():
        file.unlink()
    (root / name).write_bytes(start[:cut] + rest)
    with contextlib.suppress(UserError):
        read_folder(root.parent, 28)


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


def test_locate_prefers_the_first_folder(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text(folder)
    assert locate("x.gz", [tmp_path / "b", tmp_path / "a"]) == tmp_path / "b" / "x"
    assert locate("y", [tmp_path]) is None
