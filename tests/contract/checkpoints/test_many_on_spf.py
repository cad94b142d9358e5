# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How SPF is read: a VM with its checkpoints in one request, hundreds of VMs in two lists, and servers that do less."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result

MANY = 40


def _lab(count: int = MANY, **switches: Any) -> tuple[Lab, list[str]]:
    lab = Lab(**switches)
    lab.world.populate(spf=count)
    return lab, [f"spf{number:03}" for number in range(1, count + 1)]


def _asked(lab: Lab, part: str) -> int:
    return sum(part in str(request.url) for request in lab.requests)


def _baselines(result: Result) -> list[str]:
    return [str(each["name"]) for each in result["checkpoints"]]


@pytest.mark.parametrize("position", ["works", "ignored", "empty", "400", "404", "500", "501"])
def test_a_vm_and_its_checkpoints(position: str) -> None:
    """Whatever becomes of $expand, the checkpoints are found, and asked for in vain only once."""
    lab, vms = _lab(3, spf_expand=position)
    result = lab.run("vm_checkpoint_info", vms=vms)
    assert (code(result), _baselines(result)) == (None, ["baseline"] * 3)
    refused = [each for each in lab.world.journal.entries if each.status == int(position)] if position.isdigit() else []
    retried = position == "500"  # repeated for a while: SPF answers it to much
    assert retried or len(refused) == (1 if position.isdigit() else 0)
    asked_again = _asked(lab, "VMCheckPoints?")
    assert asked_again == (0 if position == "works" else 3)


def test_no_checkpoints_are_proven_by_their_own_list() -> None:
    lab, (vm, *_others) = _lab(2)
    lab.world.vm(vm).checkpoints.clear()
    lab.world.vm(vm).pointer = lab.world.vm(vm).vm_id
    result = lab.run("vm_checkpoint_info", vm=vm)
    assert (code(result), result["checkpoints"]) == (None, [])
    assert _asked(lab, "VMCheckPoints?") == 1


def test_checkpoints_that_do_not_all_come_along_are_listed() -> None:
    lab, (vm, *_others) = _lab(2)

    lab.world.faults.add(
        kind="replace",
        path="expand=VMCheckpoints",
        body={"value": [{**_machine(lab, vm), "VMCheckpoints": [], "VMCheckpoints@odata.nextLink": "VMCheckPoints?x"}]},
    )
    result = lab.run("vm_checkpoint_info", vm=vm)
    assert _baselines(result) == ["baseline"]


def _machine(lab: Lab, name: str) -> dict[str, Any]:
    vm = lab.world.vm(name)
    return {"ID": vm.id, "VMId": vm.vm_id, "Name": vm.name, "StampId": lab.world.spf.stamp_id, "Status": "Running"}


def test_many_are_planned_by_two_lists() -> None:
    lab, vms = _lab()
    result = lab.run("vm_checkpoint", check=True, vms=vms, name="new")
    assert (code(result), {each["status"] for each in result["vms"]}) == (None, {"changed"})
    assert len(lab.requests) == 3, "the first VM alone, then two lists"
    assert [each["checkpoint"]["name"] for each in result["vms"]] == ["new"] * MANY


@pytest.mark.parametrize("switches", [{"spf_select": "400"}, {"spf_paging": "relative", "spf_page_size": 1}])
def test_a_server_that_lists_no_better_is_asked_for_each(switches: dict[str, Any]) -> None:
    lab, vms = _lab(**switches)
    result = lab.run("vm_checkpoint", check=True, vms=vms, name="new")
    assert (code(result), {each["status"] for each in result["vms"]}) == (None, {"changed"})
    assert len(lab.requests) <= 2 * MANY + 1


def test_each_is_read_again_before_its_write() -> None:
    """A list is no ground for a write: somebody has made the checkpoint meanwhile."""
    lab, vms = _lab()
    made = []

    def meanwhile() -> None:
        for vm in vms[5:]:
            made.append(vm)
            lab.world.spf.vmm.create_checkpoint(lab.world.vm(vm), "new", "")

    lab.before_first(lambda request: request.method == "POST", meanwhile)
    result = lab.run("vm_checkpoint", vms=vms, name="new", concurrency=1, wait_timeout="1h")
    assert code(result) is None
    assert len(made) == MANY - 5
    assert [each["status"] for each in result["vms"]].count("changed") == 5
    assert all(lab.names(vm).count("new") == 1 for vm in vms)


