# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions as plans, approvals and errors know them: a few lines each, held against a file beside the tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_files import hold as hold_text


def hold(path: Path, actions: Iterable[Action]) -> None:
    """Each action is what the file says: its words, what a result shows, and what an approval covers."""
    text = "".join(map(_line, actions))
    hold_text(path, text)


def _line(action: Action) -> str:
    flags = [name for name in ("writes", "once", "relies") if getattr(action, name)]
    shown = {"details": action.details(), "covered": action.covered()}
    lines = [f"  {name}: {json.dumps(value, sort_keys=True, ensure_ascii=False)}\n" for name, value in shown.items()]
    return "".join([f"{action.title()} ({', '.join(action.kinds)}; {', '.join(flags)})\n", *lines])
