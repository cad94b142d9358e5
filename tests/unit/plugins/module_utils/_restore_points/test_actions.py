# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may do with Azure's own resources, as plans, approvals and errors know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.actions import DeleteLeftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
    NoOp,
    UpdateResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import (
    collection_target,
    point_target,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import GROUP, WHO, disk
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_actions import hold

HOME = parse(f"{GROUP}/restorePointCollections/Home")
COLLECTION, POINT = collection_target(HOME, "https://arm"), point_target(HOME, "Point", "https://arm")
FIELDS: dict[str, dict[str, Any]] = {
    "tags": {"before": {}, "after": {"a": "b"}},
    "instant_access": {"before": True, "after": False},
}

ACTIONS: list[Action] = [
    CreateResource(COLLECTION, "why", fields=FIELDS),
    UpdateResource(COLLECTION, "why", fields=FIELDS),
    DeleteResource(COLLECTION, "why", fields={"restore_points_that_go": {"before": None, "after": ["p"]}}),
    CreateResource(POINT, "why"),
    DeleteResource(POINT, "why"),
    NoOp(POINT, "why"),
    DeleteLeftover(WHO, "why", disk("O")),
]


def test_what_they_are_called() -> None:
    assert [str(each) for each in (COLLECTION, POINT)] == ["collection Home", "restore point Point"]
    assert (COLLECTION.id, COLLECTION.canonical) == (str(HOME), str(HOME).lower())
    assert (POINT.id, POINT.canonical) == (f"{HOME}/restorePoints/Point", f"{HOME}/restorePoints/Point".lower())
    for each in (COLLECTION, POINT):
        assert (each.provider, each.service) == ("compute", "https://arm")


def test_what_is_shown_and_what_is_covered() -> None:
    hold(Path(__file__).parent / "golden" / "actions.txt", ACTIONS)
