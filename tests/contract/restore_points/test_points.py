# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""restore_point: what is asked for and what comes, which disks, how they are encrypted, and a failed one made again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    HOME,
    azure_vm,
    bodies,
    collection,
    document,
    done,
    fail_next,
    failed,
    jobs,
    make_lab,
    names,
    point,
    points,
    steps_of,
    verbs,
)
from tests.support.lab import Lab


def _disk(lab: Lab, name: str) -> str:
    return lab.world.azure.resource_id("disks", name)


def test_present_and_absent() -> None:
    lab = make_lab()
    checked = done(point(lab, check=True))
    assert (checked["changed"], lab.sent(), checked["restore_point"]) == (True, [], None)
    result = done(point(lab))
    assert (result["plan"], result["diff"]) == (checked["plan"], checked["diff"])
    assert bodies(lab) == [{"properties": {}}]
    shown = result["restore_point"]
    assert shown["id"].endswith(f"/restorePointCollections/{HOME}/restorePoints/new")
    assert (shown["provisioning_state"], shown["usable"]) == ("Succeeded", True)
    assert shown["consistency"] == {"requested": "application", "achieved": "FileSystemConsistent"}
    assert [disk["place"] for disk in shown["disks"]] == ["os", "lun0"]
    assert all("/diskRestorePoints/" in disk["disk_restore_point_id"] for disk in shown["disks"])
    assert result["operation"]["status"] == "succeeded"
    for check in (True, False):
        assert done(point(lab, check=check))["changed"] is False
    gone = done(point(lab, check=True, state="absent"))
    assert (gone["changed"], names(lab)) == (True, ["before", "new"])
    result = done(point(lab, state="absent"))
    assert (result["changed"], result["restore_point"], names(lab)) == (True, None, ["before"])
    assert done(point(lab, state="absent"))["changed"] is False
    assert steps_of(lab.sent()) == [("PUT", "new"), ("DELETE", "new")]


def test_the_diff_of_a_failure_shows_nothing_that_was_not_done() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="status", status=400, method="PUT", path="/restorePoints/new")
    result = point(lab)
    failed(result, "refused")
    assert result["plan"]["actions"]
    assert (result["diff"]["before"], result["diff"]["after"]) == ("", "")


@pytest.mark.parametrize("os_type", ["Linux", "Windows"])
def test_consistency(os_type: str) -> None:
    lab = make_lab(document(os_type=os_type))
    best = "ApplicationConsistent" if os_type == "Windows" else "FileSystemConsistent"
    assert done(point(lab))["restore_point"]["consistency"]["achieved"] == best
    crash = done(point(lab, name="crash", consistency="crash"))
    assert crash["restore_point"]["consistency"] == {"requested": "crash", "achieved": "CrashConsistent"}
    assert bodies(lab) == [{"properties": {}}, {"properties": {"consistencyMode": "CrashConsistent"}}]
    # More than was asked for is no drift; less is.
    assert "drift" not in done(point(lab, consistency="crash"))
    less = done(point(lab, name="crash"))
    assert less["changed"] is False
    assert less["drift"] == [{"field": "consistency", "desired": "application", "actual": "CrashConsistent"}]


def test_of_a_vm_that_is_off_only_crash_consistency_comes() -> None:
    lab = make_lab()
    azure_vm(lab).power = "deallocated"
    for check in (True, False):
        message = failed(point(lab, check=check, on_downgrade="fail"), "vm_state")
        assert "not running" in message
    assert lab.sent() == []
    result = done(point(lab, on_downgrade="warn"))
    assert result["restore_point"]["consistency"]["achieved"] == "CrashConsistent"
    assert any("not running" in text for text in result["warnings"])
    assert done(point(lab, name="crash", consistency="crash", on_downgrade="fail"))["warnings"] == []


