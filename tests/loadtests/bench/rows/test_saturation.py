"""Saturation, by the command itself: five short repetitions over real processes, their record and their table."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from loadtests.bench.record import read
from loadtests.bench.rows import saturation
from tests.serving.servers import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]  # servers that start on a busy machine


def test_the_command_measures_both_in_turns(tmp_path: Path) -> None:
    """Nobody fails, ratios are those of the rates beside them, and what is printed is what was kept."""
    arguments = ["--only", "saturation", "--scale", "0.06", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "loadtests.bench", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = tmp_path.glob("*.json")
    record = read(path)
    assert record.scale == 0.06
    [row] = record.rows
    values = {measured.figure.name: measured.values for measured in row.figures}
    assert values["errors"] == (0, 0, 0, 0, 0)
    rates = zip(values["chats a second: Lectern"], values["chats a second: relay"], strict=True)
    assert values["chats a second, of the relay's"] == pytest.approx([mine / its for mine, its in rates], rel=0.01)
    assert min(values["CPU a chat: Lectern"]) > 0
    assert f"saturation: {saturation.ROW.title}" in done.stdout
    assert "NOTE    at 0.06 of the load that the targets are about" in done.stdout
