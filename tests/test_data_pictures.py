"""Pictures become the glyphs that inference would make of them; what is no character is left out with a warning."""

import contextlib
import io
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from fresh_python import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import data_pictures
from config import ALNUM
from data_pictures import has_photos, read_digits, read_folder, read_photos, read_sd19
from data_sources import TEST, read_mnist
from picture import to_glyph
from shell import UserError


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def stroke(side=40, left=8, ink=0, paper=255) -> np.ndarray:
    pixels = np.full((side, side), paper, np.uint8)
    pixels[5:30, left : left + 4] = ink
    return pixels


def claiming(width: int, height: int) -> bytes:
    """A small PNG whose header speaks of a large one."""
    whole = png(stroke())
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + whole[24:29]
    return whole[:12] + header + zlib.crc32(header).to_bytes(4, "big") + whole[33:]


def glyph_of(picture: bytes, folder: Path, size: int = 28) -> np.ndarray:
    """What a folder that holds only this picture is read as."""
    (folder / "a").mkdir(parents=True, exist_ok=True)
    (folder / "a" / "1.png").write_bytes(picture)
    return read_folder(folder, size).images[0, ..., 0]


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (40, 190)])
def test_picture_is_framed_as_mnist_whatever_its_polarity(tmp_path, size, ink, paper):
    glyph = glyph_of(png(stroke(ink=ink, paper=paper)), tmp_path, size)
    rows, columns = np.nonzero(glyph > 128)
    assert glyph.max(axis=1).sum() / 255 == pytest.approx(size * 20 / 28, abs=0.5)  # the box may end within a pixel
    assert abs(columns.mean() - size / 2) <= 1 and abs(rows.mean() - size / 2) <= 1


def test_framing_does_not_depend_on_the_place_on_the_page(tmp_path):
    left, right = (glyph_of(png(stroke(left=left)), tmp_path) for left in (3, 30))
    np.testing.assert_array_equal(left, right)


def test_framing_an_mnist_digit_again_leaves_it_in_place(data_dir, tmp_path):
    digits = read_mnist("mnist", data_dir).images[:200, :, :, 0]
    framed = np.stack([glyph_of(png(np.pad(digit, ((9, 3), (2, 7)))), tmp_path) for digit in digits])
    rows, columns = np.arange(28), np.arange(28)
    for axis, places in ((2, rows), (1, columns)):
        before, after = (array.sum(axis, dtype=float) @ places / array.sum((1, 2)) for array in (digits, framed))
        assert np.abs(before - after).mean() < 0.35  # pixels


def test_transparent_paper_is_paper(tmp_path):
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., 3] = 255 - stroke()
    np.testing.assert_array_equal(glyph_of(png(pixels), tmp_path), glyph_of(png(stroke()), tmp_path))


def test_sixteen_bit_picture_is_scaled_not_clipped(tmp_path):
    deep = stroke(ink=0, paper=200).astype(np.uint16) << 8
    shallow = glyph_of(png(stroke(ink=0, paper=200)), tmp_path)
    np.testing.assert_array_equal(glyph_of(png(deep), tmp_path), shallow)


@pytest.mark.parametrize("size", [28, 64])
def test_a_picture_is_read_as_inference_reads_it(data_dir, tmp_path, size):
    for path in sorted((data_dir / "photos").glob("*.png"))[::12]:
        np.testing.assert_array_equal(glyph_of(path.read_bytes(), tmp_path, size), to_glyph(path, size))


def test_a_glyph_of_the_size_asked_for_keeps_its_pixels(tmp_path):
    glyph = np.zeros((28, 28), np.uint8)
    glyph[5:23, 12:16] = np.arange(4) * 85
    np.testing.assert_array_equal(glyph_of(png(glyph), tmp_path), glyph)


def write_photos(root: Path, *names: str) -> Path:
    (root / "photos").mkdir()
    for name in names:
        (root / "photos" / name).write_bytes(png(stroke()))
    return root


def test_photographs_are_named_by_what_they_show_and_all_are_for_testing(tmp_path):
    write_photos(tmp_path, "CAP_A_3.PNG", "SMALL_a_12.jpg", "DIGIT_3_7.WebP")
    (tmp_path / "photos" / "LICENSE").write_text("free")
    data = read_photos(tmp_path, 28)
    assert data.alphabet == ALNUM
    assert [ALNUM[label] for label in data.labels] == ["A", "3", "a"]
    assert (data.split == TEST).all()
    np.testing.assert_array_equal(data.images[0, ..., 0], to_glyph(tmp_path / "photos" / "CAP_A_3.PNG"))


