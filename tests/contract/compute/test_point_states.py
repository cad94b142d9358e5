# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a restore point beside the usual ones: one that was canceled has failed, and one untold is in order."""

from __future__ import annotations

import httpx

from tests.contract.compute.shop import HOME, bench, checkpoint, done, failed, names, point, points, verbs


def test_a_point_that_was_canceled_is_made_anew() -> None:
    made = bench()
    points(made)[0].state = "Canceled"
    shown = done(made.run("restore_point_collection_info", name=HOME, resource_group="rg-shop"))
    assert shown["restore_point_collections"][0]["restore_points"][0]["usable"] is False
    result = done(point(made, name="before"))
    assert (verbs(result), names(made)) == (["delete", "create"], ["before"])
    assert result["plan"]["actions"][0]["reason"] == "it was canceled"
    assert result["restore_point"]["provisioning_state"] == "Succeeded"


def test_a_point_that_is_canceled_while_its_data_is_awaited() -> None:
    made = bench(compute_hydration_takes="600s")

    def watch(_request: httpx.Request) -> None:
        new = points(made)[-1]
        if new.name == "new" and made.clock() - new.created > 20:
            new.state = "Canceled"

    made.watch = watch
    assert "it was made, and it was canceled" in failed(point(made), "operation_failed")
    assert made.seconds < 60


def test_a_point_that_does_not_tell_its_state_is_as_it_should_be() -> None:
    """As a collection is: the published type of provisioningState is an optional text in both."""
    made = bench()
    points(made)[0].state = ""
    result = done(point(made, name="before", wait_timeout="60s"))
    assert (result["changed"], made.seconds, result["restore_point"]["usable"]) == (False, 0.0, True)
    shown = done(checkpoint(made, name="before"))
    assert (shown["changed"], shown["checkpoint"]["usable"]) == (False, True)
