# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_checkpoint_info of many VMs of which some cannot be read: the others, and the error beside each that failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result

MALFORMED = "/subscriptions/x/resourceGroups/g"
UNKNOWN: dict[str, Any] = {"name": None, "vm_id": None, "power": None, "checkpoint_count": None}


def _info(lab: Lab, **options: Any) -> Result:
    result = lab.run("vm_checkpoint_info", **options)
    assert (lab.writes(), result["changed"]) == (0, False)
    return result


def _errors(result: Result) -> list[str | None]:
    return [each["error"] and each["error"]["code"] for each in result["vms"]]


@pytest.mark.parametrize(
    ("reference", "wanted", "provider"),
    [
        ("nobody", "not_found", "spf"),
        ("0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d", "not_found", "spf"),
        (MALFORMED, "invalid_input", None),
        ("", "invalid_input", "spf"),
        (" web02", "invalid_input", "spf"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_one_that_is_not_found(reference: str, wanted: str, provider: str | None, first: bool) -> None:
    lab = Lab()
    good = ["web01", lab.arm_vm]
    asked = [reference, *good] if first else [*good, reference]
    result = _info(lab, vms=asked)
    assert code(result) == "some_failed"
    assert "1 of 3 VMs could not be read" in result["msg"]
    assert [each["vm"] for each in result["vms"]] == asked
    place = 0 if first else 2
    found = result["vms"].pop(place)
    assert found == {"vm": reference, "provider": provider, "status": "failed", "error": found["error"], **UNKNOWN}
    assert found["error"]["code"] == wanted
    assert found["error"]["retry"] == "never"
    if not reference.strip() or reference != reference.strip():
        assert f"vms, element {place + 1} of 3: " in found["error"]["message"]
    assert [(each["status"], each["error"], each["checkpoint_count"]) for each in result["vms"]] == [
        ("read", None, 1)
    ] * 2
    assert [each["name"] for each in result["checkpoints"]] == ["baseline"] * 2


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "status", "status": 403}, "forbidden"),
        ({"kind": "replace", "body": {"value": "none"}}, "bad_answer"),
        ({"kind": "status", "status": 503}, "unavailable"),
    ],
)
@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_one_that_cannot_be_read(fault: dict[str, Any], wanted: str, service: str) -> None:
    lab = Lab()
    lab.world.populate(**{service: 3})
    if service == "spf":
        vms, path = ["spf001", "spf002", "spf003"], "spf002"
    else:
        vms, path = [lab.world.machine_uri(f"arc00{n}") for n in (1, 2, 3)], "machines/arc002/"
    lab.world.faults.add(path=path, count=None, **fault)
    result = _info(lab, vms=vms)
    assert _errors(result) == [None, wanted, None]
    assert code(result) == "some_failed"
    assert len(result["checkpoints"]) == 2
    reported = _info(lab, vms=vms, on_error="report")
    assert code(reported) is None
    assert _errors(reported) == [None, wanted, None]
    assert [each["id"] for each in reported["checkpoints"]] == [each["id"] for each in result["checkpoints"]]
    (warning,) = reported["warnings"]
    assert warning.startswith("1 of 3 VMs could not be read; the errors are in vms. The first: ")


def test_one_that_never_answers_leaves_the_others_time() -> None:
    lab = Lab()
    lab.world.populate(spf=3)
    lab.world.faults.add(kind="lose_request", path="spf001", count=None)
    result = _info(lab, vms=["spf001", "spf002", "spf003"], concurrency=1)
    assert _errors(result) == ["unavailable", None, None]


def test_a_lookup_that_is_refused_concerns_one_vm() -> None:
    """The service's first VM goes alone, and the next one is next."""
    lab = Lab()
    lab.world.faults.add(kind="status", status=403, path="machines/app01", count=None)
    app02 = lab.world.machine_uri("app02")
    result = _info(lab, vms=[lab.arm_vm, app02, "web01"])
    assert _errors(result) == ["forbidden", None, None]
    assert [each["vm_name"] for each in result["checkpoints"]] == ["app02", "web01"]


