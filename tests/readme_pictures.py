"""The README's pictures, drawn anew by the very commands it prints: python tests/readme_pictures.py.

Those of the page are for page_screenshots.py; the GIF is of the training of cgan-digits.
"""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shell import run_script, written_whole

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "images" / "readme"
PANGRAM = "The quick brown fox jumps over 13 lazy dogs."
LETTER = """Dear Ada,

the machine you wrote about is here at last: 36 wheels, 2 cranks, and a bell nobody asked for. It adds, it \
multiplies, and on Fridays (so it seems) it sulks.

"What can it not do?" you will ask. It cannot begin; somebody has to tell it how. I have set the first 7 cards \
myself, and at 9:30 it gave me 1842!

Yours, C."""

# Each README picture, and the command whose output it is; {} is where the output goes, if the command may choose.
COMMANDS = {
    "samples": "sample_pictures.py",
    **{f"hand-{seed}.png": f"generate.py '{PANGRAM}' --seed {seed} --height 48 --margin 12 --out {{}}"
       for seed in (1, 2, 3, 5, 9)},
    "page.png": "generate.py --file letter.txt --seed 2 --width 900 --height 44 --out {}",
    "own-hand.png": "generate.py 'The rest follows from these five' --style images/samples/mine --height 60 "
                    "--margin 12 --out {}",
    "cgan-grid.png": "generate.py 0123456789 --source cgan --variants 12 --seed 1 --height 48 --out {}",
    "cgan-line.png": "generate.py 646775 --source cgan --seed 3 --out {}",
    "cgan-mix.png": "generate.py --mix 1+2+3 --source cgan --variants 8 --seed 3 --out {}",
    "cgan-words.png": "generate.py 'Mind the gap' --source cgan --seed 2 --out {}",
    "gan-random.png": "generate.py --random 20 --source gan --seed 1 --out {}",
    "cgan-digits-layers.png": "visualize_model.py cgan-digits --character 2 --seed 5 --out {}",
    "architecture.png": "visualize_model.py translator-digits --out {}",
    "images/inference": "inference.py images/samples/digits images/samples/ascii",
    "images/inference/two-denoised.png": "inference.py images/samples/digits/two.png --task denoise --noise gaussian "
                                         "--amount 0.3 --seed 1",
    "images/inference/two-to-seven/strip.png": "inference.py images/samples/digits/two.png "
                                               "images/samples/digits/seven.png --task interpolate --steps 12",
    "images/inference/a-to-a": "inference.py --task interpolate --character a --seed 3",
}  # fmt: skip


def main() -> None:
    """Writes the pictures that are there already anew, and says which changed."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "letter.txt").write_text(LETTER, encoding="utf-8")
        for name, command in COMMANDS.items():
            script, *arguments = shlex.split(command.format(work / name))
            subprocess.run([sys.executable, ROOT / script, *arguments], cwd=work, check=True, stdout=subprocess.DEVNULL)
        drawn = {path.name: path for path in work.rglob("*.png")}
        strips = {path.parent.name: path for path in work.rglob("strip.png")}
        for shown in sorted(FOLDER.glob("*.png")):
            source = drawn.get(shown.name) or next((strips[name] for name in strips if alike(name, shown.stem)), None)
            if source:
                replace_picture(source, shown)


def alike(folder: str, name: str) -> bool:
    """Whether a folder of steps is that of a README picture: `a-seed3-1-to-a-seed3-2` is that of `a-to-a`."""
    ends = [end.partition("-")[0] for end in folder.split("-to-")]
    return "-to-".join(ends) == name


def replace_picture(source: Path, shown: Path) -> None:
    """Puts a picture in the place of another that looks otherwise."""
    with Image.open(source) as new, Image.open(shown) as old:
        if new.size == old.size and new.convert("RGB").tobytes() == old.convert("RGB").tobytes():
            return
    with written_whole(shown) as draft:
        draft.write_bytes(source.read_bytes())
    print(f"{shown.name}: drawn anew")


if __name__ == "__main__":
    run_script(main)
