# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RETURN sections against real results, in both directions: what is returned is documented, and the reverse."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .support import COLLECTION, MODULES, Ansible, Run, Simulator, documented, play, prepare

ANSIBLES_OWN = {"changed", "failed", "msg", "warnings", "diff", "invocation", "exception", "deprecations"}
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list,),
}
# The documentation's debts: each is a line that is missing there. One that has been paid must be taken away.
# A policy returns the checkpoint that it has made; it pins none.
DEBTS = {"vm_checkpoint_policy: checkpoint.pin_until is null in every result"}
POLICY: dict[str, Any] = {"prefix": "policy", "max_age": "1h", "keep": {"last": 1}}
HOUR = 3600  # of simulated time: nothing that takes so long ends before the clock is put forward
# Conditions under which a key may be missing from a failure only; in a success it is there.
COULD = {
    "when the task could start",
    "when the VM could be read",
    "when the resource could be read",
    "when it could be read",
}
REQUEST_IDS = {
    "x-ms-request-id": "c0ffee00-0000-4000-8000-000000000001",
    "x-ms-correlation-request-id": "c0ffee00-0000-4000-8000-000000000002",
}
FORBIDDEN = {"error": {"code": "AuthorizationFailed", "message": "The client does not have authorization."}}


def _task(module: str, check: bool = False, **options: Any) -> dict[str, Any]:
    name = f"{module} {options}"
    return {"name": name, f"{COLLECTION}.{module}": options, "ignore_errors": True, "check_mode": check}


@pytest.fixture
def results(ansible: Ansible, simulator: Simulator) -> dict[str, list[dict[str, Any]]]:
    """Successes, failures and many VMs of every module; two of them meet somebody who makes the same checkpoint."""
    app01, app02 = simulator.arm_vm("app01"), simulator.arm_vm("app02")
    forbidden = {"kind": "status", "status": 403, "path": "machines/app02", "count": None, "body": FORBIDDEN}
    forbidden["headers"] = REQUEST_IDS
    unreadable = {"kind": "status", "status": 403, "path": f"VMCheckPoints.*{simulator.vm('db01')['id']}", "count": 1}
    first = [
        _task("vm_checkpoint", True, vm="web01", name="one"),
        _task("vm_checkpoint", vms=["web01", app01], name="one", description="first"),
        _task("vm_checkpoint", vms=["web01", app01], name="one", description="second"),
        _task("vm_checkpoint", vm=app01, name="one", description="third"),
        prepare(
            ["POST", "/failures", {"service": "spf", "kind": "create", "count": 3}],
            ["POST", "/failures", {"service": "scvmm", "kind": "restore", "count": 2}],
        ),
        _task("vm_checkpoint", vms=["web01", "db01"], name="two"),
        _task("vm_checkpoint", vm="web01", name="two"),
        _task("vm_checkpoint", vm="web99", name="one"),
        _task("vm_checkpoint_restore", vm="web01", name="one", safety_checkpoint=True, restore_key="job"),
        _task("vm_checkpoint_restore", vms=["web01", app01], name="one"),
        _task("vm_checkpoint_restore", True, vm="web01", name="one", if_running="stop", power_after="on"),
        _task("vm_checkpoint", True, vm="web01", name="one", state="absent"),
        _task("vm_checkpoint_restore", vm=app01, name="one"),
        _task("vm_checkpoint_restore", vm=app01, name="nothing"),
        _task("vm_checkpoint", vm="web01", name="kept", pin=True, pin_until="2099-01-01T00:00:00Z"),
        _task("vm_checkpoint_restore", vm="web01", name="kept"),
        _task("vm_checkpoint_info", vms=["web01", app01]),
        _task("vm_checkpoint_policy", vms=["web01", app01], **POLICY),
        _task("vm_checkpoint_policy", True, vm="web01", **POLICY, pins=["gone"]),
        prepare(["POST", "/failures", {"service": "spf", "kind": "create", "count": 2}]),
        _task("vm_checkpoint_policy", vm="db01", **POLICY),
        _task("vm_checkpoint_policy", vms=["db01"], **POLICY),
        prepare(["POST", "/faults", {"faults": [forbidden, unreadable]}]),
        _task("vm_checkpoint_info", vms=["web01", "db01"]),
        _task("vm_checkpoint", vm=app02, name="one"),
        _task("vm_checkpoint_restore", vm=app02, name="one"),
        _task("vm_checkpoint_policy", vm=app02, **POLICY),
        _task("vm_checkpoint_info", vm=app02),
        prepare(["POST", "/switches", {"create_takes": f"{HOUR}s"}], ["DELETE", "/counters"]),
        _task("vm_checkpoint", vm="db01", name="twin"),
        prepare(["DELETE", "/counters"]),
        _task("vm_checkpoint_policy", vm="db01", prefix="twins", name_template="{prefix}", max_age="1s"),
        prepare(["DELETE", "/counters"]),
        _task("vm_checkpoint_restore", vm="db01", name="baseline", safety_checkpoint=True),
        *_azure(simulator),
        # Last, because nobody reads what the play says before the two have met, and a pipe holds only so much.
        *_groups(app01),
    ]
    process = ansible.start([play("All kinds", first, simulator.environment)])
    for name in ("twin", "twins", "safety before restore to baseline"):
        _meet(simulator, name)
    run = ansible.collect(process)
    assert run.code == 0, run.stdout + run.stderr
    return {module: _results(run, module) for module in MODULES}