def test_a_downgrade_that_only_the_service_knew_of() -> None:
    """The agent stops between the plan and the create."""
    lab = make_lab(compute_no_agent="downgrades")

    def stop() -> None:
        azure_vm(lab).agent = "Not Ready"

    lab.before_each(lambda request: request.method == "PUT", stop)
    result = done(point(lab))
    azure_vm(lab).agent = "Ready"
    assert any("CrashConsistent came" in text for text in result["warnings"])
    failing = point(lab, name="other", on_downgrade="fail")
    assert "kept" in failed(failing, "downgraded")
    assert (failing["changed"], "other" in names(lab)) == (True, True)
    # It is there, and less than what is asked for: the next run says so again.
    failed(point(lab, name="other", on_downgrade="fail"), "downgraded")
    lab = make_lab(compute_no_agent="fails")
    azure_vm(lab).agent = "Not Ready"
    assert "VMAgentStatusCommunicationError" in failed(point(lab), "operation_failed")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["lun0"], ["shop01_DataDisk_0"]),
        (["0"], ["shop01_DataDisk_0"]),
        (["shop01_datadisk_0"], ["shop01_DataDisk_0"]),
        (["os"], ["shop01_OsDisk"]),
        ([], []),
    ],
    ids=str,
)
def test_disks_left_out(given: list[str], wanted: list[str]) -> None:
    lab = make_lab()
    result = done(point(lab, exclude_disks=given))
    sent = [each["id"].lower() for each in bodies(lab)[0]["properties"].get("excludeDisks", [])]
    assert sent == [_disk(lab, name).lower() for name in wanted]
    assert [each.rsplit("/", 1)[-1].lower() for each in result["restore_point"]["exclude_disks"]] == [
        name.lower() for name in wanted
    ]
    assert len(result["restore_point"]["disks"]) == 2 - len(wanted)
    assert done(point(lab, exclude_disks=given))["changed"] is False


def test_a_disk_by_id_left_out_and_drift() -> None:
    lab = make_lab()
    disk = _disk(lab, "shop01_DataDisk_0")
    assert "drift" not in done(point(lab, exclude_disks=[disk.upper()]))
    assert "drift" not in done(point(lab))
    drift = done(point(lab, exclude_disks=["os"]))["drift"]
    assert [(each["field"], len(each["desired"]), len(each["actual"])) for each in drift] == [("exclude_disks", 1, 1)]
    assert done(point(lab, exclude_disks=[]))["drift"][0]["desired"] == []
    assert len(lab.sent()) == 1


@pytest.mark.parametrize("unknown", ["lun7", "7", "nope", "/subscriptions/x"])
def test_a_disk_that_the_vm_has_not(unknown: str) -> None:
    lab = make_lab()
    message = failed(point(lab, exclude_disks=[unknown]), "invalid_input")
    assert unknown in message
    assert "lun0 (shop01_DataDisk_0)" in message
    assert lab.sent() == []


def test_instant_access() -> None:
    lab = make_lab(
        document(
            os_type="Windows",
            data_disks=[{"lun": 0, "sku": "PremiumV2_LRS", "files": GOOD["0"]}],
        )
    )
    message = failed(point(lab, instant_access_duration=120), "invalid_input")
    assert "2025-04-01" in message
    newer: dict[str, Any] = {"compute_api_version": "2025-04-01"}
    for minutes in (59, 301, 0, -5):
        failed(point(lab, instant_access_duration=minutes, **newer), "invalid_input")
    assert lab.sent() == []
    done(collection(lab, instant_access=True, **newer))
    result = done(point(lab, instant_access_duration=120, **newer))
    assert bodies(lab)[-1]["properties"]["instantAccessDurationMinutes"] == 120
    assert result["restore_point"]["instant_access_duration"] == 120
    assert done(point(lab, instant_access_duration=120, **newer))["changed"] is False


def test_crash_needs_its_api_version() -> None:
    lab = make_lab()
    message = failed(point(lab, consistency="crash", compute_api_version="2021-03-01"), "invalid_input")
    assert "2021-07-01" in message


@pytest.mark.parametrize("kept", ["kept", "removed"])
def test_a_failed_point_is_not_present(kept: str) -> None:
    lab = make_lab(compute_failed_point=kept)
    fail_next(lab, "point", None, "InternalDiskRestorePointError")
    result = point(lab)
    message = failed(result, "operation_failed")
    assert "InternalDiskRestorePointError" in message
    assert ("It left the point behind, as failed. Run the task again" in message) is (kept == "kept")
    assert (result["changed"], result["restore_point"] is not None) == (kept == "kept", kept == "kept")
    checked = done(point(lab, check=True))
    assert verbs(checked) == (["delete", "create"] if kept == "kept" else ["create"])
    assert done(point(lab))["plan"] == checked["plan"]
    assert [each.state for each in points(lab)] == ["Succeeded", "Succeeded"]
    assert done(point(lab))["changed"] is False


