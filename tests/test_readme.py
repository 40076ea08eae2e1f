"""README.md: what it says a user can type is understood, its Python runs, and what it points to is there."""

import contextlib
import re
import shlex
from pathlib import Path

import pytest
from command_lines import parsed

import sample_pictures

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def scripts_called() -> list[list[str]]:
    """Every call of one of our scripts in a block of commands."""
    lines = (line for language, block in BLOCKS if language in ("", "sh", "bash") for line in block.splitlines())
    calls = (call for line in lines for call in re.split(r"&&|;(?=\s|$)", line))
    words = (shlex.split(call, comments=True) for call in calls)
    return [call[1:] for call in words if call[:1] == ["python"] and (ROOT / call[1]).parent == ROOT]


CALLS = scripts_called()


@pytest.mark.parametrize("command", CALLS, ids=" ".join)
def test_a_command_line_is_understood(command, monkeypatch):
    with pytest.raises(SystemExit) if "--help" in command else contextlib.nullcontext() as stop:
        parsed(command, monkeypatch)
    assert not (stop and stop.value.code)


def test_no_command_line_was_overlooked():
    assert len(CALLS) > 25
    assert {call[0] for call in CALLS} >= {
        "train.py",
        "inference.py",
        "generate.py",
        "evaluate.py",
        "visualize_model.py",
    }


@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "python"])
def test_its_python_runs(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if "images/samples" in block:
        sample_pictures.main(sample_pictures.Arguments())
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_its_pictures_and_files_are_there():
    targets = re.findall(r'src="([^"]+)"|\]\(([^)#]+)\)', TEXT)
    missing = [path for path in map("".join, targets) if "://" not in path and not (ROOT / path).exists()]
    assert not missing


def test_its_list_of_files_is_complete():
    listed = re.findall(r"`(\w+\.py)`", TEXT.partition("\n## Files\n")[2])
    assert sorted(listed) == sorted(path.name for path in ROOT.glob("*.py"))


def test_its_models_are_as_large_as_it_says():
    rows = re.findall(r"^\| (`[a-z]+-[a-z]+`(?:, `[a-z-]+`)*) \|.*\| ([\d. and]+) MB \|$", TEXT, re.MULTILINE)
    said = {name: size for names, sizes in rows
            for name, size in zip(re.findall(r"`(.*?)`", names), sizes.split(" and "), strict=True)}  # fmt: skip
    assert len(said) > 10
    for name, size in said.items():
        held = sum(file.stat().st_size for file in (ROOT / "modelh5" / name).iterdir())
        assert abs(held / 1e6 - float(size)) < 0.06, name
