# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo` tells its story to the end, and leaves nothing behind when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import HANG

ROOT = Path(__file__).resolve().parents[3]
TREE = ROOT / "build" / "ansible_collections" / "hybridvm" / "checkpoints"


@pytest.fixture
def demo() -> list[str]:
    """The demo's command, with the collection installed as `make demo` does it."""
    subprocess.run([sys.executable, "tools/tree.py", str(TREE)], cwd=ROOT, check=True, env=_environment())
    return [sys.executable, "tools/demo.py"]


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def test_the_story_comes_true(demo: list[str]) -> None:
    demonstration = subprocess.run(
        demo, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=HANG, check=False
    )
    assert demonstration.returncode == 0, demonstration.stdout[-3000:] + demonstration.stderr[-2000:]
    for vm in ("web01", "app01", "shop01"):
        assert f"{vm}: proven: A plan, and nothing was touched" in demonstration.stdout
        assert f"{vm}: proven: The guest is back" in demonstration.stdout
        assert f"{vm}: proven: The VM has what it had before" in demonstration.stdout
        if vm != "shop01":
            assert (
                f"{vm}: proven: Every checkpoint says why it stays, and nothing is left to do" in demonstration.stdout
            )
        assert f"{vm}: it is not good: the shop is closed" in demonstration.stdout
        assert f"{vm}: proven: The change has undone itself, and says why" in demonstration.stdout
    assert "FAILED" not in demonstration.stdout


def test_ctrl_c_leaves_nothing_behind(demo: list[str], tmp_path: Path) -> None:
    # A shell's background job ignores SIGINT, and so would its children; a terminal's does not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        demo,
        cwd=ROOT,
        env={**_environment(), "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Make the checkpoint" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    output, _stderr = process.communicate(timeout=HANG)
    assert process.returncode == 130, output
    assert "nothing is left running" in output
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(path)]
    assert left == []
    assert list(tmp_path.glob("checkpoints-demo-*")) == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has just ended