def _groups(app01: str) -> list[dict[str, Any]]:
    """Groups that succeed, that fail and are undone but for one VM, and that leave an open question."""
    lost = {"kind": "lose_request", "method": "POST", "path": "VMCheckPoints|createCheckpoint", "count": 1}
    undo = {"on_failure": "undo"}
    return [
        prepare(["POST", "/switches", {"create_takes": "3s"}]),
        _task("vm_checkpoint", True, vms=["web01", app01], name="grouped", group=undo),
        prepare(
            ["POST", "/failures", {"service": "scvmm", "kind": "create"}],
            ["POST", "/failures", {"service": "spf", "kind": "delete"}],
        ),
        _task("vm_checkpoint", vms=["web01", "db01", app01], name="grouped", group=undo),
        prepare(["POST", "/faults", lost]),
        _task("vm_checkpoint", vms=["web01", app01], name="lost", group=undo, settle_time="2s"),
        _task("vm_checkpoint_restore", vms=["web01", app01], name="one", safety_checkpoint=True, group={}),
        prepare(["POST", "/faults", lost]),
        _task("vm_checkpoint_restore", vms=["web01"], name="one", safety_checkpoint=True, group={}, settle_time="2s"),
    ]


def _azure(simulator: Simulator) -> list[dict[str, Any]]:
    """The same on an Azure VM, and what the modules for Azure alone return: points, a copy, drift and refusals."""
    vm, points = simulator.azure("virtualMachines", "shop01"), simulator.azure("restorePointCollections", "points")
    old = simulator.azure("disks", "shop01_OsDisk")
    copies: dict[str, Any] = {"name": "copies", "source": points, "location": "northeurope"}
    point: dict[str, Any] = {"name": "one", "collection": points}
    refused = {"kind": "status", "status": 403, "path": "restorePointCollections/refused", "count": None}
    refused |= {"headers": REQUEST_IDS, "body": FORBIDDEN}
    at_refused: dict[str, Any] = {"name": "refused", "resource_group": "rg-shop"}
    return [
        prepare(["POST", "/faults", refused]),
        _task(
            "restore_point_collection",
            name="points",
            resource_group="rg-shop",
            source=vm,
            instant_access=True,
            compute_api_version="2025-04-01",
        ),
        _task("restore_point_collection", resource_group="rg-shop", **copies),
        _task("restore_point", **point, exclude_disks=["lun0"]),
        _task("restore_point", **point, exclude_disks=[]),
        _task("restore_point", name="one", collection="copies", resource_group="rg-shop", source_restore_point="one"),
        prepare(["POST", "/failures", {"service": "compute", "kind": "point"}]),
        _task("restore_point", name="two", collection=points),
        _task(
            "restore_point",
            name="three",
            collection=points,
            instant_access_duration=60,
            compute_api_version="2025-04-01",
        ),
        _task("restore_point", name="two", collection=points, state="absent"),
        _task("restore_point", name="two", collection=at_refused["name"], resource_group="rg-shop"),
        _task("restore_point_collection", **at_refused),
        _task(
            "restore_point_collection_info",
            resource_group="rg-shop",
            instance_view=True,
            disk_restore_points=True,
            compute_api_version="2025-04-01",
        ),
        _task("restore_point_collection_info", **at_refused),
        prepare(
            ["POST", "/failures", {"service": "compute", "kind": "collection_delete"}],
            ["POST", "/clock", {"advance": 3600}],
        ),
        _task("restore_point_collection", name="points", resource_group="rg-shop", state="absent", force=True),
        _task("vm_checkpoint", vm=vm, name="one", description="one"),
        _task("vm_checkpoint_restore", vm=vm, name="one"),
        _task("vm_checkpoint_info", vm=vm),
        prepare(["POST", "/failures", {"service": "compute", "kind": "point"}]),
        _task("vm_checkpoint", vm=vm, name="two"),
        _task("vm_checkpoint_info", vm=vm, leftovers=True),
        _task("vm_checkpoint_policy", vm=vm, collection="policies", **POLICY),
        prepare(
            ["POST", "/faults", {**refused, "path": "disks/refused"}],
            ["POST", "/failures", {"service": "compute", "kind": "disk_delete"}],
        ),
        _task("leftover_disk", True, vm=vm, ids=[old], state="absent"),
        _task("leftover_disk", vm=vm, ids=[old], state="absent"),
        _task("leftover_disk", vm=vm, ids=[old], state="absent"),
        _task("leftover_disk", vm=vm, ids=[simulator.azure("disks", "refused")], state="absent"),
    ]


