# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DELETE whose answer was lost, or that finds nothing, is taken for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import (
    make_lab,
    point,
)

pytestmark = pytest.mark.thorough


GONE: dict[str, dict[str, Any]] = {
    "point": {"name": "before", "state": "absent"},
    "collection": {"state": "absent", "force": True},
}


def test_a_delete_that_stays_lost_is_open() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="DELETE", count=None)
    result = point(lab, **GONE["point"], settle_time="10s")
    assert (code(result), len(lab.sent("DELETE"))) == ("outcome_unknown", 2)


@pytest.mark.parametrize("gone", [True, False])
def test_a_delete_that_finds_nothing_is_decided_by_reading(gone: bool) -> None:
    lab = make_lab()

    def first() -> None:
        next(iter(lab.world.azure.collections.values())).points.clear()

    lab.before_each(lambda request: gone and request.method == "DELETE", first)
    lab.world.faults.add(kind="status", status=404, method="DELETE", body={"error": {"code": "NotFound"}})
    result = point(lab, **GONE["point"])
    assert (code(result), result["changed"]) == ((None, False) if gone else ("not_found", False))
