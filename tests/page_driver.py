"""The page in a real browser: a server of its own, the system's Chromium, and a hand that draws."""

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from toy_generators import write_generator

from app import create_app
from runtime import MODELS_DIR, find_models
from sample_pictures import STROKES, smooth_curve
from web_serving import make_server

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SMOOTHNESS = 4  # moves of the mouse between two points of a stroke
NARROWNESS = 0.7  # of a character, by its height

DRAWN = STROKES | {
    "0": [[(.5, .05), (.25, .15), (.15, .5), (.25, .85), (.5, .95), (.75, .85), (.85, .5), (.75, .15), (.5, .05)]],
    "a": [[(.75, .15), (.45, .05), (.2, .3), (.2, .7), (.4, .9), (.65, .75), (.78, .3)],
          [(.78, .1), (.76, .6), (.82, .95)]],
    "n": [[(.2, .1), (.2, .5), (.2, .95)], [(.2, .4), (.4, .12), (.65, .15), (.72, .5), (.74, .95)]],
    "t": [[(.5, .0), (.48, .5), (.5, .85), (.7, .95)], [(.2, .3), (.5, .28), (.8, .28)]],
}  # fmt: skip
"""Pen strokes of characters, as `sample_pictures.py` has them."""


def all_models(folder: Path) -> Path:
    """The shipped models, and toys that mix digits, or invent whichever, where none was trained yet."""
    for name, place in find_models(MODELS_DIR).items():
        if not name.endswith("-smoke"):
            (folder / name).symlink_to(place)
    for name in ("cgan-digits", "gan-digits"):
        if not (folder / name).exists():
            write_generator(folder, name, labelled=name.startswith("c"))
    return folder


@contextlib.contextmanager
def serving(models_dir: Path) -> Iterator[str]:
    """Serves the page on a free port; gives its address."""
    server = make_server(create_app(models_dir=models_dir), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}/"
    finally:
        server.close()
        thread.join(10)


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """The system's Chromium, without a window, in a new profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def draw(page: Page, pad: Locator, character: str, left: float = 0.3, size: float = 0.6) -> None:
    """Draws a character with the mouse.

    Args:
        left: Where it begins, as a share of the pad's width. size: Its height, as a share of the pad's.
    """
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    side = size * box["height"]
    corner = box["x"] + left * box["width"], box["y"] + (box["height"] - side) / 2
    for stroke in DRAWN[character]:
        first, *others = (corner + smooth_curve(np.array(stroke), SMOOTHNESS) * (NARROWNESS * side, side)).tolist()
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()
