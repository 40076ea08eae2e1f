"""Any picture becomes one clean glyph or one clear line."""

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image, ImageDraw

from decoding import open_picture
from drawing import caption_font
from picture import FoundGlyph, find_glyph, find_glyphs, to_glyph
from shell import UserError


def drawing(
    side: int = 120, pen: int = 8, at: tuple[float, float] = (0.0, 0.0), paper: int = 245, ink: int = 20
) -> Image.Image:
    """A seven with its bar: no symmetry, so a wrong turn or sign shows."""
    picture = Image.new("L", (side, side), paper)
    draw = ImageDraw.Draw(picture)
    points = [((x + at[0]) * side, (y + at[1]) * side) for x, y in ((0.3, 0.25), (0.7, 0.25), (0.45, 0.8))]
    draw.line(points, ink, pen)
    draw.line([((x + at[0]) * side, (0.52 + at[1]) * side) for x in (0.4, 0.7)], ink, pen)
    return picture


REFERENCE = find_glyph(drawing()).glyph


def likeness(glyph: np.ndarray, other: np.ndarray = REFERENCE) -> float:
    """Correlation of two glyphs."""
    return float(np.corrcoef(glyph.ravel().astype(float), other.ravel().astype(float))[0, 1])


def assert_glyph(glyph: np.ndarray) -> None:
    assert glyph.shape == (28, 28)
    assert glyph.dtype == np.uint8
    assert glyph.max() == 255


def as_rgba(picture: Image.Image, ink: int) -> Image.Image:
    """The ink alone, on nothing."""
    return Image.merge("RGBA", [picture.point(lambda _: ink)] * 3 + [picture.point(lambda value: 255 - value)])


