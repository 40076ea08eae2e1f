"""What a fresh interpreter loads and says; the one that the tests run in has long loaded everything."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "matplotlib", "scipy", "sklearn")


def loaded_by(program: str, libraries: Sequence[str] = HEAVY) -> set[str]:
    """Those of the libraries that are there when a program, run among the project's files, has ended well."""
    return _watched(f"{program}\n", libraries, ROOT)[1]


def run_watched(
    script: str, *arguments: object, cwd: Path, libraries: Sequence[str] = HEAVY
) -> tuple[int, set[str], str]:
    """Runs a script of the project as a user does.

    Returns:
        Its exit code, those of the libraries that it has loaded, and what it said on stderr.
    """
    line = [script, *map(str, arguments)]
    program = (
        "import runpy\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"sys.argv = {line!r}\n"
        "try:\n"
        f"    runpy.run_path({str(ROOT / script)!r}, run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    code = stop.code or 0\n"
    )
    return _watched(program, libraries, cwd)


def _watched(program: str, libraries: Sequence[str], cwd: Path) -> tuple[int, set[str], str]:
    told = f"print(json.dumps([code, sorted({set(libraries)!r} & set(sys.modules))]))"
    line = [sys.executable, "-c", f"import json, sys\ncode = 0\n{program}{told}"]
    done = subprocess.run(line, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code, found = json.loads(done.stdout.splitlines()[-1])
    return code, set(found), done.stderr
