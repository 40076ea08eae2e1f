"""How much of what a model can do survives the pen, the camera and the scanner of whoever brings it a picture."""

import contextlib
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np

from corruptions import CORRUPTIONS, apply
from picture import to_glyph
from shell import UserError

CLEAN = "clean"
PIECE = 125  # pictures a process is given at a time
MOST_PROCESSES = 8
WORTH_PROCESSES = 4000  # pictures: of fewer, the processes' start would take longer than they save


class Outcome(NamedTuple):
    """What came of pictures, picture by picture."""

    right: np.ndarray  # bool (N,); never where it could not be framed
    refused: np.ndarray  # bool (N,): by `to_glyph` or, as no character, by the reader


Attempt = Callable[[np.ndarray], Outcome]
"""What a model makes of what `to_glyph` gave, uint8 `(N, 28, 28, 1)`."""


class Piece(NamedTuple):
    """Pictures to corrupt and to frame."""

    corruption: str
    images: np.ndarray  # uint8 (N, 28, 28, 1)
    first: int  # number of the first
    seed: int


def robustness(images: np.ndarray, attempt: Attempt, seed: int = 0) -> dict[str, Outcome]:
    """What comes of pictures as they are, and after each corruption, all by way of `to_glyph`.

    Args:
        images: uint8 `(N, 28, 28, 1)`, white ink on black.
        attempt: Is given what `to_glyph` makes of them all. A picture that this refuses counts as refused, whatever is
            said of the black one in its place.
        seed: Of the corruptions' noise.

    Returns:
        CLEAN, then every one of CORRUPTIONS.
    """
    names, starts = [CLEAN, *CORRUPTIONS], range(0, len(images), PIECE)
    pieces = [Piece(name, images[start : start + PIECE], start, seed) for name in names for start in starts]
    outcomes = {}
    with _framed_all(pieces) as results:
        for name in names:
            of_one = itertools.islice(results, len(starts))
            glyphs, accepted = (np.concatenate(parts) for parts in zip(*of_one, strict=True))
            outcomes[name] = _outcome(attempt(glyphs), accepted)
    return outcomes


def _outcome(attempted: Outcome, accepted: np.ndarray) -> Outcome:
    """What could not be framed is wrong, and refused; `accepted` is bool `(N,)`, what could be."""
    return Outcome(attempted.right & accepted, attempted.refused | ~accepted)


def framed(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """What `to_glyph` makes of corrupted pictures: uint8 `(N, 28, 28, 1)`, and which it accepts: bool `(N,)`."""
    corrupted = piece.images
    if piece.corruption != CLEAN:
        corrupted = apply(piece.corruption, piece.images, piece.seed, piece.first)
    glyphs, accepted = np.zeros_like(piece.images), np.ones(len(piece.images), bool)
    for k, picture in enumerate(corrupted[..., 0]):
        try:
            glyphs[k, ..., 0] = to_glyph(picture)
        except UserError:
            accepted[k] = False
    return glyphs, accepted


@contextlib.contextmanager
def _framed_all(pieces: list[Piece]) -> Iterator[Iterator[tuple[np.ndarray, np.ndarray]]]:
    """`framed` of every piece, in order; the same whatever the number of processes."""
    from tqdm import tqdm

    with _mapping(sum(len(piece.images) for piece in pieces)) as mapping:
        results = mapping(framed, pieces)
        yield iter(tqdm(results, "robustness", len(pieces), unit="piece", leave=False, disable=None))


@contextlib.contextmanager
def _mapping(count: int) -> Iterator[Callable]:
    """`map`, or one over as many processes as there are cores; fresh ones, as ONNX's threads do not survive a fork."""
    cores = min(os.cpu_count() or 1, MOST_PROCESSES)
    if cores == 1 or count < WORTH_PROCESSES:
        yield map
        return
    ignore_interrupts = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to tell of
    pool = ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), signal.signal, ignore_interrupts)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
