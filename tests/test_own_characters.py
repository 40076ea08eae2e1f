"""Which characters the pictures in a folder show; test_generate.py makes hands of them."""

from pathlib import Path

import pytest

from own_characters import character_shown, own_characters
from shell import UserError


@pytest.mark.parametrize(
    ("path", "character"),
    [("a.png", "a"), ("A_2.png", "A"), ("upper_A-12.jpg", "A"), ("comma.png", ","), ("7.png", "7"), ("7_7.png", "7"),
     ("_.png", "_"), ("low_line_3.png", "_"), ("-.png", "-"), ("é.png", "é"), ("lower_g/any name_5.png", "g"),
     ("B/a.png", "B"), ("question_mark.png", "?")],
)  # fmt: skip
def test_a_name_tells_its_character(path, character):
    assert character_shown(Path("mine", path), Path("mine")) == character


def test_pictures_are_found_in_sub_folders_and_nothing_else(tmp_path):
    names = ["b.png", "a_2.png", "comma/scan 1.jpg", "notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    shown = own_characters(tmp_path)
    assert {file.relative_to(tmp_path).as_posix(): character for file, character in shown.items()} == {
        "a_2.png": "a", "b.png": "b", "comma/scan 1.jpg": ","}  # fmt: skip


def test_a_name_that_tells_nothing_is_refused(tmp_path):
    with pytest.raises(UserError, match="expected pictures of your characters"):
        own_characters(tmp_path)
    (tmp_path / "scan.png").touch()
    with pytest.raises(UserError, match=r"scan\.png: expected a name that tells the character"):
        own_characters(tmp_path)
