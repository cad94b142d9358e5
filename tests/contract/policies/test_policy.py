# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy does on every service: creates before it removes, stays within its limits, and says why."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.compute.azure_harness import done, fail_next, failed
from tests.contract.policies.harness import (
    DAY,
    FOREIGN,
    SERVICES,
    codes,
    deletes,
    make_lab,
    names,
    planned,
    rules,
    run,
    vm_of,
)
from tests.support.lab import Lab

on_each = pytest.mark.parametrize("service", SERVICES)
Options = dict[str, Any]


def aged(service: str, days: int, **switches: Any) -> Lab:
    """A world in which the policy has made a point on each of so many days, the last of them yesterday."""
    lab = make_lab(service, **switches)
    for _day in range(days):
        done(run(lab, service))
        lab.advance(DAY)
    lab.requests.clear()
    return lab


@on_each
def test_check_mode_predicts_what_is_done(service: str) -> None:
    lab = aged(service, 4)
    foreseen = done(run(lab, service, check=True, keep={"last": 2}))
    assert lab.sent() == []
    assert codes(foreseen) == ["stale"]
    before = names(lab, service)
    result = done(run(lab, service, keep={"last": 2}, expected_plan=foreseen["plan"]["digest"]))
    assert foreseen["changed"] is result["changed"] is True
    assert result["plan"]["digest"] == foreseen["plan"]["digest"]
    gone = planned(foreseen, "delete")
    assert len(gone) == 3
    assert gone == planned(result, "delete") == [name for name in before if name not in names(lab, service)]
    assert codes(result) == []
    assert set(rules(result).values()) == {"not_managed" if service != "compute" else "other_series", *("last",)} | {
        "max_age",
        "not_kept",
    }
    again = done(run(lab, service, keep={"last": 2}))
    assert again["changed"] is False
    assert again["checkpoint"]["id"] == result["checkpoint"]["id"]


@on_each
def test_nothing_goes_before_the_new_one_is_usable(service: str) -> None:
    """The order of the writes; and where the new one fails, nothing goes."""
    lab = aged(service, 3)
    done(run(lab, service, keep={"last": 1}))
    sent = [_verb(request.method, request.url.path) for request in lab.sent()]
    assert sent == ["create", "delete", "delete", "delete"]
    lab = aged(service, 3)
    if service == "compute":
        fail_next(lab, "point")
    else:
        lab.fail_next(service, "create")
    before = set(names(lab, service))
    failed(run(lab, service, keep={"last": 1}), "operation_failed")
    assert before <= set(names(lab, service))
    assert deletes(lab) == 0


def _verb(method: str, path: str) -> str:
    return "delete" if method == "DELETE" or "deleteCheckpoint" in path else "create"


@on_each
def test_over_max_deletes_nothing_goes_the_new_one_is_made_and_the_task_fails(service: str) -> None:
    lab = aged(service, 4)
    for check in (True, False):
        before = names(lab, service)
        result = run(lab, service, check=check, keep={"last": 1}, max_deletes=3)
        message = failed(result, "too_many_deletes")
        assert "4 checkpoints would go, and max_deletes is 3: none was removed." in message
        assert result["changed"] is True
        assert list(rules(result).values()).count("max_deletes") == 4
        assert len(names(lab, service)) - len(before) == (0 if check else 1)
    assert deletes(lab) == 0
    again = run(lab, service, keep={"last": 1}, max_deletes=3)
    failed(again, "too_many_deletes")
    assert again["changed"] is False
    assert codes(again) == ["too_many"]
    assert deletes(lab) == 0
    assert done(run(lab, service, keep={"last": 1}, max_deletes=4))["changed"] is True


