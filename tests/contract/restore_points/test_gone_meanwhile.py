# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collection that somebody removes while its update is on the way: what is gone shows no update."""

from __future__ import annotations

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import HOME, collection, make_lab


@pytest.mark.parametrize("loss", ["lose_answer", "lose_request"])
def test_an_update_of_what_is_gone_is_no_success(loss: str) -> None:
    lab = make_lab()

    def lose() -> None:
        lab.world.faults.add(kind=loss, nth=1)
        lab.before_first(lambda request: request.method == "GET", remove)

    def remove() -> None:
        homes = lab.world.azure.collections
        for key in [key for key, home in homes.items() if home.name == HOME]:
            del homes[key]

    lab.before_first(lab.a_write(), lose)
    result = collection(lab, tags={"a": "b"})
    assert code(result) in ("outcome_unknown", "not_proven")
    assert result["error"]["retry"] == "after_reading"
    assert not any(home.name == HOME for home in lab.world.azure.collections.values())
