# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers that docs/hostile.md tells are the code's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.body import MAX_BODY
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import (
    MAX_DEPTH,
    MAX_LISTING,
    MAX_PAGES,
    MAX_PARTS,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import MAX_CHECKPOINTS
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_lists import MAX_GROUPS

MIB = 1024 * 1024
PAGE = Path(__file__).parents[2] / "docs/hostile.md"


@pytest.mark.parametrize(
    ("what", "bound"),
    [
        ("one body, as sent and as unfolded", f"{MAX_BODY // MIB} MiB"),
        ("members and elements of one JSON body", f"{MAX_PARTS:,}"),
        ("levels of JSON", str(MAX_DEPTH)),
        ("pages of one list", f"{MAX_PAGES}, and {MAX_LISTING // MIB} MiB together"),
        ("checkpoints of one VM", str(MAX_CHECKPOINTS)),
        ("resource groups that a VM's disks lead to", str(MAX_GROUPS)),
    ],
)
def test_a_bound_is_what_the_page_says(what: str, bound: str) -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", PAGE.read_text("utf-8"), re.M))
    assert rows[what] == bound
