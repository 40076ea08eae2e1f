"""What every script owes the person at the terminal: errors in one line, honest exit codes, outputs whole or absent."""

import contextlib
import difflib
import errno
import functools
import io
import os
import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

Arguments = TypeVar("Arguments")
USAGE_ERROR, INTERRUPTED, PIPE_CLOSED = 2, 130, 141  # exit codes; the last two as shells tell SIGINT and SIGPIPE
REPLACED = "replaced"  # name, inside a workspace, of the folder that gave way to the draft
ADVICE = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "name a file",
    errno.EEXIST: "a file is in the way: move it, or choose another place",
    errno.EACCES: "choose a place that you may use",
    errno.EPERM: "choose a place that you may use",
    errno.ENOSPC: "make room, or choose another disk",
}
"""What to do about what the system refuses most."""
COMMANDS = "Available subcommands: "  # as tyro introduces them
STALE = 3600  # seconds without a change after which a workspace counts as left behind
NAMED_AT_MOST = 12  # characters in a message


class UserError(ValueError):
    """A mistake the user can mend, told in one line: the thing, what was expected, what was received, what to do."""


def run_script(main: Callable[[], int | None], when_stopped: str = "nothing half-written was kept") -> None:
    """Runs a script's `main` and exits as a shell expects; after Ctrl-C it says what to know then.

    A `UserError`, and what the system says of a file or disk, ends in one line on stderr and exit code 2;
    Ctrl-C in exit code 130; a reader that closed the pipe (`| head`) in silence and 141. Anything else is a bug and
    keeps its traceback.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="backslashreplace")  # a file's name need not be valid Unicode
    try:
        code = _exit_code(main)
        print(end="", flush=True)  # at exit it would be too late to tell that the disk is full
    except KeyboardInterrupt:
        code = INTERRUPTED
        print(f"\nstopped by Ctrl-C; {when_stopped}", file=sys.stderr)
    except UserError as error:
        code = USAGE_ERROR
        print(f"error: {error}", file=sys.stderr)
    except BrokenPipeError:
        code = PIPE_CLOSED
    except OSError as error:
        code = USAGE_ERROR
        advice = f"; {ADVICE[error.errno]}" if error.errno in ADVICE else ""
        print(f"error: {describe_os_error(error)}{advice}", file=sys.stderr)
    _drop_unwritten_output()
    sys.exit(code)


def _exit_code(main: Callable[[], int | None]) -> int | str | None:
    try:
        return main()
    except SystemExit as stop:  # as of --help
        return stop.code


def _drop_unwritten_output() -> None:
    """Empties stdout's buffer, which the interpreter would else try to write at exit, and complain."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parse(read_arguments: Callable[[], Arguments], commands: Container[str] = ()) -> Arguments:
    """Runs a call of tyro, with its framed error messages told in one line.

    Args:
        read_arguments: For example `lambda: tyro.cli(Settings)`.
        commands: Words of which the line must begin with one, where each has options, and help, of its own.

    Raises:
        UserError: The command line is wrong.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), _quick_checks_of_defaults():
            return read_arguments()
    except SystemExit as stop:
        if not stop.code:
            raise
        words = [word.replace("_", "-") for word in sys.argv[1:2]]  # as tyro reads them
        place = " ".join([Path(sys.argv[0]).name, *(word for word in words if word in commands)])
        raise UserError(f"{unframed(said.getvalue())}; see {place} --help") from None


@contextlib.contextmanager
def _quick_checks_of_defaults() -> Iterator[None]:
    """Whether defaults fit their types is told without typeguard, which loads asyncio: a twentieth of a quick start.

    tyro (1.0.17) asks typeguard of tuples and of `X | None`, though not of `Optional[X]`.
    """
    from tyro import _resolver  # loaded here: whoever parses has loaded it

    ask_tyro = _resolver.is_instance

    def is_instance(kind: Any, value: Any) -> bool:
        origin = get_origin(kind)
        if origin is UnionType:
            return any(is_instance(one, value) for one in get_args(kind))
        return isinstance(value, tuple) if origin is tuple else ask_tyro(kind, value)

    _resolver.is_instance = is_instance
    try:
        yield
    finally:
        _resolver.is_instance = ask_tyro


def unframed(box: str) -> str:
    """What a framed message of tyro says, as one line: the error, then a suggestion or what there is."""
    lines = [line.strip(" │") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    sections = " ".join(lines).split("─")  # rules between sections
    error, *rest = [" ".join(section.split()) for section in sections if section.strip()] or ["wrong arguments"]
    suggestion = next((f" (did you mean {text.split()[3]}?)" for text in rest if text.startswith("Perhaps")), "")
    commands = next((text.removeprefix(COMMANDS) for text in rest if text.startswith(COMMANDS)), "")
    if commands:
        return _unknown_command(error, commands)
    wanted = re.search(r"helptext: -\S+ ((?:\[*(?:INT|FLOAT|\.\.\.)\]*(?: |$))+)", " ".join(rest))
    return _in_plain_words(error, wanted[1].strip() if wanted else "other values").rstrip(".") + suggestion


def _unknown_command(error: str, commands: str) -> str:
    """Which word stands where a command should, and which there are."""
    word = re.split(r", | \(applied", error.partition(": ")[2])[0]
    if word.startswith("-"):
        return f"expected a command before {word}: one of {commands}"
    return f"unknown command {word!r}{did_you_mean(word, commands.split(', '))}; expected one of {commands}"


def _in_plain_words(error: str, wanted: str) -> str:
    """An error of tyro (1.0.17) without names of the code's, types of Python's, and choices in the order of a set.

    Args:
        wanted: What the option's help says it takes, for errors that do not say it.
    """
    error = re.sub(r"^Error parsing (?=-)|^Error parsing [\w.-]+: ", "", error)
    error = re.sub(
        r"no type matching \S*?([A-Z]+(?: [A-Z]+)*)\}? could be instantiated from \[(.*?)\]\..*",
        r"expected \1, received \2",
        error,
    )
    error = error.replace("invalid literal for int() with base 10: ", "expected INT, received ")
    error = error.replace("could not convert string to float: ", "expected FLOAT, received ")
    error = re.sub(r"Could not (?:parse arguments|find valid parse for arguments:) \[(.*?)\].*",
                   rf"expected {wanted}, received \1", error)  # fmt: skip
    error = re.sub(r"(?<=expected )[A-Z.\[\] ]+(?=, received)", lambda kinds: _numbers(kinds[0]), error)
    return re.sub(r"(?<=Expected one of )\(.*\)", lambda choices: _sorted_choices(choices[0]), error)


def _numbers(kinds: str) -> str:
    """What `INT`, `FLOAT FLOAT`, `[INT [INT ...]]` ask for; other kinds as they are."""
    each = re.findall("[A-Z]+", kinds)
    if not set(each) <= {"INT", "FLOAT"}:
        return kinds
    word = "number" if "FLOAT" in each else "whole number"
    if "..." in kinds:
        return f"{word}s"
    return f"a {word}" if len(each) == 1 else f"{len(each)} {word}s"


def _sorted_choices(choices: str) -> str:
    return ", ".join(sorted(choice for choice in re.findall(r"'([^']*)'", choices) if choice != "None"))


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Inside, what libraries tell of themselves as they are loaded stays off the terminal: standard error is closed.

    TensorFlow's C++ speaks of oneDNN before it can be told what to log.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # and of much else later on
    heard = os.dup(2) if sys.stderr is not None else None  # else 2 is any file by now
    try:
        if heard is not None:
            sys.stderr.flush()
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        if heard is not None:
            os.dup2(heard, 2)
            os.close(heard)


@contextlib.contextmanager
def naming(subject: object) -> Iterator[None]:
    """Puts the thing that the block is about in front of its `UserError`, which then reads `subject: text`."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{subject}: {error}") from None


