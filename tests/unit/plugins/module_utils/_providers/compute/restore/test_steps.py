# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a restore in place, and those beside it, as plans, approvals and errors know them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.pins import DropStalePins
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.disk_steps import (
    CreateDisk,
    DeleteDisk,
    MarkDone,
    MarkGivenUp,
    MarkRunDone,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.vm_steps import (
    Deallocate,
    DetachDataDisks,
    DetachNewDisks,
    KeepDisks,
    ReleaseDisks,
    Start,
    SwapBack,
    SwapDisks,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import Attachment
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.steps import MakeCollection
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import GROUP, WHO
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_actions import hold

HOME = parse(f"{GROUP}/restorePointCollections/Home")
RUN = RestoreRun("r1", "c/p", "hash", RestoreRequest(name="p", power_after="on", old_disks="delete"))
PLAIN, BACK = RestoreRun("r1", "c/p", "hash", RestoreRequest(name="p")), RestoreRun("r1")
NEW = (Attachment("os", "v-os-r1"), Attachment("lun0", "v-lun0-r1"))
OLD = (Attachment("os", "rg/o", "ReadOnly/Delete/"), Attachment("lun0", "rg/d", "None//accelerated"))

ACTIONS: list[Action] = [
    MakeCollection(WHO, "why", HOME, "westeurope"),
    DropStalePins(WHO, "why", HOME, {"hybridvm-pin-b": "pinned", "hybridvm-pin-a": "pinned"}),
    CreateDisk(WHO, "why", PLAIN, "v-os-r1", "os", "on", False, "rg/o", "ReadOnly//"),
    CreateDisk(WHO, "why", RUN, "v-os-r1", "os", "off", True, "rg/o", "ReadOnly//"),
    KeepDisks(WHO, "why", PLAIN, NEW),
    Deallocate(WHO, "why", PLAIN, NEW),
    DetachDataDisks(WHO, "why", PLAIN, NEW),
    SwapDisks(WHO, "why", PLAIN, (*NEW, Attachment("lun7", "rg/e", "None//"))),
    Start(WHO, "why", PLAIN, NEW),
    DeleteDisk(WHO, "why", PLAIN, "RG/o"),
    MarkDone(WHO, "why", PLAIN, "v-lun0-r1", NEW),
    MarkGivenUp(WHO, "why", PLAIN, "v-os-r0", NEW),
    MarkRunDone(WHO, "why", PLAIN, "v-os-r1", NEW),
    DetachNewDisks(WHO, "why", BACK, OLD),
    SwapBack(WHO, "why", BACK, OLD),
    ReleaseDisks(WHO, "why", BACK, OLD),
]


def test_which_come_before_the_vm_is_off_and_which_are_put_back() -> None:
    early = {type(each).__name__ for each in ACTIONS if getattr(each, "before_shutdown", False)}
    undone = {type(each).__name__ for each in ACTIONS if getattr(each, "compensable", False)}
    assert early == {"CreateDisk", "KeepDisks"}
    assert undone == {"DetachDataDisks", "SwapDisks", "Start"}


def test_what_is_shown_and_what_is_covered() -> None:
    hold(Path(__file__).parent / "golden" / "actions.txt", ACTIONS)
