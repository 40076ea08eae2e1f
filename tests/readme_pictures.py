"""The README's pictures, drawn anew by the very commands it prints: python tests/readme_pictures.py.

Those of the page are for page_screenshots.py; the GIF is of the training of cgan-digits.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shell import run_script, written_whole
from visualize_model import require_dot

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "images" / "readme"
UNSEEN = 3  # levels of 255 that processors may differ by
PANGRAM = "The quick brown fox jumps over 13 lazy dogs."
LETTER = """Dear Ada,

the machine you wrote about is here at last: 36 wheels, 2 cranks, and a bell nobody asked for. It adds, it \
multiplies, and on Fridays (so it seems) it sulks.

"What can it not do?" you will ask. It cannot begin; somebody has to tell it how. I have set the first 7 cards \
myself, and at 9:30 it gave me 1842!

Yours, C."""

# The command whose output a README picture is; {} is where that goes.
COMMANDS = {
    **{f"hand-{seed}": f"generate.py '{PANGRAM}' --seed {seed} --height 48 --margin 12 --out {{}}"
       for seed in (1, 2, 3, 5, 9)},
    "page": "generate.py --file letter.txt --seed 2 --width 900 --height 44 --out {}",
    "own-hand": "generate.py 'The rest follows from these five' --style images/samples/mine --seed 0 --height 60 "
                "--margin 12 --out {}",
    "cgan-grid": "generate.py 0123456789 --source cgan --variants 12 --seed 1 --height 48 --out {}",
    "cgan-line": "generate.py 646775 --source cgan --seed 3 --out {}",
    "cgan-mix": "generate.py --mix 4+9 --source cgan --variants 8 --seed 3 --out {}",
    "cgan-words": "generate.py 'Mind the gap' --source cgan --seed 2 --out {}",
    "gan-random": "generate.py --random 20 --source gan --seed 1 --out {}",
    "cgan-digits-layers": "visualize_model.py cgan-digits --character 2 --seed 5 --out {}",
    "architecture": "visualize_model.py translator-digits --out {}",
    **{f"{name}-typeset": f"inference.py images/samples/{sample}.png --out {{}}"
       for name, sample in (("seven", "digits/seven"), ("capital-a", "ascii/capital-a"),
                            ("ampersand", "ascii/ampersand"), ("small-k", "ascii/small-k"))},
    "two-denoised": "inference.py images/samples/digits/two.png --task denoise --noise gaussian --amount 0.3 --seed 1 "
                    "--out {}",
    "two-to-seven": "inference.py images/samples/digits/two.png images/samples/digits/seven.png --task interpolate "
                    "--steps 12 --out {}",
    "a-to-a": "inference.py --task interpolate --character a --seed 3 --out {}",
}  # fmt: skip


def main() -> None:
    """Draws every picture anew, and says which look otherwise.

    Raises:
        UserError: Graphviz, which draws the architecture, is not installed.
    """
    argparse.ArgumentParser(description=__doc__).parse_args()
    require_dot()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "letter.txt").write_text(LETTER, encoding="utf-8")
        run("sample_pictures.py", work)
        for name, command in COMMANDS.items():
            out = work / (name if "interpolate" in command else f"{name}.png")
            run(command.format(out), work)
            replace_picture(next(out.rglob("strip.png")) if out.is_dir() else out, FOLDER / f"{name}.png")


def run(command: str, work: Path) -> None:
    """Runs one of our scripts in a folder."""
    script, *arguments = shlex.split(command)
    subprocess.run([sys.executable, ROOT / script, *arguments], cwd=work, check=True, stdout=subprocess.DEVNULL)


def replace_picture(source: Path, shown: Path) -> None:
    """Puts a picture in the place of another that looks otherwise."""
    with Image.open(source) as new, Image.open(shown) as old:
        if new.size == old.size:
            levels = np.abs(np.subtract(*(np.asarray(picture.convert("RGB"), np.int16) for picture in (new, old))))
            if levels.max() <= UNSEEN:
                return
    with written_whole(shown) as draft:
        draft.write_bytes(source.read_bytes())
    print(f"{shown.name}: drawn anew")


if __name__ == "__main__":
    run_script(main)