def describe_os_error(error: OSError) -> str:
    """One line for what the system refused: `reason: file`."""
    reason = (error.strerror or str(error)).splitlines()[0]
    return f"{reason}: {error.filename}" if error.filename else reason


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """` (did you mean X?)` for a near miss among `known`, of that likeness after difflib, else an empty string."""
    near = difflib.get_close_matches(word.lower(), {name.lower(): name for name in known}, n=1, cutoff=likeness)
    match = next((name for name in known if near and name.lower() == near[0]), None)
    return f" (did you mean {match!r}?)" if match else ""


def named(characters: str) -> str:
    """Characters for a message; what is no plain ASCII, and may not show or look like another, with its code point."""
    told = []
    for character in characters[:NAMED_AT_MOST]:
        code = f" (U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip() + ")"
        told.append(repr(character) + (code if not 32 <= ord(character) < 127 else ""))
    more = len(characters) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def spelt_out(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file's name that are no Unicode, as Python has them in it, as `\\udcff`."""
    return text.encode(errors="backslashreplace").decode()


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to, and renames it into place once the block ends well.

    The file, or folder where the block makes one, appears complete or not at all, whatever stops the process; a
    folder that stood there is swapped out first. The suffix is kept, since writers choose their format by it.

    Args:
        path: Where the finished file or folder shall be. Missing parents are made.
    """
    path = Path(path)
    workspace = path.parent / f".{path.name[:40]}.{os.urandom(4).hex()}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        workspace.mkdir()
        yield workspace / path.name
        _put_in_place(workspace / path.name, path)
    except OSError as error:
        if error.filename is None or workspace.name in Path(str(error.filename)).parts:
            error.filename = path  # a full disk does not say what it refused, and nobody knows the draft
        raise
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _put_in_place(draft: Path, path: Path) -> None:
    """Renames a draft, once the disk holds it: else a power cut could leave a half-written file of the final name."""
    if draft.is_dir():
        for file in (*draft.rglob("*"), draft):
            _sync(file)
        if path.is_dir():
            path.rename(draft.with_name(REPLACED))  # a folder cannot be renamed over one that has files
        draft.replace(path)
        _sync(path.parent)  # whoever made a folder may delete its predecessor next
    else:
        _sync(draft)
        draft.replace(path)


def _sync(path: Path) -> None:
    """Waits until the disk holds a file's content, or a folder's entries."""
    on_windows = os.name == "nt"  # which syncs only what it may write to, and opens no folder
    if on_windows and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if on_windows else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@functools.cache  # once a process: not for each of a thousand figures
def _sweep(folder: Path) -> None:
    """Deletes the workspaces that killed processes left in a folder; one that was touched lately may be at work."""
    for workspace in folder.glob(f".*.{'[0-9a-f]' * 8}.part"):
        with contextlib.suppress(OSError):  # its owner is faster
            touched = max(path.lstat().st_mtime for path in (workspace, *workspace.rglob("*")))
            only_copy = (workspace / REPLACED).exists()  # killed between the two renames of a folder
            if time.time() - touched > STALE and not only_copy:
                shutil.rmtree(workspace)
