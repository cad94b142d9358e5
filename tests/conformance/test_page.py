# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/conformance.md names every operation of the code, and only evidence that there is."""

from __future__ import annotations

import inspect
import re

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.client import RestorePointClient
from tests.conformance.replay.notes import NOTES
from tests.support.simulator_server import ROOT

PAGE = (ROOT / "docs" / "conformance.md").read_text("utf-8")
# Asked of a provider, but no request of its own.
NO_REQUESTS = {"readiness", "execute_step", "pin", "lock"}


def _rows(heading: str) -> list[list[str]]:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_operation_is_named() -> None:
    named = set(re.findall(r"`(\w+\.\w+)`", "".join(row[1] for row in _rows("Operation by operation"))))
    code = {
        f"{kind.__name__}.{name}"
        for kind in (Spf, Scvmm, RestorePointClient)
        for name, _member in inspect.getmembers(kind, inspect.iscoroutinefunction)
        if not name.startswith("_") and name not in NO_REQUESTS
    }
    assert named == code


def test_every_proof_is_one_that_there_is() -> None:
    evidence = {row[0]: row for row in _rows("The outside evidence")}
    used = {"client": set[str](), "simulator": set[str]()}
    for row in _rows("Operation by operation"):
        assert len(row) == 5, row
        for side, cell in zip(("client", "simulator"), row[2:4], strict=True):
            used[side] |= {name.strip() for name in re.sub(r"\([^)]*\)", "", cell).split(",") if name.strip()}
    assert used["client"] | used["simulator"] == evidence.keys()
    for side, names in used.items():
        assert {evidence[name][1] for name in names} == {side}


def test_every_test_that_is_named_exists() -> None:
    paths = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "conformance").glob("test_*.py")}
    assert ours - set(paths) == {"tests/conformance/test_page.py"}


def test_every_note_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in NOTES.values())
