# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No answer takes more memory than docs/hostile.md says, measured as the whole process grows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sampling import one_in

ROOT = Path(__file__).parents[2]
# MiB that the process may grow, measured 32, 0, 0, 32, 278, 286, 62, 62, 14 and 18.
WEIGHTS = {
    "bomb 1": ("bad_answer", 64),
    "bomb 2": ("bad_answer", 16),
    "bomb 3": ("bad_answer", 16),
    "endless": ("bad_answer", 64),
    "one text": ("bad_answer", 400),
    "many pairs": ("bad_answer", 400),
    "many lists": ("bad_answer", 128),
    "many elements": ("refused", 128),
    "fewer elements": ("refused", 64),
    "attributes": ("refused", 64),
}


@pytest.mark.parametrize("name", one_in(3, WEIGHTS))
def test_an_answer_s_weight_is_bounded(name: str) -> None:
    code, most = WEIGHTS[name]
    command = [sys.executable, "-W", "ignore", "-m", "tests.hostile.memory_probe", name]
    path = f"{ROOT}/build/links:{ROOT}"
    probe = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": path}, check=True, capture_output=True, text=True)
    weighed = json.loads(probe.stdout)
    assert weighed["code"] == code, weighed
    assert weighed["grown"] <= most, weighed
