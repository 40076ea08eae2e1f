"""validation_samples.py: what is told of generated pictures, and by whose eyes."""

import numpy as np
import pytest

from readers import Recogniser
from validation_samples import SampleCheck, find_reader


@pytest.fixture
def pictures(stripes) -> tuple[np.ndarray, np.ndarray]:
    return stripes.images, stripes.labels


def test_written_pictures_are_at_no_distance_from_themselves(pictures):
    check = SampleCheck(*pictures, "abc", None)
    figures = check.judge(*pictures).figures
    assert figures["frechet"] == pytest.approx(0, abs=1e-6)
    assert figures["diversity"] == pytest.approx(1)
    assert figures["collapsed"] == 0
    assert check.judge(255 - pictures[0], pictures[1]).figures["frechet"] > 1


def test_a_class_drawn_over_and_over_is_lost(pictures):
    images, labels = pictures
    repeated = images.copy()
    repeated[labels == 1] = images[labels == 1][0]
    verdict = SampleCheck(images, labels, "abc", None).judge(repeated, labels)
    assert verdict.collapsed == "b"
    assert verdict.figures["collapsed"] == 1
    assert verdict.figures["diversity"] == pytest.approx(2 / 3, abs=0.01)


def test_what_is_asked_and_seen_by_nobody_has_no_classes(pictures):
    verdict = SampleCheck(*pictures, "abc", None).judge(pictures[0], None)
    assert set(verdict.figures) == {"frechet"}


class Seeing:
    """A reader of stripes; its alphabet is in another order, and larger."""

    alphabet, image_size = "xcba", 28

    def recognise(self, images):
        heights = images[:, :24, :, 0].reshape(-1, 3, 8 * 28).mean(axis=2) / 255
        read = np.pad(heights[:, ::-1], [(0, 0), (1, 0)], constant_values=9)
        return type("Reading", (), {"features": heights, "probabilities": read})()


def test_a_reader_reads_its_characters_as_those_of_the_model(pictures):
    images, labels = pictures
    check = SampleCheck(images, labels, "abc", Seeing())
    assert check.judge(images, labels).figures["legibility"] == 1
    assert check.judge(images, (labels + 1) % 3).figures["legibility"] == 0


def test_where_nothing_is_asked_a_class_that_is_not_drawn_is_lost(pictures):
    images, labels = pictures
    check = SampleCheck(images, labels, "abc", Seeing())
    whole = check.judge(images, None)
    assert whole.collapsed == ""
    assert whole.figures["diversity"] == pytest.approx(1)
    without = images.copy()
    without[labels == 2] = images[labels == 0]
    verdict = check.judge(without, None)
    assert verdict.collapsed == "c"
    assert verdict.figures["diversity"] < 0.8  # two classes of three, one of which is drawn twice over
    assert "legibility" not in verdict.figures


def test_classes_of_one_picture_have_no_diversity(pictures):
    few = pictures[0][:3], pictures[1][:3]
    figures = SampleCheck(*few, "abc", None).judge(*few).figures
    assert set(figures) == {"frechet", "collapsed"}


def test_a_class_of_one_picture_counts_for_nothing_whether_drawn_or_not(pictures):
    images, labels = pictures
    chosen = np.flatnonzero(labels < 2).tolist() + np.flatnonzero(labels == 2)[:1].tolist()
    images, labels = images[chosen], labels[chosen]
    check = SampleCheck(images, labels, "abc", None)
    drawn = labels < 2
    assert check.judge(images, labels).figures["diversity"] == pytest.approx(1)
    assert check.judge(images[drawn], labels[drawn]).figures["diversity"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "alphabet", "size", "reason"),
    [
        ("recogniser-nobody", "01", 28, "there is no such model"),
        ("recogniser-digits", "01a", 28, "it does not read 'a'"),
        ("recogniser-digits", "01", 64, "it reads pictures of 28 pixels"),
    ],
)
def test_a_reader_that_cannot_serve_gives_way_with_a_note(capsys, name, alphabet, size, reason):
    assert find_reader(name, alphabet, size) is None
    assert reason in capsys.readouterr().out


def test_a_reader_that_can_serve_is_found(capsys):
    assert isinstance(find_reader("recogniser-digits", "01", 28), Recogniser)
    assert not capsys.readouterr().out
