"""Ink as numbers: how wide strokes are, and what is dirt."""

import numpy as np
import pytest

from ink import find_parts, labelled, stroke_width, without_dirt


@pytest.mark.parametrize("width", [2, 5, 12])
def test_strokes_are_as_wide_as_they_are_drawn(width):
    ink = np.zeros((200, 200), np.float32)
    ink[20:180, 50 : 50 + width] = 1
    slanted = abs(np.subtract.outer(np.arange(200), np.arange(200))) < width / 2 * 2**0.5
    assert stroke_width(ink) == pytest.approx(4 / np.pi * width, rel=0.1)  # its outline is all along the axes
    assert stroke_width(slanted.astype(np.float32)) == pytest.approx(width, rel=0.2)


def test_what_is_large_enough_for_a_sign_is_no_speck():
    mask = np.zeros((100, 300), bool)
    mask[20:80, 20:60] = mask[70:73, 80:83] = mask[40:41, 120:121] = True
    parts = find_parts(mask)[1]
    assert [part.longest for part in parts] == [60, 3, 1]
    assert len(without_dirt(parts, mask.shape, noise=0.1)) == 1
    assert len(without_dirt(parts, mask.shape, noise=0.1, enough=9)) == 2


def test_parts_are_labelled_with_their_areas():
    mask = np.zeros((6, 8), bool)
    mask[0, 0:3] = mask[1, 3] = mask[3:5, 5:7] = True  # the first touch by a corner
    labels, areas = labelled(mask)
    assert sorted(areas) == [4, 4]
    assert (labels > 0).tolist() == mask.tolist()
    assert labels[0, 0] == labels[1, 3] != labels[4, 6]
    assert areas[labels[0, 0] - 1] == (labels == labels[0, 0]).sum()
    assert [array.size for array in labelled(np.zeros((3, 3), bool))] == [9, 0]
