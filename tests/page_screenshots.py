"""Screenshots of the page for the README: python tests/page_screenshots.py, run beside the models."""

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from page_driver import all_models, browsing, draw, serving
from playwright.sync_api import Page

from shell import run_script, written_whole

FOLDER = Path("images/readme")
SIZE = {"width": 1180, "height": 820}
LETTER = """To whoever reads this:

everything on this page is written by a small network, in one hand, and no two letters are alike.

Yours, No. 33"""


def main() -> None:
    """Writes page-read.png, page-write.png and, in the dark, page-inside.png."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(all_models(Path(folder))) as address, browsing() as browser:
        for name, look in LOOKS.items():
            page = browser.new_page(viewport=SIZE, reduced_motion="reduce",
                                    color_scheme="dark" if name == "inside" else "light")  # fmt: skip
            page.goto(address)
            page.wait_for_selector("#wordmark img")
            look(page)
            page.wait_for_timeout(1000)  # the answer, and its picture
            save(page, FOLDER / f"page-{name}.png")
            page.close()


def save(page: Page, path: Path) -> None:
    """Of 256 colours, which is a third of the space."""
    with Image.open(io.BytesIO(page.screenshot())) as picture, written_whole(path) as draft:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(draft, optimize=True)
    print(f"wrote {path}: {path.stat().st_size // 1000} kB")


def read(page: Page) -> None:
    """An ampersand, drawn."""
    draw(page, page.locator("#read-pad canvas"), "&", 0.32, 0.68)


def write(page: Page) -> None:
    """A letter in one hand."""
    page.locator("#tab-write").click()
    page.locator("[name=text]").fill(LETTER)
    page.locator("#write-form [name=seed]").fill("33")
    page.locator("#write-form [name=seed]").blur()


def inside(page: Page) -> None:
    """The maps that a writer makes a letter of."""
    page.locator("#tab-inside").click()
    page.locator("#inside-model").select_option("cvae-ascii")
    page.locator("[name=character]").fill("g")
    page.wait_for_timeout(1000)
    page.locator("#inside-scrub").fill("5")


LOOKS = {"read": read, "write": write, "inside": inside}

if __name__ == "__main__":
    run_script(main)
