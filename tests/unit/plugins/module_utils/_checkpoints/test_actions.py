# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may do with a VM's checkpoints, as plans, approvals and errors know it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    NoOp,
    PinChange,
    Power,
    Restore,
    SetLock,
    SetPin,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.actions import (
    CreatePoint,
    KeepPoint,
    RemovePoint,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    WEB01,
    NamedStep,
    hidden,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_actions import hold

ONE, NEW = point("A1", description="before"), Checkpoint(id="", name="nightly")
KEPT = point("B2", kept=Pin(NOW))
LATER = NOW + timedelta(hours=1)

ACTIONS: list[Action] = [
    Create(WEB01, "why", name="nightly"),
    Create(WEB01, "why", name="nightly", description="", pin=PinRequest()),
    Create(WEB01, "why", name="nightly", description="d", pin=PinRequest(timedelta(days=1))),
    Create(WEB01, "why", name="safety", safety=True, key="k", back_from="a1"),
    Update(WEB01, "why", checkpoint=ONE, description="after"),
    Update(WEB01, "why", checkpoint=ONE, pin=PinChange(PinRequest(), None, Pin())),
    Update(WEB01, "why", checkpoint=ONE, description="after", pin=PinChange(None, Pin())),
    SetPin(WEB01, "why", checkpoint=NEW, pin=PinChange(PinRequest(timedelta(days=1)))),
    SetPin(WEB01, "why", checkpoint=ONE, pin=PinChange(PinRequest(LATER), None, Pin(LATER))),
    SetPin(WEB01, "why", checkpoint=KEPT, pin=PinChange(PinRequest(LATER), Pin(NOW), Pin(LATER))),
    SetPin(WEB01, "why", checkpoint=KEPT, pin=PinChange(PinRequest(timedelta(hours=1)), Pin(NOW), Pin(LATER))),
    SetPin(WEB01, "why", checkpoint=KEPT, pin=PinChange(PinRequest(), Pin(NOW), Pin())),
    SetPin(WEB01, "why", checkpoint=KEPT, pin=PinChange(None, Pin(NOW))),
    SetPin(WEB01, "why", checkpoint=KEPT, pin=PinChange(None, Pin())),
    SetLock(WEB01, "why", checkpoint=NEW),
    SetLock(WEB01, "why", checkpoint=ONE),
    SetLock(WEB01, "why", checkpoint=ONE, on=False),
    Delete(WEB01, "why", checkpoint=ONE),
    Restore(WEB01, "why", checkpoint=ONE),
    Restore(WEB01, "why", checkpoint=ONE, has_restore_key=True, terms={"power_after": "on"}, restores="its disks"),
    Power(WEB01, "why"),
    Power(WEB01, "why", on=False),
    NoOp(WEB01, "why", checkpoint=ONE),
    NoOp(WEB01, "why", checkpoint=hidden()),
    NamedStep(WEB01, "why", name="swap its disks", shows={"run": "r1"}),
    CreatePoint(WEB01, "why", name="nightly-1", template="{prefix}-1", prefix="nightly"),
    KeepPoint(WEB01, "why", checkpoint=ONE, rule="last", rules=("last", "daily")),
    RemovePoint(WEB01, "why", checkpoint=ONE, rule="not_kept"),
]


def test_what_is_shown_and_what_is_covered() -> None:
    hold(Path(__file__).parent / "golden" / "actions.txt", ACTIONS)
