# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A 404 that is not the resource manager's word for the very thing proves nothing, and leads to no write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import HOME, checkpoint, collection, done, make_lab, names, point, restore
from tests.support.lab import Lab, Result

OTHER = "/subscriptions/1/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/other"
ELSEWHERE = (
    "The Resource 'Microsoft.Compute/restorePointCollections/checkpoints-shop01' under resource group 'rg-elsewhere' "
    "was not found."
)


def _error(code: str, message: str = "it was not found.") -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{code}: {message}"}}


FOREIGN: dict[str, Any] = {
    "a page": "<!DOCTYPE html><title>404 - File or directory not found.</title>",
    "nothing": "",
    "the subscription": _error("SubscriptionNotFound"),
    "the type": _error("InvalidResourceType"),
    "an unknown code": _error("EndpointNotFound"),
    "no code": {"message": "Not Found"},
    "the group, which was just read": _error("ResourceGroupNotFound"),
    "the id of another thing": _error("NotFound", f"Resource {OTHER} is not found."),
    "the same name in another group": _error("ResourceNotFound", ELSEWHERE),
    "another parent": _error("ParentResourceNotFound", "Parent resource 'somethingelse' not found."),
}


def _info(lab: Lab) -> Result:
    return lab.run("vm_checkpoint_info", vm=lab.azure_vm)


@pytest.mark.parametrize("often", [1, 2, None])
@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("task", ["checkpoint", "absent", "info", "point", "point absent", "restore"])
def test_it_is_an_error_and_nothing_is_written(task: str, body: Any, often: int | None) -> None:
    if task == "point absent" and body == FOREIGN["the group, which was just read"]:
        return  # it reads nothing else of the group: of one that nobody has seen it is the service's word
    lab = make_lab()
    tags = dict(lab.world.azure.collections[next(iter(lab.world.azure.collections))].tags)
    lab.world.faults.add(
        kind="status", status=404, body=body, method="GET", path="restorePointCollections", count=often
    )
    given: dict[str, Callable[[], Result]] = {
        "checkpoint": lambda: checkpoint(lab, name="new"),
        "absent": lambda: checkpoint(lab, name="before", state="absent"),
        "info": lambda: _info(lab),
        "point": lambda: point(lab),
        "point absent": lambda: point(lab, name="before", state="absent"),
        "restore": lambda: restore(lab),
    }
    result = given[task]()
    assert (code(result) in ("bad_answer", "not_found"), result["changed"]) == (True, False), result.get("msg")
    assert lab.sent() == []
    assert names(lab) == ["before"]
    assert lab.world.azure.collections[next(iter(lab.world.azure.collections))].tags == tags


@pytest.mark.parametrize("often", [1, 2, None])
@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "the group, which was just read"])
def test_a_collection_that_may_exist_is_not_put_again(name: str, often: int | None) -> None:
    lab = make_lab()
    lab.world.faults.add(
        kind="status", status=404, body=FOREIGN[name], method="GET", path="restorePointCollections", count=often
    )
    for options in ({"source": lab.azure_vm}, {"state": "absent", "force": True}):
        assert code(collection(lab, **options)) in ("bad_answer", None)
        assert not lab.sent("PUT", path=HOME)
        assert not [request for request in lab.sent("DELETE") if often is None]


@pytest.mark.parametrize("task", ["checkpoint", "collection"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_collection_that_was_there_all_the_same_is_told(task: str, exists: bool) -> None:
    lab = make_lab(point=exists)
    body = _error("ResourceNotFound")
    lab.world.faults.add(kind="status", status=404, body=body, method="GET", path="restorePointCollections/", count=2)
    result = done(checkpoint(lab, name="new") if task == "checkpoint" else collection(lab, source=lab.azure_vm))
    (sent,) = lab.sent("PUT", path=f"/{HOME}")[:1]
    assert sent.url.path.endswith(f"/{HOME}")
    told = [text for text in result["warnings"] if f"collection {HOME} existed" in text and "tags" in text]
    assert len(told) == exists


@pytest.mark.parametrize("said", ["ResourceNotFound", "NotFound", "ParentResourceNotFound"])
def test_the_resource_manager_s_own_word_for_it_is_the_proof(said: str) -> None:
    lab = make_lab(point=False)
    body = _error(said)
    lab.world.faults.add(kind="status", status=404, body=body, method="GET", path="restorePointCollections")
    assert checkpoint(lab, name="new", check=True)["changed"] is True


def test_a_group_that_nobody_has_seen_may_be_missing() -> None:
    lab = make_lab()
    result = lab.run("restore_point_collection", name="c", resource_group="nowhere", state="absent")
    assert (code(result), result["changed"]) == (None, False)
