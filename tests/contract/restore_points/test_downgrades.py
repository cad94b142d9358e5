# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Less consistency than was asked for: foreseen where it can be, else reported afterwards. On Windows and on Linux."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import HOME, azure_vm, document, done, failed, make_lab, names, point
from tests.support.lab import Lab
from tests.support.wire import Changed

checks = pytest.mark.parametrize("check", [True, False])


def _without_vss(**of_vm: Any) -> Lab:
    """A Windows VM whose VSS writers fail: Azure falls back without a word."""
    lab = make_lab(document(os_type="Windows", **of_vm))
    azure_vm(lab).os_type = "Linux"  # which in the simulator decides on what comes, and not on what is said of the disk
    return lab


@pytest.mark.parametrize("excluded", [[], ["os"]])
def test_on_windows_file_system_consistency_is_a_downgrade(excluded: list[str]) -> None:
    """Also where the point does not hold the OS disk, which would tell."""
    lab = _without_vss()
    options: dict[str, Any] = {"exclude_disks": excluded}
    result = done(point(lab, on_downgrade="warn", **options))
    assert result["restore_point"]["consistency"]["achieved"] == "FileSystemConsistent"
    (warning,) = result["warnings"]
    assert "application consistency was asked for, and FileSystemConsistent came" in warning
    again = done(point(lab, on_downgrade="warn", **options))
    assert again["changed"] is False
    (drift,) = again["drift"]
    assert drift == {"field": "consistency", "desired": "application", "actual": "FileSystemConsistent"}
    failing = point(lab, name="other", on_downgrade="fail", **options)
    assert "VSS" in failed(failing, "downgraded")
    assert (failing["changed"], "other" in names(lab)) == (True, True)
    for check in (True, False):
        existing = failed(point(lab, check=check, name="other", on_downgrade="fail", **options), "downgraded")
        assert "it is FileSystemConsistent" in existing
    assert "drift" not in done(point(lab, name="other", consistency="crash", on_downgrade="fail"))


def _strip(lab: Lab) -> None:
    """Nothing of the point tells the operating system of its VM any more."""
    for home in lab.world.azure.collections.values():
        for each in home.points:
            each.metadata.pop("osProfile", None)


@pytest.mark.parametrize("readable", [True, False])
def test_where_the_point_does_not_tell_the_vm_does(readable: bool) -> None:
    """Where it may be read. An existing point is kept in any case."""
    lab = _without_vss()
    done(point(lab, exclude_disks=["os"]))
    _strip(lab)
    azure_vm(lab).os_type = "Windows"
    if not readable:
        lab.world.faults.add(kind="status", status=403, method="GET", path="/virtualMachines/", count=None)
    result = done(point(lab))
    assert [each["field"] for each in result.get("drift", [])] == (["consistency"] if readable else [])
    strict = point(lab, check=True, on_downgrade="fail")
    if readable:
        failed(strict, "downgraded")
    else:
        done(strict)


def test_in_whatever_case_the_service_spells_it() -> None:
    lab = _without_vss()
    done(point(lab))

    def respell(body: dict[str, Any]) -> None:
        mode = body["properties"]["consistencyMode"]
        body["properties"]["consistencyMode"] = f"{mode[:1].lower()}{mode[1:]}"

    lab.through = lambda wire: Changed(wire, f"/restorePointCollections/{HOME}/restorePoints/new", respell)
    assert "it is FileSystemConsistent" in failed(point(lab, on_downgrade="fail"), "downgraded")


def test_on_linux_it_is_what_was_asked_for() -> None:
    lab = make_lab()
    for _time in range(2):
        result = done(point(lab, on_downgrade="fail"))
        assert (result["warnings"], result.get("drift")) == ([], None)
    assert result["restore_point"]["consistency"]["achieved"] == "FileSystemConsistent"


@checks
@pytest.mark.parametrize("os_type", ["Linux", "Windows"])
@pytest.mark.parametrize("agent", ["Not Ready", "Unresponsive"])
def test_an_agent_that_is_not_ready_is_foreseen(agent: str, os_type: str, check: bool) -> None:
    lab = make_lab(document(os_type=os_type, agent=agent), compute_no_agent="downgrades")
    strict = failed(point(lab, check=check, on_downgrade="fail"), "vm_state")
    assert f'its agent is shown as "{agent}"' in strict
    assert "until the agent is ready" in strict
    assert lab.sent() == []
    warnings = done(point(lab, check=check))["warnings"]
    assert any(f'its agent is shown as "{agent}"' in text for text in warnings)
    assert not any("agent" in text for text in done(point(lab, check=check, name="c", consistency="crash"))["warnings"])