@pytest.mark.parametrize(
    "name", ["A.png", "CAP_a_3.png", "SMALL_A_3.png", "DIGIT_x_3.png", "CAP_A.png", "xCAP_A_3.png"]
)
def test_photograph_of_another_name_is_named(tmp_path, name):
    with pytest.raises(UserError, match=f"{name}: expected a name such as CAP_A_3.png"):
        read_photos(write_photos(tmp_path, "CAP_A_1.png", name), 28)


@pytest.mark.parametrize("content", [png(np.full((30, 30), 255, np.uint8)), png(stroke())[:60], b""])
def test_photograph_without_a_character_is_named(tmp_path, content):
    write_photos(tmp_path, "CAP_A_1.png", "CAP_B_1.png")
    (tmp_path / "photos" / "CAP_B_1.png").write_bytes(content)
    with pytest.raises(UserError, match="CAP_B_1.png: "):
        read_photos(tmp_path, 28)


def test_missing_photographs_are_told(tmp_path):
    with pytest.raises(UserError, match="photos: expected photographs .* received none"):
        read_photos(tmp_path, 28)


@pytest.mark.parametrize(("name", "fits"), [("DIGIT_3_3.jpg", True), ("holiday.jpg", False), ("CAP_A_1.txt", False)])
def test_photographs_are_there_where_a_name_fits(tmp_path, name, fits):
    assert not has_photos(tmp_path)
    assert has_photos(write_photos(tmp_path, name)) == fits


def test_real_photographs(data_dir):
    data = read_photos(data_dir, 28)
    assert np.bincount(data.labels).tolist() == [2] * len(ALNUM)


def test_embedded_digits_are_framed():
    data = read_digits()
    assert data.images.shape == (1797, 28, 28, 1) and data.images.dtype == np.uint8
    heights, widths = ((data.images.max(axis=axis)[..., 0] > 128).sum(axis=1) for axis in (2, 1))
    longer = np.maximum(heights, widths)
    assert np.median(longer) == 20 and longer.max() <= 21  # where the box begins and ends within a pixel


# --- folders and SD19 ------------------------------------------------------------------------------------------------


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


def test_folder_may_be_all_for_testing(tmp_path):
    data = read_folder(write_pictures(tmp_path / "test", {"a": 2, "b": 1}).parent, 28)
    assert data.alphabet == "ab" and data.split.tolist() == [TEST] * 3
    (tmp_path / "test" / "b" / "0.png").write_bytes(b"text")
    with pytest.raises(UserError, match="to test with for every class; class 'b'"):
        read_folder(tmp_path, 28)


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


def write_sd19(path: Path, **members: bytes) -> None:
    """A zip with one good picture of J, and further members of that class."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ({"good": png(stroke())} | members).items():
            archive.writestr(f"by_class/4a/train_4a/{name}.png", content)


def test_a_zip_is_read_as_its_folder_is(data_dir, tmp_path):
    files = sorted((data_dir / "sd19_sample" / "by_class").glob("*/*/*.png"))[::50]
    with zipfile.ZipFile(tmp_path / "by_class.zip", "w") as archive:
        for file in files:
            archive.write(file, "/".join(("by_class", *file.parts[-3:])))
    np.testing.assert_array_equal(read_sd19(tmp_path, 28).images[..., 0], np.stack([to_glyph(file) for file in files]))


def test_swollen_members_of_a_zip_are_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data_pictures, "LARGEST_PNG", 10_000)
    write_sd19(tmp_path / "by_class.zip", bomb=png(stroke()) + bytes(10_000))
    assert len(read_sd19(tmp_path, 28).labels) == 1
    assert "skipped 1 files" in (warning := capsys.readouterr().err) and "10,000 bytes at most" in warning


@pytest.mark.parametrize("side", [9_500, 20_000])
def test_picture_of_too_many_pixels_is_skipped_without_a_word_of_pillow(tmp_path, side):
    write_sd19(tmp_path / "by_class.zip", huge=claiming(side, side))
    zipfile.ZipFile(tmp_path / "by_class.zip").extractall(tmp_path / "folder")
    for read, place in (("read_sd19", tmp_path), ("read_folder", tmp_path / "folder" / "by_class")):
        code = f"from data_pictures import Path, {read} as read\nprint(len(read(Path({str(place)!r}), 28).labels))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
        assert done.stdout == "1\n"
        assert done.stderr.count("\n") == 1  # that it was skipped


@pytest.mark.parametrize("content", [b"PK\3\4 cut short", b""])
def test_damaged_archive_is_named(tmp_path, content):
    (tmp_path / "by_class.zip").write_bytes(content)
    with pytest.raises(UserError, match="by_class.zip"):
        read_sd19(tmp_path, 28)


@settings(max_examples=100)
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