def _meet(simulator: Simulator, name: str) -> None:
    """While a checkpoint of db01 is being made, Hyper-V Manager makes one of the same name, and VMM learns of it."""
    simulator.wait_for("POST", "/VMCheckPoints", lambda entry: entry["body"]["Name"] == name)
    simulator.control("POST", "/vm/spf/db01/checkpoint", {"name": name})
    simulator.control("POST", "/vm/spf/db01/job", {"seconds": 1, "locks": False})
    simulator.control("POST", "/clock", {"advance": HOUR})


def _results(run: Run, module: str) -> list[dict[str, Any]]:
    """The module's results without what Ansible adds to any, unless it is documented as the module's own."""
    others = ANSIBLES_OWN - set(documented(module, "RETURN"))
    return [{k: v for k, v in each.items() if k[0] != "_" and k not in others} for each in run.by_module(module)]


def _compare(values: list[Any], docs: dict[str, Any], where: str, said: str = "") -> list[str]:
    """What differs between the mappings `values` and their documentation; `said` is what stands above them."""
    wrong = []
    seen = {key for value in values for key in value}
    wrong += [f"{where}{key} is returned and not documented" for key in sorted(seen - set(docs))]
    # What is documented as a key of another place is held to that place.
    own = {key for key, doc in docs.items() if not str(doc["description"]).startswith("As RV(")}
    wrong += [f"{where}{key} is documented and in no result" for key in sorted(own - seen)]
    for key in sorted(seen & set(docs)):
        doc = docs[key]
        wrong += _untrue(values, key, doc["returned"], where)
        texts = doc["description"] if isinstance(doc["description"], list) else [doc["description"]]
        texts_seen = " ".join([said, *texts])
        found = [value[key] for value in values if key in value]
        if any(each is None for each in found) and "null" not in texts_seen:
            wrong.append(f"{where}{key} may be null, and nobody says so")
        if doc["type"] == "bool" and any(each is None for each in found):
            wrong.append(f"{where}{key} is null, and a boolean is true or false")
        found = [each for each in found if each is not None]
        if found and "always null" in texts_seen.lower():
            wrong.append(f"{where}{key} is said to be always null and was {found[0]!r}")
        kinds = TYPES[doc["type"]]
        if odd := [each for each in found if not isinstance(each, kinds) or (bool not in kinds and each is True)]:
            wrong.append(f"{where}{key} is documented as {doc['type']} and was {odd[0]!r}")
            continue
        if doc["type"] == "list":
            found = [item for each in found for item in each]
            wrong += [f"{where}{key} holds {item!r}" for item in found if not isinstance(item, TYPES[doc["elements"]])]
        if "contains" in doc:
            wrong += _compare(found, doc["contains"], f"{where}{key}.", texts_seen)
        if not found and doc["type"] != "list" and "always null" not in texts_seen.lower():
            wrong.append(f"{where}{key} is null in every result")
    return wrong