def test_the_other_vms_go_on() -> None:
    """One VM has too many to remove: it keeps them all and fails, and the other is done."""
    lab = Lab(None)
    many, few = "web01", "db01"
    for vm, count in ((many, 3), (few, 2)):
        for _each in range(count):
            done(lab.run("vm_checkpoint_policy", vm=vm, prefix="nightly", max_age="1s"))
            lab.advance(60)
    lab.requests.clear()
    options: Options = {"vms": [many, few], "prefix": "nightly", "keep": {"last": 1}, "max_deletes": 1}
    result = lab.run("vm_checkpoint_policy", **options)
    assert failed(result, "some_failed").startswith("1 of 2 VMs failed; the first: vm web01: 2 checkpoints would go")
    assert [each["status"] for each in result["vms"]] == ["failed", "changed"]
    assert result["vms"][0]["error"]["code"] == "too_many_deletes"
    assert deletes(lab) == 1
    assert [each["series"]["due"] for each in result["vms"]] == [2, 0]


def test_the_limit_for_all_holds_where_a_vm_is_planned_again() -> None:
    """While the deletes of the first VM run, others make two more checkpoints of the series of the second."""
    lab = Lab(None, delete_takes="20s")
    for vm, count in (("web01", 3), ("db01", 2)):
        for _each in range(count):
            done(lab.run("vm_checkpoint_policy", vm=vm, prefix="nightly", max_age="1s"))
            lab.advance(60)
    lab.requests.clear()

    def more() -> None:
        points = lab.world.vm("db01").checkpoints
        last = next(point for point in reversed(points) if (point.name or "").startswith("nightly"))
        points += [replace(last, id=str(uuid.UUID(int=number))) for number in (1, 2)]

    lab.before_first(lab.a_write("DELETE"), more)
    options: Options = {"prefix": "nightly", "keep": {"last": 1}, "max_deletes_total": 3, "concurrency": 1}
    result = lab.run("vm_checkpoint_policy", vms=["web01", "db01"], **options)
    assert [(each["error"] or {}).get("code") for each in result["vms"]] == [None, "too_many_deletes"]
    assert deletes(lab) == 2


@pytest.mark.parametrize(("total", "gone"), [(2, 0), (3, 3)])
@pytest.mark.parametrize("check", [True, False])
def test_a_limit_for_all_vms_together(total: int, gone: int, check: bool) -> None:
    lab = Lab(None)
    for vm, count in (("web01", 3), ("db01", 2)):
        for _each in range(count):
            done(lab.run("vm_checkpoint_policy", vm=vm, prefix="nightly", max_age="1s"))
            lab.advance(60)
    lab.requests.clear()
    options: Options = {"vms": ["web01", "db01"], "prefix": "nightly", "keep": {"last": 1}, "max_deletes_total": total}
    result = lab.run("vm_checkpoint_policy", check=check, **options)
    assert deletes(lab) == (0 if check else gone)
    planned_deletes = [each for each in result["plan"]["actions"] if each["action"] == "delete"]
    assert len(planned_deletes) == gone
    if gone:
        done(result)
        return
    assert {each["error"]["code"] for each in result["vms"]} == {"too_many_deletes"}
    assert "max_deletes_total is 2" in result["msg"]


@on_each
def test_pins_foreign_ones_and_what_is_adopted(service: str) -> None:
    lab = aged(service, 3)
    oldest = next(name for name in names(lab, service) if name.startswith("nightly"))
    result = done(run(lab, service, check=True, keep={"last": 1}, max_age=None, pins=[oldest, "gone"]))
    assert rules(result)[oldest] == "pins"
    assert codes(result) == ["pinned_missing"]
    foreign = "other_series" if service == "compute" else "not_managed"
    assert [rules(result)[name] for name in FOREIGN[service]] == [foreign] * len(FOREIGN[service])
    adopted = done(run(lab, service, keep={"last": 1}, max_age=None, adopt={"name_matches": "base.*|la.*|before"}))
    # Arc keeps no times of what others have made, so that nobody knows its age.
    goes = [] if service == "scvmm" else FOREIGN[service]
    assert [name for name in planned(adopted, "delete") if name in FOREIGN[service]] == goes
    if service == "scvmm":
        assert {rules(adopted)[name] for name in FOREIGN[service]} == {"age_unknown"}


