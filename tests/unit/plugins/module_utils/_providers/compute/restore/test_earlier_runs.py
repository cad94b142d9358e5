# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks of earlier runs count for what: unfinished, spent, interrupted, left open; and what they tell."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.runs import (
    RestoredDisks,
    abandoned,
    describe_vm,
    disks_of,
    held_before,
    interrupted,
    is_spent,
    left_open,
    ran_before,
    replaced_by,
    unfinished,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    POINT,
    SOURCE,
    detail,
    disk,
    inventory,
)

OF_POINT, GONE = short_hash(SOURCE), short_hash("/of/the/point/before")


def made(name: str, state: str = "pending", source: str = OF_POINT, **tags: str) -> DiskEntity:
    """A disk that the run at the end of its name has made."""
    return disk(name, run=name.rpartition("-")[2], state=state, source=source, **tags)


def names(disks: RestoredDisks) -> list[tuple[str, str]]:
    return [(slot, each.name) for slot, each in disks.items()]


def test_the_first_disk_that_tells_says_whether_the_vm_ran() -> None:
    silent, told = made("v-os-r"), made("v-lun0-r", power="off")
    assert RestoredDisks({"os": silent, "lun0": told}).power == "off"
    assert RestoredDisks({"os": silent}).power is None


def test_a_disk_that_only_bears_a_run_in_its_name_is_not_the_run_s() -> None:
    assert disks_of(detail(disk("v-os-r", run="other", state="pending")), "r") == {}


def test_the_disks_of_interrupted_runs_by_run_and_name() -> None:
    """Of two for one place the one of the later run counts."""
    disks = [made(name) for name in ("v-os-b", "v-os-a", "v-lun1-a", "v-lun0-b", "v-lun2-mine")]
    of = detail(*disks, made("v-lun3-c", "done"))
    assert names(interrupted(of, "mine")) == [("lun1", "v-lun1-a"), ("os", "v-os-b"), ("lun0", "v-lun0-b")]


def test_only_what_is_not_marked_yet_is_abandoned() -> None:
    of = detail(disk("o"), made("v-os-r", "given-up"), made("v-lun0-r"), made("v-os-other"))
    assert names(abandoned(of)) == [("lun0", "v-lun0-r")]
    assert names(abandoned(detail(made("v-os-q", source=GONE), made("v-os-r", "done")))) == [("os", "v-os-q")]


@pytest.mark.parametrize(
    ("disks", "run"),
    [
        ((made("v-os-r"),), "r"),
        ((made("v-os-r", **{"point-id": short_hash(f"{POINT}2")}),), ""),  # to another point
        ((made("v-os-r", source=GONE),), ""),  # it leads nowhere
        ((made("v-os-r", source=GONE), made("v-os-s")), "s"),
        ((made("v-os-r", "done"),), ""),
        ((), ""),
    ],
)
def test_which_run_to_a_point_is_unfinished(disks: tuple[DiskEntity, ...], run: str) -> None:
    assert unfinished(detail(disk("o"), *disks), POINT) == run


@pytest.mark.parametrize(
    ("disks", "attached", "spent"),
    [
        ((made("v-os-r"), made("v-lun0-r")), {}, False),
        ((made("v-os-r"), made("v-lun0-r", "given-up")), {}, True),
        ((made("v-os-r", "given-up"), made("v-lun0-r")), {"os": "v-os-r"}, True),
        ((made("v-os-r"), made("v-lun0-r", source=GONE)), {}, True),
        ((made("v-os-r"), made("v-lun0-r", source=GONE)), {"os": "v-os-r"}, False),  # the VM was on one of them
        ((made("v-os-r", source=GONE), made("v-lun0-r", source=GONE)), {"lun0": "v-lun0-r"}, False),
        ((made("v-os-r", "done", GONE),), {}, False),
        ((), {}, False),
    ],
)
def test_which_run_is_spent(disks: tuple[DiskEntity, ...], attached: dict[str, str], spent: bool) -> None:
    of = detail(*disks, attached=attached)
    assert is_spent(of, disks_of(of, "r")) is spent


