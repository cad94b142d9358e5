# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state that Azure adds is not taken for a known one that it begins like."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Remains
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection import (
    ObservedCollection,
    RestorePointCollection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection_planner import (
    plan_collection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.drift import drift
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point import (
    ObservedPoint,
    RestorePoint,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point_planner import plan_point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.states import (
    how_failed,
    is_in_progress,
    is_present,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HERE,
    VM,
    Service,
    asked_collection,
    asked_point,
    home,
    point,
)

COLLECTION = RestorePointCollection(Service().client, asked_collection(source=VM), HERE)
POINT = RestorePoint(Service().client, asked_point(), HERE)
HALTED = "DeletingHalted"
FAILED: dict[str, Any] = {"instanceView": {"statuses": [{"code": "ReplicationState/failed"}]}}


def test_what_does_not_go_is_present() -> None:
    assert is_present(home(provisioningState=HALTED))
    assert is_present(point(HALTED))
    assert not is_in_progress(HALTED.lower())


def _verbs(made: Plan) -> list[tuple[str, str]]:
    return [(each.verb, each.reason) for each in made.actions]


def test_it_is_kept_and_removed_like_any_other() -> None:
    kept, gone = [("keep", "it exists")], [("delete", "state is absent")]
    for options, wanted in (({}, kept), ({"state": "absent"}, gone)):
        of = plan_collection(asked_collection(**options), COLLECTION.target, home(provisioningState=HALTED), None)
        assert _verbs(of) == wanted
        made = plan_point(asked_point(**options), POINT.target, point(HALTED), None, (), {}, 1, None)
        assert _verbs(made) == wanted


def test_a_point_of_which_a_copy_has_failed_is_made_anew() -> None:
    made = plan_point(asked_point(), POINT.target, point(HALTED, **FAILED), None, (), {}, 1, None)
    why = "the copying of its disks failed"
    assert _verbs(made) == [("delete", why), ("create", why)]
    assert [how_failed(point(state)) for state in ("Failed", "Canceled")] == ["it failed", "it was canceled"]


@pytest.mark.parametrize(("state", "fields"), [("Succeeded", ["consistency"]), ("SucceededInPart", [])])
def test_only_what_has_succeeded_is_less_consistent(state: str, fields: list[str]) -> None:
    now = point(state, consistencyMode="CrashConsistent")
    assert [each["field"] for each in drift(asked_point(), now, {})] == fields


def test_what_proves_a_write() -> None:
    create: Any = CreateResource(COLLECTION.target, "why")
    made = COLLECTION.write(create, ObservedCollection(None, "westeurope"), Progress())
    for state, is_made in (("Succeeded", True), ("SucceededInPart", False)):
        assert made.verified(ObservedCollection(home(provisioningState=state))) is is_made
    halted = home(provisioningState=HALTED)
    gone = COLLECTION.write(DeleteResource(COLLECTION.target, "why"), ObservedCollection(home()), Progress())
    assert gone.remains is not None
    assert gone.remains(ObservedCollection(halted)) == Remains(False)
    went = POINT.write(DeleteResource(POINT.target, "why"), ObservedPoint(point()), Progress())
    assert went.remains is not None
    assert went.remains(ObservedPoint(point(HALTED))) == Remains(False)


def test_a_point_in_such_a_state_is_not_refused_as_one_that_goes() -> None:
    assert POINT._require_usable(point(HALTED)) == point(HALTED)
