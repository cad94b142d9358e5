# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One `select` for a restore, for what is to be absent, and for info."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result

DAYS = {"web-1": 9, "web-2": 5, "db-1": 3, "web-3": 1}


def make_lab() -> Lab:
    """A VM on SPF and one on Arc, each with four checkpoints of others', which Arc has no times for."""
    points = [{"name": name, "days_old": days} for name, days in DAYS.items()]
    vms = {"spf": "web01", "scvmm": "app01"}
    return Lab({service: {"vms": [{"name": vm, "checkpoints": points}]} for service, vm in vms.items()})


def ago(days: int) -> str:
    """That many days before the lab's clock begins."""
    return (datetime(2026, 11, 20, 11, 30, tzinfo=UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def absent(lab: Lab, select: Any, *, check: bool = False, vm: str = "web01", **options: Any) -> Result:
    return lab.run("vm_checkpoint", vm=vm, check=check, state="absent", select=select, **options)


def gone(lab: Lab, vm: str = "web01") -> list[str]:
    return [name for name in DAYS if name not in lab.names(vm)]


def ours(lab: Lab, vm: str, *, pin: bool | None = None) -> Result:
    made = lab.run("vm_checkpoint", vm=vm, name="ours", pin=pin, max_age="1s")
    lab.advance(86400)
    return made


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("latest", ["web-3"]),
        ("oldest", ["web-1"]),
        ({"older_than": "4d"}, ["web-1", "web-2"]),
        ({"before": ago(2)}, ["web-1", "web-2", "db-1"]),
        ({"name_matches": "web-.*"}, ["web-1", "web-2", "web-3"]),
        ({"name_matches": "web-.*", "older_than": "2d"}, ["web-1", "web-2"]),
        ({"which": "latest", "name_matches": "web-.*", "older_than": "2d"}, ["web-2"]),
        ({"managed": True}, []),
        ({"managed": False, "pinned": False, "older_than": "8d"}, ["web-1"]),
        ({"name_matches": "web"}, []),
    ],
)
def test_absent_takes_all_that_match_and_a_second_run_finds_none(select: Any, expected: list[str]) -> None:
    lab = make_lab()
    shown = lab.run("vm_checkpoint_info", vm="web01", select=select)
    assert sorted(each["name"] for each in shown["checkpoints"]) == sorted(expected)
    planned = absent(lab, select, check=True)
    assert (code(planned), planned["changed"], gone(lab)) == (None, bool(expected), [])
    result = absent(lab, select, expected_plan=planned["plan"])
    assert (code(result), result["changed"], gone(lab)) == (None, bool(expected), expected)
    assert planned["diff"] == result["diff"]
    if isinstance(select, dict) and "which" not in select:
        assert absent(lab, select)["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_what_is_of_unknown_age_stays_and_is_told(check: bool) -> None:
    lab = make_lab()
    ours(lab, lab.arm_vm)
    writes = lab.writes()
    result = absent(lab, {"older_than": "1h"}, vm=lab.arm_vm, check=check)
    assert (code(result), result["changed"], gone(lab, "app01")) == (None, True, [])
    assert "4 checkpoints are of unknown age, and stay where" in result["warnings"][0]
    assert lab.writes() == writes + (not check)
    assert ("ours" in lab.names("app01")) is check


def test_what_is_pinned_is_never_taken_and_nothing_goes_in_its_place() -> None:
    lab = make_lab()
    ours(lab, "web01", pin=True)
    result = absent(lab, "latest")
    assert (code(result), result["changed"]) == (None, False)
    (kept,) = result["plan"]["actions"]
    assert (kept["action"], kept["reason"], kept["checkpoint"]["name"]) == ("keep", "it is pinned", "ours")
    everything = absent(lab, {"older_than": "1h"})
    assert (everything["changed"], lab.names("web01")) == (True, ["ours"])


@pytest.mark.parametrize(
    ("select", "on_ambiguous", "expected"),
    [
        ({"older_than": "2d"}, "fail", "db-1"),
        ({"older_than": "2d", "name_matches": "web-.*"}, "fail", "web-2"),
        ({"which": "oldest", "older_than": "2d"}, "fail", "web-1"),
        ({"before": ago(4)}, "fail", "web-2"),
        ({"name_matches": "db-.*"}, "fail", "db-1"),
        ({"name_matches": "web-.*"}, "newest", "web-3"),
        ({"managed": False, "which": "latest"}, "fail", "web-3"),
    ],
)
def test_a_restore_ends_with_one(select: Any, on_ambiguous: str, expected: str) -> None:
    lab = make_lab()
    result = lab.run("vm_checkpoint_restore", vm="web01", select=select, on_ambiguous=on_ambiguous)
    assert (code(result), result["checkpoint"]["name"]) == (None, expected)


@pytest.mark.parametrize(
    ("vm", "select", "error"),
    [
        ("web01", {"name_matches": "web-.*"}, "ambiguous"),
        ("web01", {"managed": False}, "ambiguous"),
        ("web01", {"managed": True}, "missing_checkpoint"),
        ("web01", {"older_than": "30d"}, "missing_checkpoint"),
        ("app01", {"older_than": "1d"}, "unknown_time"),
        ("web01", {"name_matches": "(a+)+"}, "invalid_input"),
        ("web01", {}, "invalid_input"),
        ("web01", "", "invalid_input"),
        ("web01", {"name_matches": ""}, "invalid_input"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_restore_that_finds_none_or_several_changes_nothing(vm: str, select: Any, error: str, check: bool) -> None:
    lab = make_lab()
    reference = lab.arm_vm if vm == "app01" else vm
    result = lab.run("vm_checkpoint_restore", vm=reference, select=select, check=check)
    assert (code(result), result["changed"], lab.writes()) == (error, False, 0)


@pytest.mark.parametrize(
    "select",
    ["", "newest", {}, [], 7, True, {"older_than": ""}, {"older_than": None}, {"name_matches": "["}, {"all": True}],
)
@pytest.mark.parametrize("module", ["vm_checkpoint", "vm_checkpoint_restore", "vm_checkpoint_info"])
def test_nothing_empty_or_wrong_widens_what_is_meant(module: str, select: Any) -> None:
    lab = make_lab()
    more: dict[str, Any] = {"state": "absent"} if module == "vm_checkpoint" else {}
    assert code(lab.run(module, vm="web01", select=select, **more)) == "invalid_input"
    assert lab.writes() == 0


def test_info_says_where_nobody_can_tell() -> None:
    lab = make_lab()
    shown = lab.run("vm_checkpoint_info", vms=["web01", lab.arm_vm], select={"older_than": "4d"})
    assert [each["name"] for each in shown["checkpoints"]] == ["web-1", "web-2"]
    assert "select: 4 checkpoints of unknown age were left out, of app01" in shown["warnings"][0]


def test_info_tells_of_the_vm_whose_checkpoints_have_no_order() -> None:
    lab = make_lab()
    for point in lab.world.vm("app01").checkpoints:
        point.parent_id = None
    result = lab.run("vm_checkpoint_info", vms=["web01", lab.arm_vm], select="latest", on_error="report")
    assert [each["name"] for each in result["checkpoints"]] == ["web-3"]
    assert result["vms"][1]["error"]["code"] == "unknown_time"


def test_names_are_compared_as_the_service_compares_them() -> None:
    lab = Lab(
        {
            "compute": {
                "vms": [{"name": "shop01"}],
                "collections": [{"name": "checkpoints-shop01", "source": "shop01", "points": [{"name": "Nightly"}]}],
            }
        }
    )
    shown = lab.run("vm_checkpoint_info", vm=lab.azure_vm, select={"name_matches": "night.*"})
    assert [each["name"] for each in shown["checkpoints"]] == ["Nightly"]
    web = make_lab()
    assert web.run("vm_checkpoint_info", vm="web01", select={"name_matches": "WEB.*"})["checkpoints"] == []