@pytest.mark.parametrize("group", [None, {"on_failure": "undo"}], ids=["many", "a group"])
def test_each_is_read_again_before_its_write_however_young_the_list_is(group: dict[str, Any] | None) -> None:
    lab, vms = _lab(create_takes="0s")
    assert code(lab.run("vm_checkpoint", vms=vms, name="new", concurrency=MANY, group=group)) is None
    for vm in vms[1:]:
        own = [each for each in lab.requests if lab.world.vm(vm).id in f"{each.url} {each.content.decode()}"]
        assert own[0].method == "GET", vm


def test_a_vm_that_goes_before_its_turn() -> None:
    lab, vms = _lab()

    def remove() -> None:
        lab.world.spf.vmm.remove(lab.world.vm(vms[7]))

    lab.before_first(lambda request: request.method == "POST", remove)
    result = lab.run("vm_checkpoint", vms=vms, name="new", concurrency=1, wait_timeout="1h")
    assert code(result) == "some_failed"
    assert result["vms"][7]["error"]["code"] == "not_found"
    assert [each["status"] for each in result["vms"]].count("changed") == MANY - 1


def test_names_that_are_not_unique_are_found_in_the_list() -> None:
    lab, vms = _lab()
    lab.world.vm("spf030").name = "spf031"
    result = lab.run("vm_checkpoint", vms=[vm for vm in vms if vm != "spf030"], name="new")
    assert code(result) == "ambiguous"
    assert lab.writes() == 0


@pytest.mark.parametrize("way", ["id", "vm_id"])
def test_vms_by_their_ids(way: str) -> None:
    lab, vms = _lab()
    ids = [getattr(lab.world.vm(vm), way) for vm in vms]
    result = lab.run("vm_checkpoint", check=True, vms=ids, name="new")
    assert [each["vm_id"] for each in result["vms"]] == [lab.world.vm(vm).id for vm in vms]
    assert len(lab.requests) <= 4


def test_what_nobody_has_heard_of_is_asked_for_by_itself() -> None:
    lab, vms = _lab()
    result = lab.run("vm_checkpoint", vms=[*vms, "nobody"], name="new")
    assert (code(result), lab.writes()) == ("not_found", 0)


def test_who_may_not_see_the_checkpoints_of_one_vm_is_refused_for_that_one() -> None:
    lab, vms = _lab(3)
    of_one = lab.world.vm(vms[1]).id
    lab.world.faults.add(kind="status", status=403, path=f"{vms[1]}.*VMCheckpoints|VMCheckPoints.*{of_one}", count=None)
    result = lab.run("vm_checkpoint", check=True, vms=vms, name="new")
    assert code(result) == "some_failed"
    assert [each["status"] for each in result["vms"]] == ["changed", "failed", "changed"]
    assert result["vms"][1]["error"]["code"] == "forbidden"


@pytest.mark.slow
@pytest.mark.parametrize("position", ["400", "501", "works", "first", "ignored"])
def test_many_jobs_are_followed_by_one_query_where_spf_can(position: str) -> None:
    """Whatever it does with `or`, every VM ends right; a server that cannot is found out and asked for each alone."""
    lab, vms = _lab(30, spf_filter_or=position, create_takes="60s")
    lab.fail_next("spf", "create", vm=vms[7])
    result = lab.run("vm_checkpoint", vms=vms, name="new", concurrency=30, on_error="continue")
    failed = [each["vm"] for each in result["vms"] if each["status"] == "failed"]
    assert (code(result), failed) == ("some_failed", [vms[7]])
    assert all(("new" in lab.names(vm)) is (vm != vms[7]) for vm in vms)
    looks, together = _asked(lab, "/Jobs?"), _asked(lab, "%20or%20")
    if position in ("works", "ignored"):
        assert looks <= 70, "one for each at first, then two for all at a time"
    else:
        assert (looks > 400, together <= 3) == (True, True)
