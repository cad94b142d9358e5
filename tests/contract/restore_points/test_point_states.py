# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a restore point beside the usual ones: a canceled one has failed, and one without a state is in order."""

from __future__ import annotations

import httpx

from tests.contract.compute.azure_harness import HOME, checkpoint, done, failed, make_lab, names, point, points, verbs


def test_a_point_that_was_canceled_is_made_anew() -> None:
    lab = make_lab()
    points(lab)[0].state = "Canceled"
    shown = done(lab.run("restore_point_collection_info", name=HOME, resource_group="rg-shop"))
    assert shown["restore_point_collections"][0]["restore_points"][0]["usable"] is False
    result = done(point(lab, name="before"))
    assert (verbs(result), names(lab)) == (["delete", "create"], ["before"])
    assert result["plan"]["actions"][0]["reason"] == "it was canceled"
    assert result["restore_point"]["provisioning_state"] == "Succeeded"


def test_a_point_that_is_canceled_while_its_data_is_awaited() -> None:
    lab = make_lab(compute_hydration_takes="600s")

    def watch(_request: httpx.Request) -> None:
        new = points(lab)[-1]
        if new.name == "new" and lab.clock() - new.created > 20:
            new.state = "Canceled"

    lab.watch = watch
    assert "it was made, and it was canceled" in failed(point(lab), "operation_failed")
    assert lab.seconds < 60


def test_a_point_that_does_not_tell_its_state_is_as_it_should_be() -> None:
    """As a collection is: the published type of provisioningState is an optional text in both."""
    lab = make_lab()
    points(lab)[0].state = ""
    result = done(point(lab, name="before", wait_timeout="60s"))
    assert (result["changed"], lab.seconds, result["restore_point"]["usable"]) == (False, 0.0, True)
    shown = done(checkpoint(lab, name="before"))
    assert (shown["changed"], shown["checkpoint"]["usable"]) == (False, True)
