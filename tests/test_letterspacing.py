"""Letters stand as near as their ink allows, wherever on the line that ink is."""

import numpy as np

from lettering import Letter
from letterspacing import TUCK, Piece

BODY, ROOM = 64, 1000


def block(height: int, width: int, top: int) -> Letter:
    return Letter("x", np.full((height, width), 255, np.uint8), top)


def places(*letters: Letter, gap: float = 4, room: int = ROOM) -> list[int]:
    piece = Piece(BODY)
    for letter in letters:
        assert piece.add(letter, gap, room)
    return [x for _, x in piece.letters]


def test_the_gap_is_between_ink_on_one_height():
    assert places(block(40, 20, -40), block(40, 20, -40)) == [0, 24]
    assert places(block(40, 20, -40), block(40, 20, -40), gap=-3) == [0, 17]


def test_ink_on_other_heights_may_be_passed_but_not_far():
    high, low = block(10, 30, -45), block(10, 30, -10)
    assert places(high, low) == [0, round(30 - TUCK * BODY)]


def test_ink_before_the_last_letter_counts_too():
    bar = block(6, 60, -45)
    low = block(8, 4, -8)
    high = block(45, 20, -45)
    assert places(bar, low, high)[2] >= 60 + 4


def test_a_piece_holds_no_more_than_there_is_room_for_but_one_letter_always():
    piece = Piece(BODY)
    assert piece.add(block(9, 50, -9), 4, 40)
    assert not piece.add(block(9, 10, -9), 4, 55)
    assert piece.width == 50 and len(piece.letters) == 1


def test_nothing_reaches_into_a_gap_that_was_left():
    piece = Piece(BODY)
    piece.add(block(10, 30, -45), 4, ROOM)
    piece.skip(25)
    piece.add(block(10, 30, -10), 4, ROOM)
    assert piece.letters[1][1] == 55 and piece.width == 85


def test_a_blank_letter_takes_its_place():
    blank = Letter("x", np.zeros((40, 20), np.uint8), -40)
    assert places(blank, block(40, 20, -40), blank) == [0, 24, 48]