def test_a_removal_that_fails_has_changed_nothing() -> None:
    lab = make_lab()
    fail_next(lab, "point_delete")
    result = point(lab, name="before", state="absent")
    failed(result, "operation_failed")
    assert (result["changed"], names(lab)) == (False, ["before"])
    assert result["restore_point"]["name"] == "before"


def test_check_mode_foresees_that_an_existing_point_is_less_consistent() -> None:
    lab = make_lab()
    done(point(lab, name="less", consistency="crash"))
    for check in (True, False):
        strict = point(lab, check=check, name="less", on_downgrade="fail")
        assert "The restore point is kept" in failed(strict, "downgraded")
        result = done(point(lab, check=check, name="less"))
        assert (result["changed"], [each["field"] for each in result["drift"]]) == (False, ["consistency"])
        assert result["warnings"] == [
            "restore point less: consistency is not as asked for, and a point cannot be changed; see drift."
        ]


def test_a_failed_point_can_be_removed() -> None:
    lab = make_lab()
    fail_next(lab, "point")
    point(lab)
    assert done(point(lab, state="absent"))["changed"] is True
    assert names(lab) == ["before"]


def test_not_waited_for_and_joined_later() -> None:
    lab = make_lab(compute_point_takes="200s")
    first = done(point(lab, wait=False))
    assert (first["changed"], first["restore_point"]["provisioning_state"]) == (True, "Creating")
    assert first["restore_point"]["usability"] == "arriving"
    assert (first["operation"]["status"], lab.seconds < 5) == ("running", True)
    checked = done(point(lab, wait=False, check=True))
    assert checked["changed"] is False
    second = done(point(lab))
    assert (second["changed"], second["restore_point"]["provisioning_state"]) == (False, "Succeeded")
    assert second["operation"]["status"] == "succeeded"
    assert jobs(lab, "point") == 1


def test_the_deadline() -> None:
    lab = make_lab(compute_point_takes="200s")
    result = point(lab, wait_timeout="60s")
    failed(result, "timed_out")
    assert result["changed"] is True
    failed(point(lab, wait_timeout="60s"), "timed_out")
    assert done(point(lab))["changed"] is False
    assert jobs(lab, "point") == 1


def test_one_that_is_going_is_waited_for() -> None:
    lab = make_lab(compute_point_delete_takes="100s")
    assert done(point(lab, name="before", state="absent", wait=False))["changed"] is True
    result = done(point(lab, name="before"))
    assert (result["changed"], verbs(result)) == (True, ["create"])
    assert names(lab) == ["before"]


def test_the_collection_must_be_there() -> None:
    lab = make_lab(point=False)
    message = failed(point(lab), "not_found")
    assert "restore_point_collection" in message
    assert done(point(lab, state="absent"))["changed"] is False
    home = lab.world.azure.resource_id("restorePointCollections", HOME)
    failed(point(lab, collection=home, resource_group=None), "not_found")
    failed(point(lab, collection=lab.azure_vm), "invalid_input")
    assert "resource_group" in failed(point(lab, resource_group=None), "invalid_input")
    assert lab.sent() == []


def test_the_collection_by_id() -> None:
    lab = make_lab()
    home = lab.world.azure.resource_id("restorePointCollections", HOME)
    assert done(point(lab, name="before", collection=home, resource_group=None))["changed"] is False


def test_an_approved_plan() -> None:
    lab = make_lab()
    plan = done(point(lab, check=True))["plan"]
    failed(point(lab, consistency="crash", expected_plan=plan), "plan_changed")
    assert lab.sent() == []
    assert done(point(lab, expected_plan=plan))["changed"] is True
    assert done(point(lab, expected_plan=plan))["changed"] is False


def test_who_may_not_read_the_disks_may_make_points_all_the_same() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="status", status=403, method="GET", path="/disks/", count=None)
    result = done(point(lab))
    assert (result["changed"], result["restore_point"]["usable"]) == (True, True)
    assert result["warnings"] == ["restore point new: its VM's disks may not be read, so their kinds were not checked."]
