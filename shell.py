"""What every script owes the person at the terminal: errors in one line, honest exit codes, outputs whole or absent."""

import contextlib
import difflib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

Arguments = TypeVar("Arguments")
USAGE_ERROR, INTERRUPTED = 2, 130


class UserError(ValueError):
    """A mistake the user can mend, told in one line: the thing, what was expected, what was received, what to do."""


def run_script(main: Callable[[], int | None]) -> None:
    """Runs a script's `main` and exits as a shell expects.

    A `UserError`, and what the system says of a file or disk, ends in one line on stderr and exit code 2;
    Ctrl-C in exit code 130; a reader that closed the pipe (`| head`) in silence. Anything else is a bug and keeps
    its traceback.
    """
    try:
        sys.exit(main() or 0)
    except KeyboardInterrupt:
        print("\nstopped by Ctrl-C; nothing half-written was kept", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the interpreter flushes stdout once more at exit
        sys.exit(USAGE_ERROR)
    except OSError as error:
        print(f"error: {describe_os_error(error)}", file=sys.stderr)
        sys.exit(USAGE_ERROR)


def parse(read_arguments: Callable[[], Arguments]) -> Arguments:
    """Runs a call of tyro, with its framed error messages told in one line.

    Args:
        read_arguments: For example `lambda: tyro.cli(Settings)`.

    Raises:
        UserError: The command line is wrong.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return read_arguments()
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UserError(unframed(said.getvalue())) from None


def unframed(box: str) -> str:
    """What a framed message of tyro says, as one line: the error, then its first suggestion, then where help is."""
    lines = [line.strip(" │") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    sections = " ".join(lines).split("─")  # rules between sections
    error, *rest = [" ".join(section.split()) for section in sections if section.strip()] or ["wrong arguments"]
    suggestion = next((f" (did you mean {text.split()[3]}?)" for text in rest if text.startswith("Perhaps")), "")
    suggestion += next((f"; {text.lower()}" for text in rest if text.startswith("Available")), "")
    return f"{error.rstrip('.')}{suggestion}; see {Path(sys.argv[0]).name} --help"


def describe_os_error(error: OSError) -> str:
    """One line for what the system refused: `reason: file`."""
    reason = (error.strerror or str(error)).splitlines()[0]
    return f"{reason}: {error.filename}" if error.filename else reason


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)` for a near miss among `known`, else an empty string."""
    near = difflib.get_close_matches(word.lower(), {name.lower(): name for name in known}, n=1, cutoff=0.6)
    match = next((name for name in known if near and name.lower() == near[0]), None)
    return f" (did you mean {match!r}?)" if match else ""


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to, and renames it into place once the block ends well.

    The file, or folder where the block makes one, appears complete or not at all, whatever stops the process; a
    folder that stood there is swapped out first. The suffix is kept, since writers choose their format by it.

    Args:
        path: Where the finished file or folder shall be. Missing parents are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", dir=path.parent))
    draft = workspace / path.name
    try:
        yield draft
        if draft.is_dir() and path.is_dir():
            path.rename(workspace / "replaced")  # a folder cannot be renamed over one that has files
        elif draft.is_file():
            with open(draft, "rb") as file:
                os.fsync(
                    file.fileno()
                )  # a rename that outlives its data would be a half-written file after a power cut
        draft.replace(path)
    except OSError as error:
        error.filename = path if error.filename is None else error.filename  # a full disk does not say what it refused
        raise
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