WITH_GROUP = {
    "with O(group)",
    "with C(group)",
    "with O(group.on_failure=undo)",
    "with C(on_failure=undo) of the group",
}


def _kept(returned: str, value: dict[str, Any], key: str) -> bool | None:
    """Whether `returned` tells truly where the key is, in one mapping; None where nobody knows how to check it."""
    there, failed = key in value, value.get("error") is not None
    if returned in WITH_GROUP:
        return not there or value[key] is None or isinstance(value[key], dict | str)
    if actions := re.findall(r"C\((\w+)\)", returned):
        return there == (value["action"] in actions)
    if returned == "always":
        return there
    if returned in ("success", "failure"):
        return there == (failed == (returned == "failure"))
    if returned in ("when there is any", "when there are any", "when options other than the target were set"):
        return not there or bool(value[key])
    if returned == "with O(leftovers)":
        return not there or isinstance(value[key], list)
    if returned == "with O(vms), and when the task failed":
        return there == (failed or bool(value.get("vms")))
    if returned in ("with O(vms)", "for a single VM that could be looked up"):
        return failed or there == (("vms" in value) == (returned == "with O(vms)"))
    return there or failed if returned in COULD else None


def _untrue(values: list[Any], key: str, returned: str, where: str) -> list[str]:
    """What of `returned` is not so in these values."""
    judged = {_kept(returned, value, key) for value in values}
    if None in judged:
        return [f"{where}{key} is returned {returned!r}, which nobody checks"]
    return [f"{where}{key} is not returned {returned!r}"] if False in judged else []


def test_what_is_said_of_when_a_key_is_returned_can_be_wrong() -> None:
    wrong = {
        "always": {},
        "success": {"error": {}, "key": 1},
        "failure": {"key": 1},
        "when there is any": {"key": []},
        "with C(create), C(keep)": {"action": "keep"},
        "with O(vms)": {"checkpoint": {}, "key": []},
        "with O(vms), and when the task failed": {"checkpoint": {}, "key": ""},
        "for a single VM that could be looked up": {"vms": [], "key": 1},
        "when the VM could be read": {},
    }
    for returned, value in wrong.items():
        assert _untrue([value], "key", returned, "") == [f"key is not returned {returned!r}"]
        assert _untrue([], "key", returned, "") == []
    assert _untrue([{"action": "keep", "key": 1}, {"action": "step"}], "key", "with C(keep)", "") == []
    assert _untrue([{"error": {}}, {"key": 1}], "key", "when the VM could be read", "") == []
    assert "nobody checks" in _untrue([{"key": 1}], "key", "now and then", "")[0]


def test_results_and_their_documentation_agree(results: dict[str, list[dict[str, Any]]]) -> None:
    wrong = []
    for module in MODULES:
        found = _compare(results[module], documented(module, "RETURN"), "")
        wrong += [f"{module}: {each}" for each in found]
    assert set(wrong) == DEBTS, "\n".join(sorted(set(wrong) ^ DEBTS))


@pytest.mark.parametrize("module", MODULES)
def test_samples_have_the_documented_keys(module: str) -> None:
    for key, doc in documented(module, "RETURN").items():
        if "sample" in doc and "contains" in doc:
            assert set(doc["sample"]) == set(doc["contains"]), key
