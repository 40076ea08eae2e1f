"""What a script owes the terminal, whatever happens."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import shell
from shell import PIPE_CLOSED, STALE, UserError, did_you_mean, named, naming, parse, unframed, unheard, written_whole

ROOT = Path(shell.__file__).parent


def run(body: str, **options) -> subprocess.CompletedProcess:
    program = f"import sys, shell\ndef main():\n    {body}\nshell.run_script(main)"
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, **options)


@pytest.mark.parametrize(
    ("body", "code", "stderr"),
    [
        ("return 0", 0, ""),
        ("pass", 0, ""),
        ("raise shell.UserError('x: expected y')", 2, "error: x: expected y\n"),
        ("open('/none/such')", 2, "error: No such file or directory: /none/such; check the path\n"),
        (
            "import os; os.mkdir('shell.py')",
            2,
            "error: File exists: shell.py; a file is in the way: move it, or choose another place\n",
        ),
        ("raise OSError(5, 'Input/output error', 'a.png')", 2, "error: Input/output error: a.png\n"),
        (
            "raise OSError(28, 'No space left on device', 'a.png')",
            2,
            "error: No space left on device: a.png; make room, or choose another disk\n",
        ),
        ("raise KeyboardInterrupt", 130, "\nstopped by Ctrl-C; nothing half-written was kept\n"),
    ],
)
def test_exit_codes_and_single_lines(body, code, stderr):
    done = run(body)
    assert (done.returncode, done.stderr) == (code, stderr)


def test_only_what_is_said_once_all_is_loaded_is_heard(capfd):
    with unheard():
        os.write(2, b"how it rounds")
    os.write(2, b"an error")
    assert capfd.readouterr().err == "an error"


def test_a_standard_error_that_was_closed_is_left_alone(capfd, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with unheard():
        os.write(2, b"to a file that has its number")
    assert capfd.readouterr().err == "to a file that has its number"


def test_a_bug_keeps_its_traceback():
    assert "Traceback" in run("1 / 0").stderr


def run_into(stdout, body: str) -> tuple[int, str]:
    """Exit code and stderr of a script with a stdout that takes nothing."""
    program = f"import sys, shell\ndef main():\n    {body}\nshell.run_script(main)"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=buffered, stdout=stdout, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("print('one line')", (PIPE_CLOSED, "")),
        ("[print('x' * 100) for _ in range(10000)]", (PIPE_CLOSED, "")),
        ("print('help'); sys.exit(0)", (PIPE_CLOSED, "")),
        ("print('x'); raise shell.UserError('y')", (2, "error: y\n")),
    ],
)
def test_a_reader_that_left_is_told_as_shells_do(body, told):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stdout:
        assert run_into(stdout, body) == told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_finds_the_disk_full_is_one_line():
    with open("/dev/full", "w") as stdout:
        assert run_into(stdout, "print('x')") == (
            2,
            "error: No space left on device; make room, or choose another disk\n",
        )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_the_terminal_cannot_show_is_escaped(encoding):
    done = run(
        r"print('\udcff \u00e9'); raise shell.UserError('\udcff')", env=os.environ | {"PYTHONIOENCODING": encoding}
    )
    assert (done.returncode, done.stderr) == (2, "error: \\udcff\n")
    assert done.stdout == ("\\udcff \u00e9\n" if encoding == "utf-8" else "\\udcff \\xe9\n")


def test_naming_puts_the_thing_first_and_once():
    with pytest.raises(UserError, match=r"^a: expected a$"), naming(Path("a")):
        raise UserError("expected a")


def test_a_closed_pipe_is_silent():
    script = "import shell\nshell.run_script(lambda: [print('x' * 100) for _ in range(10000)] and 0)"
    line = f'{sys.executable} -c "{script}" | head -1'
    done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""


def test_written_whole_replaces_a_file_and_a_folder(tmp_path):
    for text in ("one", "two"):
        with written_whole(tmp_path / "new" / "file.txt") as draft:
            assert draft.suffix == ".txt"
            draft.write_text(text)
        with written_whole(tmp_path / "folder") as draft:
            draft.mkdir()
            (draft / text).write_text(text)
    assert (tmp_path / "new" / "file.txt").read_text() == "two"
    assert os.listdir(tmp_path / "folder") == ["two"]
    assert sorted(os.listdir(tmp_path)) == ["folder", "new"]


def test_written_whole_leaves_nothing_of_a_failure(tmp_path):
    (tmp_path / "file").write_text("before")
    with contextlib.suppress(RuntimeError), written_whole(tmp_path / "file") as draft:
        draft.write_text("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "before"


def test_written_whole_where_folders_cannot_be_opened_nor_what_is_only_read_be_synced(tmp_path, monkeypatch):
    def open_as_windows_does(path, flags):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        writable.append(flags & os.O_RDWR)
        return os.open(path, flags)

    writable = []
    windows = SimpleNamespace(**(vars(os) | {"name": "nt", "open": open_as_windows_does}))
    monkeypatch.setattr(shell, "os", windows)
    with written_whole(tmp_path / "file") as draft:
        draft.touch()
    with written_whole(tmp_path / "folder") as draft:
        draft.mkdir()
        (draft / "inside").touch()
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert len(writable) == 2 and all(writable)


def test_killed_while_writing_leaves_the_old_file(tmp_path):
    program = (
        "import pathlib, time, shell\n"
        f"with shell.written_whole(pathlib.Path({str(tmp_path / 'file')!r})) as draft:\n"
        "    draft.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    (tmp_path / "file").write_text("before")
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.01)
    assert (tmp_path / "file").read_text() == "before"


def test_an_error_names_the_output_and_not_its_draft(tmp_path):
    (tmp_path / "taken.png").mkdir()
    for path, block in [
        (tmp_path / "file.png", lambda draft: (draft / "nowhere").touch()),
        (tmp_path / "file.png", lambda draft: None),
        (tmp_path / "taken.png", lambda draft: draft.touch()),
    ]:
        with pytest.raises(OSError) as told, written_whole(path) as draft:
            block(draft)
        assert told.value.filename == path
    with pytest.raises(OSError) as told, written_whole(tmp_path / "file.png"):
        Path("/none/such").read_bytes()
    assert told.value.filename == "/none/such"
    assert os.listdir(tmp_path) == ["taken.png"]


def test_a_folder_that_may_not_be_written_to_names_the_output(tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise OSError(errno.EACCES, "Permission denied", str(self))

    (tmp_path / "locked").mkdir()
    original = Path.mkdir
    monkeypatch.setattr(
        Path, "mkdir", lambda self, *a, **k: (refuse if ".part" in self.name else original)(self, *a, **k)
    )
    with pytest.raises(PermissionError) as told, written_whole(tmp_path / "locked" / "file.png"):
        pass
    assert told.value.filename == tmp_path / "locked" / "file.png"


def killed_draft(path: Path, age: float) -> Path:
    """The workspace of a process that was killed while it wrote a folder."""
    workspaces = []
    with contextlib.suppress(RuntimeError), written_whole(path) as draft:
        draft.mkdir()
        (draft / "half").write_text("half")
        workspaces.append(draft.parent.rename(path.parent / "aside"))
        raise RuntimeError
    workspace = workspaces[0].rename(draft.parent)
    for file in (workspace, *workspace.rglob("*")):
        os.utime(file, (time.time() - age,) * 2)
    return workspace


def test_what_a_killed_process_left_is_swept_up_later_but_not_what_may_be_at_work(tmp_path):
    (tmp_path / ".mine.part").mkdir()
    old, young = (killed_draft(tmp_path / name, age) for name, age in (("a", 2 * STALE), ("b", STALE / 2)))
    growing = killed_draft(tmp_path / "c", 2 * STALE)
    (growing / "c" / "half").write_text("a download of hours")
    swapped = killed_draft(tmp_path / "d", 2 * STALE)
    (swapped / shell.REPLACED).mkdir()
    os.utime(swapped, (0, 0)), os.utime(swapped / shell.REPLACED, (0, 0))
    shell._sweep.cache_clear()
    with written_whole(tmp_path / "file") as draft:
        draft.touch()
    assert old.name.endswith(".part")
    assert not old.exists()
    assert young.exists()
    assert growing.exists()
    assert swapped.exists()
    assert (tmp_path / ".mine.part").exists()


def test_did_you_mean():
    assert did_you_mean("MNITS", ["mnist", "digits"]) == " (did you mean 'mnist'?)"
    assert did_you_mean("zzz", ["mnist"]) == ""


def test_framed_messages_become_one_line():
    box = "╭─ Parsing error ─╮\n│ Wrong: --epoch, │\n│ 3. │\n│ ─── │\n│ Perhaps you meant: │\n│ --epochs INT │\n╰──╯"
    assert unframed(box) == "Wrong: --epoch, 3 (did you mean --epochs?)"
    assert unframed("") == "wrong arguments"
    assert unframed("Error parsing RunConfig: too many") == "too many"


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("train-all", "tool.py train-all --help"),
        ("train_all", "tool.py train-all --help"),
        ("mistyped", "tool.py --help"),
    ],
)
def test_a_wrong_line_names_the_help_of_its_command(monkeypatch, word, place):
    def refuse():
        print("╭╮\n│ Unrecognized options: --x │\n╰╯", file=sys.stderr)
        sys.exit(2)

    monkeypatch.setattr(sys, "argv", ["folder/tool.py", word, "--x"])
    with pytest.raises(UserError, match=f"^Unrecognized options: --x; see {place}$"):
        parse(refuse, commands=("train-all", "show"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Error parsing __tyro-dummy-inner__.model: `a` must be 2. Received: a=1", "`a` must be 2. Received: a=1"),
        (
            "Error parsing --spacing: no type matching {None}|{FLOAT FLOAT} could be instantiated from ['2']. Got "
            "errors: - <class 'NoneType'>: ['2'] does not match choices ('None',) - `[bold]FLOAT[/bold]`",
            "--spacing: expected 2 numbers, received '2'",
        ),
        (
            "Error parsing --random: no type matching {None}|INT could be instantiated from ['abc']. Got errors: - x",
            "--random: expected a whole number, received 'abc'",
        ),
        (
            "Error parsing --epochs: invalid literal for int() with base 10: '2.5'",
            "--epochs: expected a whole number, received '2.5'",
        ),
        ("Error parsing --rate: could not convert string to float: 'x'", "--rate: expected a number, received 'x'"),
        (
            "Unrecognized options: tran, -x\n───\nAvailable subcommands: train, test\n───\nPerhaps you meant: -y",
            "unknown command 'tran' (did you mean 'train'?); expected one of train, test",
        ),
        (
            "Unrecognized options:\n───\nAvailable subcommands: train, test",
            "unknown command ''; expected one of train, test",
        ),
        (
            "Unrecognized options: -x, 3\n───\nAvailable subcommands: train, test",
            "expected a command before -x: one of train, test",
        ),
        (
            "Error parsing --widths: Could not parse arguments ['1', 'x'] into tuple type typing.Tuple[int, int]\n───\n"
            "Argument helptext:\n    --widths INT INT\n    A few channels. (default: 64 32)",
            "--widths: expected 2 whole numbers, received '1', 'x'",
        ),
        (
            "Error parsing --share: Could not find valid parse for arguments: ['a']\n───\n"
            "Argument helptext:\n    --share [FLOAT [FLOAT ...]]\n    Share of each set. (default: )",
            "--share: expected numbers, received 'a'",
        ),
        (
            "Error parsing --part: Could not find valid parse for arguments: ['a']",
            "--part: expected other values, received 'a'",
        ),
        (
            "Error parsing --widths: Could not find valid parse for arguments: ['a']\n───\nArgument helptext:\n"
            "    --widths INT INT",
            "--widths: expected 2 whole numbers, received 'a'",
        ),
        (
            "invalid choice 'x' for argument '--source'. Expected one of ('mnist', 'None', 'cgan')",
            "invalid choice 'x' for argument '--source'. Expected one of cgan, mnist",
        ),
    ],
)
def test_the_words_of_the_parser_are_told_in_plain(said, told):
    assert unframed(said) == told


def test_user_error_is_a_value_error():
    assert issubclass(UserError, ValueError)  # so that tyro reports one raised by a setting as a wrong setting


def test_many_strange_characters_are_counted():
    assert named("wxyz") == "'w', 'x', 'y', 'z'"
    assert named("".join(map(chr, range(65, 91)))).endswith("'L' and 14 more")