@on_each
def test_an_approved_plan_is_refused_after_somebody_else_made_a_checkpoint(service: str) -> None:
    """It would push another one out; one of another series would not."""
    lab = aged(service, 3)
    options: Options = {"keep": {"last": 2}, "max_age": "3d"}
    approved = done(run(lab, service, check=True, **options))["plan"]
    done(lab.run("vm_checkpoint", vm=vm_of(lab, service), name="by-hand", max_age="1s"))
    done(run(lab, service, check=True, **options, expected_plan=approved))
    done(run(lab, service))
    result = run(lab, service, **options, expected_plan=approved)
    assert "+ delete nightly-" in failed(result, "plan_changed")
    assert result["changed"] is False


@on_each
def test_a_series_of_vm_checkpoint_is_the_prefix_series(service: str) -> None:
    lab = make_lab(service)
    for _each in range(3):
        done(lab.run("vm_checkpoint", vm=vm_of(lab, service), name="nightly", max_age="1h"))
        lab.advance(7200)
    result = done(run(lab, service, keep={"last": 1}, max_age=None))
    assert len(planned(result, "delete")) == 2


@on_each
def test_a_template_of_ones_own(service: str) -> None:
    lab = make_lab(service)
    options: Options = {"name_template": "{prefix}_{local:%d%m%y}.{vm}", "timezone": "Asia/Tokyo", "keep": {"last": 1}}
    for _day in range(3):
        result = done(run(lab, service, **options))
        lab.advance(DAY)
    (name,) = [each for each in names(lab, service) if each not in FOREIGN[service]]
    assert re.fullmatch(r"nightly_221126\.\w+01(-\d{8}T\d{6}Z-[0-9a-f]{12})?", name)
    assert result["series"]["points"] == 1


@on_each
def test_a_name_that_the_service_cannot_take_changes_nothing(service: str) -> None:
    lab = make_lab(service)
    prefix = "x" * (51 if service == "compute" else 240)
    assert "name_template: " in failed(run(lab, service, prefix=prefix), "invalid_input")
    assert lab.sent() == []


# The audit ----------------------------------------------------------------------------------------------------------


@on_each
@pytest.mark.parametrize("check", [True, False])
def test_on_violation_fail(service: str, check: bool) -> None:
    """In check mode a stale VM fails; a run mends it, and does not."""
    lab = aged(service, 2)
    result = run(lab, service, check=check, on_violation="fail")
    if check:
        assert "it does not comply with its policy: stale: the newest usable one is of" in failed(
            result, "not_compliant"
        )
        assert result["compliance"]["compliant"] is False
        assert lab.sent() == []
    else:
        assert done(result)["compliance"] == {"compliant": True, "violations": []}


def test_a_vm_that_cannot_be_read() -> None:
    """Its error stands beside what the audit says of it, and the others are read."""
    lab = Lab(None)
    web01 = str(lab.world.vm("web01").id)
    lab.world.faults.add(kind="status", status=403, path=f"VMCheckPoints.*{web01}|web01.*VMCheckPoints", count=None)
    options: Options = {"vms": ["web01", "db01"], "prefix": "nightly", "max_age": "1d", "on_violation": "fail"}
    result = lab.run("vm_checkpoint_policy", check=True, **options)
    failed(result, "some_failed")
    assert [each["error"]["code"] for each in result["vms"]] == ["forbidden", "not_compliant"]
    found = [[each["code"] for each in vm["compliance"]["violations"]] for vm in result["vms"]]
    assert found == [["unreadable"], ["none"]]
    assert result["vms"][0]["series"] is None


def test_at_the_services_limit_the_policy_makes_room_first_and_says_so() -> None:
    """VMM holds fifty: no new one is counted before it exists, and the next run makes it."""
    lab = Lab(
        {"spf": {"vms": [{"name": "web01", "checkpoints": [{"name": f"p{n}", "days_old": 99 - n} for n in range(50)]}]}}
    )
    options: Options = {"keep": {"last": 48}, "adopt": {"name_matches": r"p\d+"}}
    result = run(lab, "spf", **options)
    assert "50 checkpoints exist and SPF allows 50 per VM, so that no new one was made." in failed(
        result, "limit_reached"
    )
    assert planned(result, "delete") == ["p0", "p1"]
    assert (result["series"]["left"], result["series"]["depth"]) == (2, 48)
    after = done(run(lab, "spf", **options))
    assert planned(after, "delete") == ["p2"]
    assert after["series"]["all_points"] == 48
