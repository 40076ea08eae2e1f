"""What a script owes the terminal, whatever happens."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import shell
from shell import UserError, did_you_mean, unframed, written_whole

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
        ("open('/none/such')", 2, "error: No such file or directory: /none/such\n"),
        ("raise OSError(28, 'No space left on device', 'a.png')", 2, "error: No space left on device: a.png\n"),
        ("raise KeyboardInterrupt", 130, "\nstopped by Ctrl-C; nothing half-written was kept\n"),
    ],
)
def test_exit_codes_and_single_lines(body, code, stderr):
    done = run(body)
    assert (done.returncode, done.stderr) == (code, stderr)


def test_a_bug_keeps_its_traceback():
    assert "Traceback" in run("1 / 0").stderr


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


def test_did_you_mean():
    assert did_you_mean("MNITS", ["mnist", "digits"]) == " (did you mean 'mnist'?)"
    assert did_you_mean("zzz", ["mnist"]) == ""


def test_framed_messages_become_one_line():
    box = "╭─ Parsing error ─╮\n│ Wrong: --epoch, │\n│ 3. │\n│ ─── │\n│ Perhaps you meant: │\n│ --epochs INT │\n╰──╯"
    assert unframed(box).startswith("Wrong: --epoch, 3 (did you mean --epochs?); see ")
    assert unframed("").startswith("wrong arguments; see ")


def test_user_error_is_a_value_error():
    assert issubclass(UserError, ValueError)  # so that tyro reports one raised by a setting as a wrong setting