def test_what_is_due_to_what_others_have_left() -> None:
    of = detail(
        disk("o"),
        made("v-os-keyed", keyed="yes"),
        made("v-os-spent", source=GONE, keyed="yes"),
        made("v-os-left"),
        made("v-os-stood", keyed="yes"),
        made("v-lun0-stood", keyed="yes"),
        made("v-os-mine"),
        made("v-os-ended", "done"),
        made("v-os-over", "given-up"),
        attached={"os": "v-os-stood"},
    )
    due = {"v-lun0-stood": "done", "v-os-left": "given-up", "v-os-spent": "given-up", "v-os-stood": "done"}
    assert list(left_open(of, "mine", []).items()) == list(due.items())
    assert left_open(of, "mine", ["rg/v-os-left"]) == {**due, "v-os-left": "done"}


# How the VM was -------------------------------------------------------------------------------------------------------

OWN = disk("v-os-own", run="own", state="done")


@pytest.mark.parametrize(
    ("of", "old"),
    [
        (detail(disk("o")), "rg/o"),
        (detail(attached={}), None),
        (detail(attached={"os": "o"}, held={"os": {"managedDisk": {}}}), None),
        (detail(OWN, made("v-os-q", replaces="rg/v-os-own"), attached={}), "rg/v-os-own"),  # q has detached it
        (detail(OWN, made("v-os-q", replaces="rg/v-os-own")), "rg/o"),  # something is attached there
        (detail(OWN, made("v-os-z", replaces="rg/v-os-own"), made("v-os-r", replaces="rg/o"), attached={}), "rg/o"),
        (detail(made("v-os-q", replaces="rg/v-os-own"), made("v-os-r"), attached={}), None),
    ],
)
def test_what_a_new_disk_takes_the_place_of(of: AzureVmState, old: str | None) -> None:
    assert replaced_by(of, "os", "v-os-r") == old


@pytest.mark.parametrize(
    ("disks", "attached", "expected"),
    [
        ((made("v-os-r", "done", replaces="rg/o", held="None/Detach/"),), "o", "None/Detach/"),
        ((made("v-os-q", replaces="RG/O", held="None/Detach/"),), "o", "None/Detach/"),
        ((made("v-os-q", replaces="rg/o", held="None/Detach/"),), "O", "None/Detach/"),
        ((made("v-os-q", replaces="rg/o"),), "o", "ReadOnly/Delete/"),
        # A tag that claims a disk which is not the VM's tells nothing.
        ((disk("foreign"), made("v-os-r", replaces="rg/foreign", held="None/Detach/")), "o", "ReadOnly/Delete/"),
    ],
)
def test_how_a_disk_was_held_in_any_spelling(disks: tuple[DiskEntity, ...], attached: str, expected: str) -> None:
    shown = {"os": {"deleteOption": "Delete", "caching": "ReadOnly"}}
    of = detail(disk("o"), *disks, attached={"os": attached}, held=shown)
    assert held_before(of, "os", "v-os-r") == expected


def test_a_power_that_nobody_has_heard_of_is_not_on() -> None:
    of = detail(disk("o"), made("v-os-r", power="once"))
    assert ran_before(inventory(of, "on"), "r") is False
    assert describe_vm("r", inventory(of, "on"), inventory(of, "off")) == "The VM is off, with old disk at os (o)."


@pytest.mark.parametrize(
    ("of", "before", "expected"),
    [
        (detail(disk("o"), made("v-os-r")), "off", "The VM is off, with old disk at os (o)."),
        (
            detail(made("v-os-r"), held={"os": {"name": "shown"}}),
            "on",
            "The VM is off; it ran when the restore began, with old disk at os (shown).",
        ),
        (
            detail(made("v-os-r"), disk("v-os-r2"), attached={"os": "v-os-r2"}),
            "off",
            "The VM is off, with old disk at os (v-os-r2).",
        ),
    ],
)
def test_where_a_run_has_left_the_vm(of: AzureVmState, before: Power, expected: str) -> None:
    assert describe_vm("r", inventory(of, before), inventory(of, "off")) == expected
