# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy that stops half-way: told at once, and made anew by the next run."""

from __future__ import annotations

from typing import Any

from tests.contract.compute.shop import (
    HOME,
    bench,
    collection,
    done,
    fail_next,
    failed,
    names,
    point,
    verbs,
)
from tests.support.bench import Bench, Result

COPIES = "copies-north"


def _source(made: Bench, name: str = HOME) -> str:
    return made.world.azure.resource_id("restorePointCollections", name)


def _bench(**switches: Any) -> Bench:
    made = bench(**switches)
    done(collection(made, name=COPIES, source=_source(made), location="northeurope"))
    return made


def _copy(made: Bench, **options: Any) -> Result:
    return point(made, **{"name": "copy", "collection": COPIES, "source_restore_point": "before", **options})


def test_a_copy_that_stops_half_way() -> None:
    """No detail is given for it; the whole copy has to be begun anew (documented)."""
    made = _bench(compute_copy_takes="600s")
    fail_next(made, "replication")
    result = _copy(made, wait_timeout="20h")
    failed(result, "operation_failed")
    assert result["restore_point"]["usable"] is False
    assert made.seconds < 7200
    checked = done(_copy(made, check=True))
    assert verbs(checked) == ["delete", "create"]
    again = done(_copy(made, wait_timeout="2h"))
    assert again["restore_point"]["usable"] is True
    assert names(made, COPIES) == ["copy"]