def test_a_reference_that_no_result_can_hold_is_shown_as_far_as_it_can_be() -> None:
    lab = Lab()
    result = _info(lab, vms=["web01", "a\nb", "\ud800c", "x" * 5000])
    assert [each["vm"] for each in result["vms"][:3]] == ["web01", "a b", "c"]
    assert len(result["vms"][3]["vm"]) == 1024
    assert _errors(result) == [None, *["invalid_input"] * 3]
    json.dumps(result, ensure_ascii=False).encode()


def test_a_host_that_cannot_be_reached_is_not_tried_once_for_each_vm() -> None:
    lab = Lab()
    lab.world.faults.add(kind="lose_request", path="/SC2012R2/", count=None, exception="ConnectError")
    result = _info(lab, vms=[*(f"web{n:02}" for n in range(40)), lab.arm_vm])
    assert _errors(result) == [*["unreachable"] * 40, None]
    assert [each["vm_name"] for each in result["checkpoints"]] == ["app01"]
    assert lab.seconds < 60


def test_a_cloud_that_cannot_be_reached_leaves_spf() -> None:
    lab = Lab()
    lab.world.faults.add(kind="status", status=500, path="/metadata/", count=None)
    result = _info(lab, vms=["web01", lab.arm_vm, lab.world.machine_uri("app02")])
    first, *others = _errors(result)
    assert (first, len(others), all(others)) == (None, 2, True)


def test_report_succeeds_for_a_single_vm_too() -> None:
    lab = Lab()
    for reference in ("nobody", MALFORMED):
        assert code(_info(lab, vm=reference)) in ("not_found", "invalid_input")
        reported = _info(lab, vm=reference, on_error="report")
        assert code(reported) is None
        assert reported["vms"][0]["status"] == "failed"
        assert reported["checkpoints"] == []


def test_stop_ends_with_the_first_failure() -> None:
    lab = Lab()
    lab.world.populate(spf=4)
    result = _info(lab, vms=["spf001", "nobody", "spf002", "spf003"], on_error="stop", concurrency=1)
    assert code(result) == "some_failed"
    assert [each["status"] for each in result["vms"]] == ["not_started", "failed", "not_started", "not_started"]
    lab.world.populate(scvmm=3)
    lab.world.faults.add(kind="status", status=403, path="machines/arc002/", count=None)
    vms = [lab.world.machine_uri(f"arc00{n}") for n in (1, 2, 3)]
    result = _info(lab, vms=vms, on_error="stop", concurrency=1)
    assert [each["status"] for each in result["vms"]] == ["read", "failed", "not_started"]
    assert len(result["checkpoints"]) == 1


@pytest.mark.parametrize("on_error", ["continue", "stop", "report"])
def test_a_refused_sign_in_ends_the_task_whatever_is_asked(on_error: str) -> None:
    lab = Lab()
    lab.world.populate(spf=5)
    names = [f"spf{n:03}" for n in range(1, 6)]
    result = _info(lab, vms=names, spf_password="wrong", on_error=on_error)
    assert code(result) == "sign_in_refused"
    assert len([each for each in lab.requests if "oauth2" not in each.url.path]) == 1


@pytest.mark.parametrize("on_error", ["continue", "report"])
def test_an_option_that_is_wrong_is_the_tasks_error(on_error: str) -> None:
    lab = Lab()
    for options in ({"spf_url": None}, {"vms": ["web01", "WEB01"]}, {"on_error": "never"}):
        asked = {"vms": ["web01", lab.arm_vm], "on_error": on_error, **options}
        assert code(_info(lab, **asked)) == "invalid_input", options


def test_modules_that_write_still_find_all_first() -> None:
    lab = Lab()
    for module in ("vm_checkpoint", "vm_checkpoint_restore"):
        for reference, wanted in (("nobody", "not_found"), (MALFORMED, "invalid_input")):
            assert code(lab.run(module, vms=["web01", reference], name="baseline")) == wanted
    assert lab.writes() == 0
