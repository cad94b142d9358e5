# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy that stops half-way: reported at once, and made anew by the next run."""

from __future__ import annotations

from typing import Any

from tests.contract.compute.azure_harness import (
    HOME,
    collection,
    done,
    fail_next,
    failed,
    make_lab,
    names,
    point,
    verbs,
)
from tests.support.lab import Lab, Result

COPIES = "copies-north"


def _source(lab: Lab, name: str = HOME) -> str:
    return lab.world.azure.resource_id("restorePointCollections", name)


def _make_lab(**switches: Any) -> Lab:
    lab = make_lab(**switches)
    done(collection(lab, name=COPIES, source=_source(lab), location="northeurope"))
    return lab


def _copy(lab: Lab, **options: Any) -> Result:
    return point(lab, **{"name": "copy", "collection": COPIES, "source_restore_point": "before", **options})


def test_a_copy_that_stops_half_way() -> None:
    """No detail is given for it; the whole copy has to be begun anew (documented)."""
    lab = _make_lab(compute_copy_takes="600s")
    fail_next(lab, "replication")
    result = _copy(lab, wait_timeout="20h")
    failed(result, "operation_failed")
    assert result["restore_point"]["usable"] is False
    assert lab.seconds < 7200
    checked = done(_copy(lab, check=True))
    assert verbs(checked) == ["delete", "create"]
    again = done(_copy(lab, wait_timeout="2h"))
    assert again["restore_point"]["usable"] is True
    assert names(lab, COPIES) == ["copy"]
