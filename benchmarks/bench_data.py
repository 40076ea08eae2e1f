"""Prints how long a set of EMNIST ByClass's size takes to load and how much memory; the set itself is made up."""

import gzip
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.measuring import peak_bytes
from data_files import idx_names
from data_pictures import read_digits
from data_processor import load

COUNTS = {"train": 697_932, "test": 116_323}  # EMNIST ByClass
CLASSES = 62
LIMITS = {"load": 10.0, "hash": 2.0, "memory": 1.5}  # seconds, seconds, GB


def write_set(folder: Path) -> None:
    """Writes gzipped idx files of ByClass's size; the glyphs are real digits, so that they pack as EMNIST's do."""
    glyphs = read_digits().images[..., 0].transpose(0, 2, 1)
    for name in idx_names("emnist-byclass-train", "emnist-byclass-test"):
        count = COUNTS["train" if "-train-" in name else "test"]
        with gzip.open(folder / name, "wb", compresslevel=6) as file:
            if "labels" in name:
                file.write(bytes((0, 0, 8, 1)) + count.to_bytes(4, "big"))
                file.write((np.arange(count) % CLASSES).astype(np.uint8).tobytes())
                continue
            file.write(bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in (count, 28, 28)))
            for start in range(0, count, len(glyphs)):
                file.write(glyphs[: count - start].tobytes())


def measure(folder: Path) -> None:
    """Loads the set in this process, so that its peak memory is that of loading alone."""
    started = time.perf_counter()
    data = load("emnist-byclass", folder)
    loaded = time.perf_counter()
    _ = data.sha256
    hashed = time.perf_counter()
    peak = peak_bytes(resource.getrusage(resource.RUSAGE_SELF)) / 1e9
    print(f"{'images':<14}{len(data.labels):>12,}")
    print(f"{'load':<14}{loaded - started:>10.1f} s   (at most {LIMITS['load']:.0f} s)")
    print(f"{'hash':<14}{hashed - loaded:>10.1f} s   (at most {LIMITS['hash']:.0f} s)")
    print(f"{'peak memory':<14}{peak:>9.2f} GB   (at most {LIMITS['memory']} GB)")


def main() -> None:
    """Writes the set into a temporary folder and measures in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder))
        subprocess.run([sys.executable, __file__, folder], check=True)


if __name__ == "__main__":
    measure(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
