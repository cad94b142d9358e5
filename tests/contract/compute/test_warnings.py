# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What results and errors on Azure say: ARM's details whole, nothing denied, nothing invented."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import checkpoint, collection, done, failed, make_lab, point, restore

BUSY: dict[str, Any] = {
    "code": "AnotherOperationInProgress",
    "message": "Wait.",
    "details": [{"code": "Inner", "message": "really"}],
}


@pytest.mark.parametrize("run", [checkpoint, point], ids=["vm_checkpoint", "restore_point"])
@pytest.mark.parametrize(("status", "error"), [(409, "locked"), (503, "outcome_unknown")])
def test_details_are_kept_whatever_comes_of_an_answer(run: Any, status: int, error: str) -> None:
    lab = make_lab()
    body = {"error": {**BUSY, "code": BUSY["code"] if status == 409 else "ServerBusy"}}
    lab.world.faults.add(kind="status", status=status, method="PUT", body=body, count=None)
    result = run(lab, name="x", wait_timeout="60s", settle_time="5s")
    failed(result, error)
    assert result["error"]["details"]["details"] == BUSY["details"]


def test_what_was_changed_before_a_lock_is_not_denied_after_it() -> None:
    lab = make_lab(point=False)
    lab.world.faults.add(kind="status", status=409, method="PUT", path="/restorePoints/", body={"error": BUSY})

    def watch() -> None:
        for disk in lab.world.azure.disks.values():
            disk.max_shares = 2

    lab.before_each(lambda request: request.method == "PUT" and "/restorePoints/" in request.url.path, watch)
    result = checkpoint(lab, name="x")
    assert "Nothing was changed" not in failed(result, "vm_state")
    assert result["changed"] is True


def test_a_host_that_cannot_be_reached_is_named() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", exception="ConnectError", path="/start", count=None)
    assert failed(restore(lab), "unreachable").startswith("arm https://")


def test_points_bear_no_mark_and_are_managed_by_their_collection() -> None:
    lab = make_lab()
    shown = done(checkpoint(lab, name="before"))["checkpoint"]
    assert (shown["mark"], shown["managed"]) == (None, True)


def test_check_mode_foresees_whether_a_point_will_be_managed() -> None:
    lab = make_lab(point=False)
    done(collection(lab, name="mine", source=lab.azure_vm))
    for home, managed in (("mine", False), (None, True)):
        options = {"name": "x", "collection": home}
        shown = [done(checkpoint(lab, check=check, **options))["checkpoint"]["managed"] for check in (True, False)]
        assert shown == [managed, managed]