MODES = {
    **{
        mode: (lambda picture, mode=mode: picture.convert(mode))
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F")
    },
    "YCbCr": lambda picture: picture.convert("RGB").convert("YCbCr"),
    "I;16": lambda picture: Image.fromarray(np.asarray(picture).astype(np.uint16) * 200),
    "black on nothing": lambda picture: as_rgba(picture, 0),
    "white on nothing": lambda picture: as_rgba(picture, 255),
    "palette with transparency": lambda picture: as_rgba(picture, 0).quantize(16),
    "light on dark": lambda picture: picture.point(lambda value: 255 - value),
    "coloured": lambda picture: Image.merge(
        "RGB", [picture, picture.point(lambda v: v // 2 + 120), picture.point(lambda _: 240)]
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_the_same_glyph(mode):
    glyph = to_glyph(MODES[mode](drawing()))
    assert_glyph(glyph)
    assert likeness(glyph) > 0.98


@pytest.mark.parametrize(
    "array",
    [
        np.asarray(drawing()),
        np.asarray(drawing())[:, :, None],
        np.asarray(drawing()) / 255,
        np.asarray(drawing()) < 128,
        np.asarray(drawing()).astype(np.int64),
        np.asarray(drawing().convert("RGB")) / 255.0,
    ],
    ids=["uint8", "one channel", "unit", "bool", "int64", "float colour"],
)
def test_every_array_gives_the_same_glyph(array):
    assert likeness(to_glyph(array)) > 0.97


def test_frame_is_that_of_mnist():
    rows, columns = (np.flatnonzero((REFERENCE > 40).any(axis)) for axis in (1, 0))
    weight = REFERENCE / REFERENCE.sum()
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    assert weight.sum(1) @ np.arange(28) == pytest.approx(14, abs=0.5)
    assert weight.sum(0) @ np.arange(28) == pytest.approx(14, abs=0.5)
    assert REFERENCE[0, 0] == 0
    assert np.mean((REFERENCE > 30) & (REFERENCE < 225)) > 0.03  # grey edges, not a stencil


@pytest.mark.parametrize("side", [16, 32, 56, 120, 500, 1500])
@pytest.mark.parametrize("at", [(0, 0), (-0.2, -0.1), (0.2, 0.1)])
def test_size_and_place_do_not_matter(side, at):
    assert likeness(to_glyph(drawing(side, max(2, side // 15), at))) > (0.9 if side > 32 else 0.6)


@pytest.mark.parametrize("pen", [1, 2, 3])
def test_a_thin_pen_is_not_lost(pen):
    glyph = to_glyph(drawing(500, pen))
    assert (glyph > 128).sum() > 60
    assert likeness(glyph) > 0.7


LIGHTS = {
    "gradient": lambda y, x: 1 - 0.6 * x,
    "diagonal": lambda y, x: 1 - 0.35 * (x + y),
    "vignette": lambda y, x: 1 - 0.9 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
    "hard shadow": lambda y, x: np.where(x + y > 0.9, 0.5, 1),
}


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("polarity", ["dark on light", "light on dark"])
def test_uneven_light(light, polarity):
    y, x = np.mgrid[:1:200j, :1:200j]
    page = np.asarray(drawing(200, 13)) * LIGHTS[light](y, x) + np.random.default_rng(0).normal(0, 3, x.shape)
    page = page if polarity == "dark on light" else 255 - page
    found = find_glyph(page.clip(0, 255).astype(np.uint8))
    assert likeness(found.glyph) > 0.85
    assert found.characters == 1
    assert found.glyph[:3].max() == 0  # no speckles


def test_noise_and_jpeg(tmp_path):
    page = np.asarray(drawing(200, 13)) * 0.8 + np.random.default_rng(0).normal(0, 20, (200, 200))
    Image.fromarray(page.clip(0, 255).astype(np.uint8)).save(tmp_path / "page.jpg", quality=40)
    assert likeness(to_glyph(tmp_path / "page.jpg")) > 0.9


def test_ruled_lines_are_not_ink():
    page = drawing(200, 12)
    for y in (10, 190):
        ImageDraw.Draw(page).line((0, y, 200, y), 60, 2)
    found = find_glyph(page)
    assert (likeness(found.glyph) > 0.95, found.characters) == (True, 1)


def test_box_is_where_the_character_is():
    for side in (100, 1200):
        box = np.array(find_glyph(drawing(side, side // 25)).box) / side
        np.testing.assert_allclose(box, [0.3, 0.23, 0.7, 0.82], atol=0.04)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    undo = {
        Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
        Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
    }
    applied = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_270",
        7: "TRANSVERSE",
        8: "ROTATE_90",
    }
    stored = drawing()
    if orientation in applied:
        method = Image.Transpose[applied[orientation]]
        stored = stored.transpose(undo.get(method, method))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert likeness(to_glyph(tmp_path / "turned.jpg")) > 0.97


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("size", [(4000, 3000), (4001, 3003)])
def test_the_box_is_in_pixels_of_the_file_however_small_it_was_decoded(tmp_path, size, orientation):
    page = Image.new("L", size, 245)
    page.paste(drawing(1200, 80), (2000, 900))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = page if orientation == 1 else page.transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "photo.jpg", exif=exif)
    picture = open_picture(tmp_path / "photo.jpg")
    assert picture.width < size[0]
    found = find_glyph(picture)
    assert found.picture_size == size
    np.testing.assert_allclose(found.box, find_glyph(page).box, atol=25)
    picture.save(tmp_path / "small.png")
    for again in (picture.crop((400, 200, *picture.size)), Image.open(tmp_path / "small.png")):
        assert find_glyph(again).picture_size == again.size


def test_no_box_reaches_beyond_its_picture():
    page = Image.new("L", (1001, 1003), 245)
    ImageDraw.Draw(page).line([(400, 500), (1000, 1002)], 20, 60)
    assert find_glyph(page).box[2:] == page.size


def test_first_frame_of_several(tmp_path):
    drawing().save(tmp_path / "film.gif", save_all=True, append_images=[Image.new("L", (120, 120), 255)])
    assert likeness(to_glyph(tmp_path / "film.gif")) > 0.97


def test_two_characters_are_counted_and_the_larger_taken():
    page = Image.new("L", (300, 120), 245)
    page.paste(drawing(), (0, 0))
    page.paste(drawing(80, 5), (180, 30))
    found = find_glyph(page)
    assert found.characters == 2
    assert likeness(found.glyph) > 0.95
    assert found.box[2] < 150


@pytest.mark.parametrize(
    "boxes",
    [
        [(50, 10, 60, 20), (50, 35, 60, 100)],
        [(30, 40, 80, 48), (30, 60, 80, 68)],
        [(40, 30, 46, 60), (58, 30, 64, 60)],
        [(50, 20, 60, 30), (50, 80, 60, 90)],
    ],
    ids=["i", "equals", "quote", "colon"],
)
def test_parts_of_one_sign_are_one_character(boxes):
    page = Image.new("L", (110, 110), 255)
    for box in boxes:
        ImageDraw.Draw(page).rectangle(box, 0)
    assert find_glyph(page).characters == 1


DIGITS = {
    "0": [[(20, 5), (5, 50), (20, 95), (45, 95), (60, 50), (45, 5), (20, 5)]],
    "1": [[(5, 5), (5, 95)]],
    "5": [[(10, 10), (5, 50), (40, 45), (50, 75), (30, 95), (5, 90)], [(16, 5), (55, 5)]],
    "7": [[(5, 5), (60, 5), (25, 95)]],
    ".": [[(10, 87), (10, 95)]],
    ",": [[(12, 88), (7, 108)]],
    "-": [[(5, 50), (40, 50)]],
    "'": [[(12, 5), (10, 22)]],
    ":": [[(10, 40), (10, 48)], [(10, 87), (10, 95)]],
}  # pen strokes; digits are 100 high


def side_by_side(digits: str, gap: float, lean: float, pen: int = 8) -> Image.Image:
    """Digits in a line, with a gap of some heights between the ink of two; those that lean reach over the next."""
    page, right = Image.new("L", (60 + 110 * len(digits), 200), 255), 50
    for digit in digits:
        alone = Image.new("L", (80, 130), 255)
        for stroke in DIGITS[digit]:
            ImageDraw.Draw(alone).line([(x + 8, y + 8) for x, y in stroke], 0, pen, joint="curve")
        left, _, width, _ = alone.point(lambda level: 255 - level).getbbox()
        page.paste(alone.crop((left, 0, width, 130)), (right, 40))
        right += width - left + round(100 * gap)
    return page.transform(page.size, Image.Transform.AFFINE, (1, lean, -100 * lean, 0, 1, 0), fillcolor=255)


@pytest.mark.parametrize("lean", [-0.3, 0, 0.3])
@pytest.mark.parametrize("gap", [0.02, 0.06, 0.2, 0.5])
@pytest.mark.parametrize("digits", ["007", "11", "1517"])
def test_characters_in_a_line_are_told_apart_however_near_they_are(digits, gap, lean):
    found = find_glyphs(side_by_side(digits, gap, lean))
    assert len(found) == len(digits)
    for digit, one in zip(digits, found, strict=True):
        assert likeness(one.glyph, find_glyph(side_by_side(digit, 0, lean)).glyph) > 0.9


@pytest.mark.parametrize("sign", "ij:;=%!?")
@pytest.mark.parametrize("text", ["{}", "7{}7"])
def test_signs_of_several_parts_stay_whole_in_a_line(sign, text):
    page = Image.new("L", (400, 160), 255)
    ImageDraw.Draw(page).text((40, 20), text.format(sign), 0, caption_font(90))
    assert len(find_glyphs(page)) == len(text.format(sign))


def test_a_double_quote_is_told_from_two_ones():
    page = Image.new("L", (110, 110), 255)
    for left in (40, 58):
        ImageDraw.Draw(page).rectangle((left, 30, left + 6, 55), 0)
    assert len(find_glyphs(page)) == 1


def test_a_framed_small_sign_keeps_its_scale():
    dot = np.zeros((28, 28), np.uint8)
    dot[12:16, 12:16] = 255
    np.testing.assert_array_equal(to_glyph(dot), dot)
    np.testing.assert_array_equal(to_glyph(255 - dot), dot)


# ------------------------------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def digits(data_dir) -> np.ndarray:
    raw = gzip.decompress((data_dir / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())[: 16 + 300 * 784]
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)


@pytest.mark.parametrize(
    "draw",
    [
        lambda image: image,
        lambda image: 255 - image,
        lambda image: np.pad(image, ((10, 2), (10, 2))),
        lambda image: np.pad(255 - image, 10, constant_values=255),
    ],
    ids=["as it is", "dark on light", "moved", "margin"],
)
def test_mnist_comes_back_as_it_was(digits, draw):
    found = [find_glyph(draw(image)) for image in digits]
    differences = np.array(
        [np.abs(one.glyph.astype(int) - image).mean() for one, image in zip(found, digits, strict=True)]
    )
    assert np.mean(differences) < 1
    assert np.mean(differences < 3) > 0.97
    assert np.mean([one.characters == 1 for one in found]) > 0.99


def test_framed_letters_come_back_as_they_were(data_dir):
    with np.load(data_dir / "unipen94" / "unipen94.npz") as data:
        letters = np.random.default_rng(0).permutation(data["images"][data["labels"] < 62])[:300]
    differences = np.array([np.abs(to_glyph(image).astype(int) - image).mean() for image in letters])
    assert np.mean(differences < 1) > 0.97


def test_photographs_give_one_clean_character(data_dir):
    found = [find_glyph(open_picture(path)) for path in sorted((data_dir / "photos").glob("*.png"))]
    assert np.mean([one.characters == 1 for one in found]) > 0.97
    coverage = np.array([np.mean(one.glyph > 100) for one in found])
    assert ((coverage > 0.04) & (coverage < 0.4)).mean() > 0.98


# ------------------------------------------------------------------------------------------------------- bad input


def saved(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


def header_of_a_huge_png(path: Path) -> Path:
    body = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + body
        + struct.pack(">I", zlib.crc32(body))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )
    return path


def cut_short(path: Path) -> Path:
    rng = np.random.default_rng(0)
    saved(path, Image.fromarray(rng.integers(0, 255, (90, 90, 3), np.uint8)))
    path.write_bytes(path.read_bytes()[:6000])
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


BAD_FILES = {
    "missing": (lambda folder: folder / "none.png", "no such file"),
    "folder": (lambda folder: folder, "a folder"),
    "empty": (lambda folder: written(folder / "empty.png", b""), "an empty file"),
    "text": (lambda folder: written(folder / "text.png", b"dear diary"), "another kind"),
    "html": (lambda folder: written(folder / "page.jpg", b"<!doctype html><html>"), "another kind"),
    "truncated png": (lambda folder: cut_short(folder / "cut.png"), "damaged"),
    "truncated bmp": (lambda folder: cut_short(folder / "cut.bmp"), "damaged"),
    "huge": (lambda folder: header_of_a_huge_png(folder / "huge.png"), "50,000,000 pixels"),
    "large": (lambda folder: saved(folder / "large.png", Image.new("1", (8000, 7000))), "8000 x 7000"),
    "blank": (lambda folder: saved(folder / "blank.png", Image.new("RGB", (80, 80), "white")), "blank"),
    "tiny": (lambda folder: saved(folder / "tiny.png", Image.new("L", (3, 3))), "at least 8 pixels"),
    "transparent": (lambda folder: saved(folder / "clear.png", Image.new("RGBA", (80, 80))), "blank"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_told_in_one_line(tmp_path, kind):
    make, said = BAD_FILES[kind]
    with pytest.raises(UserError, match=said) as told:
        to_glyph(make(tmp_path))
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(f"{make(tmp_path)}: expected")


def test_a_picture_without_a_name_is_told_without_one():
    with pytest.raises(UserError, match=r"^expected a character"):
        to_glyph(Image.new("L", (80, 80)))


@pytest.mark.parametrize("noise", ["normal", "uniform", "salt"])
@pytest.mark.parametrize("side", [60, 200, 700])
def test_a_page_of_noise_is_blank(noise, side):
    rng = np.random.default_rng(side)
    page = {
        "normal": 200 + rng.normal(0, 12, (side, side)),
        "uniform": rng.uniform(0, 255, (side, side)),
        "salt": np.where(rng.uniform(size=(side, side)) < 0.05, 0, 255),
    }[noise]
    with pytest.raises(UserError, match="blank"):
        find_glyph(page.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 4, 4)),
        np.zeros((0, 9)),
        np.zeros((9, 9, 5)),
        np.full((9, 9), "a"),
        np.full((9, 9), np.nan),
        np.zeros((9, 9), complex),
    ],
)
def test_a_bad_array_is_told(array):
    with pytest.raises(UserError):
        find_glyph(array)


QUIET = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")  # pytest forgets the filter of picture.py

SIGNATURES = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"\xff\xd8\xff\xe0",
    b"II*\0",
    b"MM\0*",
    b"P5 9 9 255\n",
    b"RIFF\0\0\0\0WEBP",
]


@QUIET
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(start=st.sampled_from(SIGNATURES), rest=st.binary(max_size=300))
def test_random_bytes_never_raise_anything_else(tmp_path, start, rest):
    glyph_or_user_error(written(tmp_path / "random.png", start + rest))


@QUIET
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["png", "jpeg", "gif", "bmp", "tiff", "webp"]),
    place=st.floats(0, 1),
    value=st.integers(0, 255),
    length=st.floats(0.05, 1),
)
def test_damaged_pictures_never_raise_anything_else(tmp_path, kind, place, value, length):
    file = io.BytesIO()
    drawing(40, 4).save(file, kind)
    content = bytearray(file.getvalue())
    content[int(place * (len(content) - 1))] = value
    glyph_or_user_error(written(tmp_path / "damaged", bytes(content[: int(length * len(content)) + 1])))


@settings(max_examples=200)
@given(
    st_numpy.arrays(
        st.sampled_from([np.uint8, np.bool_, np.uint16, np.int64, np.float32, np.float64]),
        st_numpy.array_shapes(min_dims=2, max_dims=3, max_side=40),
    )
)
def test_random_arrays_give_a_glyph_or_one_line(array):
    glyph_or_user_error(array)


@settings(max_examples=60)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10_000), st.sampled_from([0, 1, 5, 40]))
def test_any_shape_of_scrawl(width, height, seed, noise):
    rng = np.random.default_rng(seed)
    page = Image.new("L", (width, height), int(rng.integers(256)))
    points = [tuple(point) for point in (rng.uniform(size=(4, 2)) * (width, height)).tolist()]
    ImageDraw.Draw(page).line(points, int(rng.integers(256)), int(rng.integers(1, 9)))
    glyph_or_user_error((np.asarray(page) + rng.normal(0, noise, (height, width))).clip(0, 255).astype(np.uint8))


def glyph_or_user_error(picture) -> None:
    told = ""
    try:
        found = find_glyph(open_picture(picture) if isinstance(picture, Path) else picture)
    except UserError as error:
        told = str(error)
    if told:
        assert "\n" not in told
    else:
        assert isinstance(found, FoundGlyph)
        assert_glyph(found.glyph)
        assert found.characters >= 1
