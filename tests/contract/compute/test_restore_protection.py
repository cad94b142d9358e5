# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore never makes a disk without what protects the old one because a reading did not show that one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    azure_vm,
    bodies,
    done,
    failed,
    guest,
    make_lab,
    restore,
)
from tests.support.lab import Lab
from tests.support.wire import Changed

PROTECTION = {
    "networkAccessPolicy": "DenyAll",
    "publicNetworkAccess": "Disabled",
    "dataAccessAuthMode": "AzureActiveDirectory",
}
KEYS = "/subscriptions/{}/resourceGroups/rg-shop/providers/Microsoft.Compute/diskEncryptionSets/des1"
LISTED = r"/resourceGroups/[^/]+/providers/Microsoft.Compute/disks\?"
DENIED = {"error": {"code": "AuthorizationFailed", "message": "no right to list disks"}}


def _make_lab() -> Lab:
    lab = make_lab()
    for disk in lab.world.azure.disks.values():
        disk.tags = {"owner": "ops"}
        disk.extra |= PROTECTION
        subscription = lab.world.arc.subscription_id
        disk.encryption = {
            "type": "EncryptionAtRestWithCustomerKey",
            "diskEncryptionSetId": KEYS.format(subscription),
        }
    return lab


def _is_protected(body: dict[str, Any]) -> bool:
    properties = body["properties"]
    key = str(properties["encryption"]["diskEncryptionSetId"])
    return "owner" in body["tags"] and PROTECTION.items() <= properties.items() and key.endswith("/des1")


def _made(lab: Lab) -> list[bool]:
    """Of each disk that was sent, whether it is protected as the old one was."""
    return [_is_protected(body) for body in bodies(lab, "PUT", "/disks/")]


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(1, 13))
def test_a_list_that_is_denied_once(nth: int) -> None:
    lab = _make_lab()
    lab.world.faults.add(kind="status", status=403, body=DENIED, method="GET", path=LISTED, nth=nth)
    result = restore(lab)
    assert all(_made(lab))
    if result.get("error"):
        assert result["error"]["code"] in ("forbidden", "outcome_unknown")
        assert "no right to list disks" in result["error"]["message"]
    done(restore(lab))
    assert (guest(lab), azure_vm(lab).power, all(_made(lab))) == (GOOD, "running", True)


def test_before_the_swap_a_denied_list_says_nothing_of_the_disks() -> None:
    lab = _make_lab()

    def deny() -> None:
        lab.world.faults.add(kind="status", status=403, body=DENIED, method="GET", path=LISTED)

    lab.before_first(lambda request: "/deallocate" in request.url.path, deny)
    message = failed(restore(lab), "outcome_unknown")
    assert ("no right to list disks" in message, "gone" in message, "it ran when" in message) == (True, False, True)
    done(restore(lab))
    assert (guest(lab), azure_vm(lab).power) == (GOOD, "running")


def _omit(lab: Lab, name: str, nth: int | None) -> None:
    """Let the lists of disks, or the nth of them, be without the disk of that name."""
    seen: list[int] = []

    def change(body: dict[str, Any]) -> None:
        if "value" not in body:
            return
        seen.append(1)
        if nth is None or len(seen) == nth:
            body["value"] = [row for row in body["value"] if row["name"] != name]

    lab.through = lambda wire: Changed(wire, "/providers/Microsoft.Compute/disks", change)


@pytest.mark.parametrize("nth", [1, 2, 3, 4, None])
@pytest.mark.parametrize("name", ["shop01_OsDisk", "shop01_DataDisk_0"])
def test_a_list_that_leaves_out_a_disk_of_the_vm(name: str, nth: int | None) -> None:
    lab = _make_lab()
    assert name in {disk.name for disk in lab.world.azure.disks.values()}
    _omit(lab, name, nth)
    result = done(restore(lab))
    assert not [text for text in result["warnings"] if "is gone" in text]
    assert _made(lab) == [True, True]


def test_a_disk_that_the_vm_shows_and_nothing_else_does() -> None:
    lab = _make_lab()
    _omit(lab, "shop01_OsDisk", None)
    gone = {"error": {"code": "ResourceNotFound", "message": "it was not found."}}
    lab.world.faults.add(kind="status", status=404, body=gone, method="GET", path="/disks/shop01_OsDisk", count=None)
    for check in (True, False):
        assert "shop01_OsDisk" in failed(restore(lab, check=check), "bad_answer")
    assert lab.sent() == []


def test_a_disk_that_is_left_out_and_may_not_be_read() -> None:
    lab = _make_lab()
    _omit(lab, "shop01_OsDisk", None)
    lab.world.faults.add(kind="status", status=403, method="GET", path="/disks/shop01_OsDisk", count=None)
    failed(restore(lab, check=True), "forbidden")


def test_no_disk_is_read_by_itself_where_the_list_is_complete() -> None:
    lab = _make_lab()
    done(restore(lab))

    def by_id(request: httpx.Request) -> bool:
        return request.method == "GET" and "/disks/" in request.url.path.lower()

    assert not [request for request in lab.requests if by_id(request) and "_OsDisk" in request.url.path]
