# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Azure VM with an OS disk and a data disk, a restore point of it, and guests that were broken since."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import httpx
import pytest

from simulator.azure.jobs import PlannedEnd, Refused
from simulator.azure.model import AzureVm, Point
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result
from tests.support.wire import Killed

QUICK = {
    "compute_point_takes": "1s",
    "compute_point_delete_takes": "1s",
    "compute_vm_takes": "1s",
    "compute_vm_power_takes": "1s",
}
HOME = "checkpoints-shop01"
GOOD = {"os": {"/etc/shop.conf": "version = 1\n"}, "0": {"/data/orders": "1 2 3\n"}}
BROKEN = {"os": {"/etc/shop.conf": "broken\n"}, "0": {"/data/orders": "broken\n"}}
DOCUMENT: dict[str, Any] = {
    "vms": [
        {
            "name": "shop01",
            "zones": ["1"],
            "os_disk": {"files": GOOD["os"], "caching": "ReadOnly", "delete_option": "Detach"},
            "data_disks": [{"lun": 0, "size_gb": 64, "files": GOOD["0"], "sku": "StandardSSD_LRS"}],
        },
        {"name": "shop02", "os_disk": {"files": {"/etc/shop.conf": "version = 1\n"}}},
    ],
    "collections": [
        {"name": HOME, "source": "shop01", "tags": {"hybridvm-checkpoints": "managed"}, "points": [{"name": "before"}]}
    ],
}


def document(**of_vm: Any) -> dict[str, Any]:
    """The world's document; `of_vm` are members of shop01."""
    made = deepcopy(DOCUMENT)
    made["vms"][0] |= of_vm
    return made


def make_lab(compute: dict[str, Any] | None = None, *, point: bool = True, **switches: Any) -> Lab:
    """A fresh world. With `point` the point "before" holds the good guests, and the guests are broken now."""
    given = deepcopy(compute or DOCUMENT)
    if not point:
        given.pop("collections", None)
    lab = Lab({"compute": given}, **{**QUICK, **switches})
    if point:
        spoil(lab)
    return lab


def spoil(lab: Lab) -> None:
    """Whatever the guests have on their disks now is broken."""
    for held in azure_vm(lab).attachments():
        place = "os" if held.lun is None else str(held.lun)
        files = lab.world.azure.files(azure_vm(lab), place)
        files.update(dict.fromkeys(files, "broken\n"))


def azure_vm(lab: Lab, name: str = "shop01") -> AzureVm:
    """The VM as the world has it."""
    return lab.world.azure.named(name)


def guest(lab: Lab) -> dict[str, dict[str, str]]:
    """What the guest finds on each of its disks."""
    vm = azure_vm(lab)
    places = ["os" if held.lun is None else str(held.lun) for held in vm.attachments()]
    return {place: dict(lab.world.azure.files(vm, place)) for place in places}


def points(lab: Lab, collection: str = HOME) -> list[Point]:
    """The restore points in a collection."""
    lab.world.settle()
    found = next((each for each in lab.world.azure.collections.values() if each.name == collection), None)
    return list(found.points) if found else []


def names(lab: Lab, collection: str = HOME) -> list[str]:
    """Their names."""
    return [point.name for point in points(lab, collection)]


def disks(lab: Lab) -> set[str]:
    """The names of all managed disks there are."""
    lab.world.settle()
    return {disk.name for disk in lab.world.azure.disks.values()}


def restore(lab: Lab, *, check: bool = False, **options: Any) -> Result:
    """vm_checkpoint_restore of shop01 to "before", unless asked otherwise."""
    return lab.run("vm_checkpoint_restore", check=check, **{"vm": lab.azure_vm, "name": "before", **options})


def checkpoint(lab: Lab, *, check: bool = False, **options: Any) -> Result:
    """vm_checkpoint of shop01."""
    return lab.run("vm_checkpoint", check=check, **{"vm": lab.azure_vm, **options})


def done(result: Result) -> Result:
    """The result, which is no failure."""
    assert code(result) is None, result["msg"]
    return result


def failed(result: Result, wanted: str) -> str:
    """The whole message of a failure of that code, remedy included."""
    assert code(result) == wanted, result.get("msg")
    return f"{result['error']['message']} {result['error']['remedy']}"


def verbs(result: Result) -> list[str]:
    """The plan in short: a step's own words, else the action."""
    return [str(action.get("step") or action["action"]) for action in result["plan"]["actions"]]


def steps_of(requests: list[httpx.Request]) -> list[tuple[str, str]]:
    """Method and last part of the path of each request."""
    return [(request.method, request.url.path.rsplit("/", 1)[-1]) for request in requests]


def fail_next(
    lab: Lab, kind: str, name: str | None = None, code: str = "InternalExecutionError", *, status: int | None = None
) -> None:
    """Let the next operation of a kind fail; with `status` it is refused at once."""
    lab.world.azure.planned.append(PlannedEnd(kind, name, Refused(409, code), status))


def kill_at(lab: Lab, number: int, when: str) -> None:
    """End the client before its write `number` leaves (`watch`), or when the answer to it comes (`heard`)."""

    def strike(request: httpx.Request) -> None:
        if len(lab.sent()) == number and request is lab.sent()[-1]:
            raise Killed

    setattr(lab, when, strike)


def revive(lab: Lab) -> None:
    """Nobody ends the client any more."""
    lab.undisturbed()


def killed(lab: Lab, number: int, when: str, **options: Any) -> None:
    """A restore that is ended at its write `number`."""
    kill_at(lab, number, when)
    with pytest.raises(Killed):
        restore(lab, **options)
    revive(lab)


def jobs(lab: Lab, kind: str) -> int:
    """How many operations of a kind the service has taken."""
    return sum(job.kind == kind for job in lab.world.azure.jobs.values())


def collection(lab: Lab, *, check: bool = False, **options: Any) -> Result:
    """restore_point_collection: shop01's, unless asked otherwise."""
    given = {"name": HOME, "resource_group": "rg-shop", **options}
    return lab.run("restore_point_collection", check=check, **given)


def point(lab: Lab, *, check: bool = False, **options: Any) -> Result:
    """restore_point "new" in shop01's collection, unless asked otherwise."""
    given = {"name": "new", "collection": HOME, "resource_group": "rg-shop", **options}
    return lab.run("restore_point", check=check, **given)


def bodies(lab: Lab, method: str = "PUT", path: str = "") -> list[Any]:
    """What was sent, as JSON."""
    return [json.loads(request.content) for request in lab.sent(method, path=path)]
