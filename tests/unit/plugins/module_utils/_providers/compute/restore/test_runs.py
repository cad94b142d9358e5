# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier runs have left behind, how the VM was before them, and where one that failed has left it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.disk_steps import (
    CreateDisk,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.runs import (
    disks_of,
    held_before,
    ran_before,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.vm_steps import (
    Deallocate,
    KeepDisks,
    Start,
    VmStep,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    WHO,
    detail,
    disk,
    inventory,
)

DELETE = {"os": {"deleteOption": "Delete", "caching": "ReadOnly"}}
RUN = RestoreRun("r")


# How a disk was held --------------------------------------------------------------------------------------------------


def _made(run: str, replaces: str = "rg/o", **tags: str) -> Any:
    return disk(f"v-os-{run}", run=run, state="pending", replaces=replaces, **tags)


@pytest.mark.parametrize(
    ("disks", "expected"),
    [
        ((), "ReadOnly/Delete/"),  # as the VM shows it
        ((_made("r", held="None/Detach/"),), "None/Detach/"),  # as this run found it
        ((_made("q", held="ReadWrite/Delete/"),), "ReadWrite/Delete/"),  # as one before it did
        ((_made("r", held="None/Detach/"), _made("q", held="ReadWrite/Delete/")), "None/Detach/"),
        ((_made("q", "rg/other", held="ReadWrite/Delete/"),), "ReadOnly/Delete/"),  # which was another disk
        ((_made("r"),), "ReadOnly/Delete/"),
    ],
)
def test_how_a_disk_was_held_before_anything_was_changed(disks: tuple[Any, ...], expected: str) -> None:
    assert held_before(detail(disk("o"), disk("other"), *disks, held=DELETE), "os", "v-os-r") == expected


def test_a_disk_that_is_nowhere_was_held_nowhere() -> None:
    assert held_before(detail(attached={}), "os", "v-os-r") == ""


@pytest.mark.parametrize(
    ("made", "ran"),
    [
        (_made("q", power="on"), True),  # an earlier run had switched it off
        (_made("q", power="off"), False),
        (_made("r", power="on"), True),
        (_made("r", power="off"), False),
    ],
)
def test_it_ran_before_if_any_run_found_it_on(made: Any, ran: bool) -> None:
    assert ran_before(inventory(detail(disk("o"), made), "off"), "r") is ran


# What earlier runs have made ------------------------------------------------------------------------------------------


def test_a_runs_disks_are_those_that_bear_its_name_too() -> None:
    made, copied, nameless = disk("v-os-r", run="r"), disk("copy-of-v-os-r", run="r"), disk("v-os-", state="pending")
    of = detail(made, copied, nameless)
    assert disks_of(of, "r") == {"os": made}
    assert disks_of(of, "") == {}


def test_a_runs_sources_are_the_disks_of_its_point() -> None:
    of = detail(also={"lun0": "d"})
    assert {slot: each.slot for slot, each in RestoreRun("r", "c/P").sources(of).items()} == {
        "os": "os",
        "lun0": "lun0",
    }
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    document["properties"]["restorePoints"][0]["name"] = "P"
    spelled = replace(of, collection=type(of.collection).model_validate(document))
    assert RestoreRun("r", "c/p").sources(spelled) == RestoreRun("r", "c/p").sources(of)
    assert RestoreRun("r", "c/other").sources(of) == RUN.sources(of) == {}


def test_a_point_that_the_tags_do_not_name_is_shown_as_such() -> None:
    assert RestoreRun("r", "").about() == {"run": "r", "point": "", "point_id": ""}
    assert RUN.about() == {"run": "r"}


# Where it stands ------------------------------------------------------------------------------------------------------


CREATE = CreateDisk(WHO, "", RUN, "v-os-r", "os", "on", False, "rg/o", "//")


def _stands(step: CreateDisk | VmStep, of: AzureVmState, now: Power = "on", before: Power = "on") -> str:
    return step.describe_state(inventory(detail(), before), inventory(of, now))


def test_before_it_was_switched_off_there_is_nothing_to_tell() -> None:
    assert _stands(CREATE, detail(disk("o"))) == ""
    assert _stands(KeepDisks(WHO, "", RUN, ()), detail(disk("o"), _made("r"))) == ""
    assert _stands(CREATE, detail(disk("o")), "off", "off") == ""


def test_a_run_that_is_taken_up_may_have_it_off_already() -> None:
    of = detail(disk("o"), _made("r", power="on"))
    text = "The VM is off; it ran when the restore began, with old disk at os (o)."
    assert _stands(CREATE, of, "off", "off") == text
    assert _stands(Start(WHO, "", RUN, ()), of, "off", "off") == text


def test_each_place_is_reported() -> None:
    data = disk("v-lun0-r", run="r"), disk("v-lun1-r", run="r")
    of = detail(_made("r"), *data, attached={"os": "v-os-r", "lun0": "d"}, power="starting")
    assert _stands(Start(WHO, "", RUN, ()), of, "unknown") == (
        'The VM is shown as "starting"; it ran when the restore began, with new disk at os (v-os-r) '
        "and old disk at lun0 and no disk at lun1."
    )
    unknown = detail(_made("r"), attached={"os": "v-os-r"}, power="")
    assert _stands(Start(WHO, "", RUN, ()), unknown, "unknown") == (
        "The VM is not shown as on or off; it ran when the restore began, with new disk at os (v-os-r)."
    )
    assert _stands(Deallocate(WHO, "", RUN, ()), detail(), "on") == "The VM is running, with the disks that it had."


def test_the_os_disk_is_named_first_and_others_by_their_place() -> None:
    made = [disk(f"v-{place}-r", run="r") for place in ("lun1", "lun0", "os")]
    of = detail(*made, attached={"os": "v-os-r", "lun0": "v-lun0-r", "lun1": "v-lun1-r"})
    assert _stands(Start(WHO, "", RUN, ()), of) == (
        "The VM is running, with new disk at os (v-os-r), lun0 (v-lun0-r), lun1 (v-lun1-r)."
    )
