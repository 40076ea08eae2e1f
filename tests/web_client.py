"""A client of the web server: the shipped models, and generators that set type, since they are made in no time."""

import base64
import functools
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from toy_generators import write_generator

from app import create_app
from runtime import MODELS_DIR, find_models
from web_guard import Limits

ROOT = Path(__file__).resolve().parents[1]
UNLIMITED = Limits(rate=1e6, burst=10**6)
_kept = []  # folders that live as long as the tests


@functools.cache
def models_dir() -> Path:
    """The shipped models, but toys in the place of those that invent."""
    _kept.append(tempfile.TemporaryDirectory())
    folder = Path(_kept[-1].name)
    for name, place in find_models(MODELS_DIR).items():
        if "gan" not in name and not name.endswith("-smoke"):
            (folder / name).symlink_to(place)
    write_generator(folder, "cgan-digits")
    write_generator(folder, "gan-digits", labelled=False)
    return folder


@functools.cache
def shared_client():
    """One client for all tests that change nothing."""
    return client()


def client(**changes):
    """A client of a server of its own."""
    app = create_app(**({"models_dir": models_dir(), "limits": UNLIMITED, "data_dir": ROOT / "nowhere"} | changes))
    return app.test_client()


def as_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def drawn(*digits: str, gap: float = 0.35, side: int = 120) -> Image.Image:
    """Ones, sevens and zeros drawn with a pen, side by side."""
    turn = np.linspace(0, 2 * np.pi, 30)
    ring = zip(0.45 + 0.35 * np.sin(turn), 0.5 - 0.5 * np.cos(turn), strict=True)
    strokes = {"1": [(0.5, 0), (0.5, 1)], "7": [(0.1, 0), (0.8, 0.03), (0.4, 1)], "0": list(ring)}
    picture = Image.new("L", (int((1 + gap) * side * len(digits)) + side, 2 * side), 255)
    pen, left = ImageDraw.Draw(picture), side / 2
    for digit in digits:
        points = [(left + side * x, side / 2 + side * y) for x, y in strokes[digit]]
        pen.line(points, fill=0, width=side // 8, joint="curve")
        left += (0.8 + gap) * side
    return picture


def opened(url: str) -> Image.Image:
    """The picture of a data URL."""
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


SEVEN = as_url(encoded(drawn("7")))
