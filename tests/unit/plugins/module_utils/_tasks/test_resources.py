# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restore_point and restore_point_collection return, whole, and what they refuse before anything is read."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points import results
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import PointTarget
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import resources, run
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.restore_point import restore_point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.restore_point_collection import (
    restore_point_collection,
)

from .services import Opened, context, later

GUID = "22222222-0000-4000-8000-000000000002"
RG = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute"
HOME = f"{RG}/restorePointCollections/c"
POINT = PointEntity.model_validate(
    {"id": f"{HOME}/restorePoints/p", "name": "p", "properties": {"consistencyMode": "CrashConsistent"}}
)
COLLECTION = CollectionEntity.model_validate(
    {"id": HOME, "name": "c", "location": "l", "properties": {"source": {"id": f"{RG}/virtualMachines/v"}}}
)


class Client:
    """A collection without locks, and a point."""

    service = "https://arm"
    opened: list[ArmSettings]

    def __init__(self, collection: CollectionEntity | None = COLLECTION, point: PointEntity | None = POINT) -> None:
        self._collection, self._point = collection, point
        self.opened = []

    def __call__(self, _arm: Any, settings: ArmSettings) -> Client:
        self.opened.append(settings)
        return self

    async def dated_collection(
        self, home: Any, *, grouped: bool = False
    ) -> tuple[CollectionEntity | None, datetime | None]:
        assert str(home) == HOME
        return self._collection, None

    async def locks(self, *_within: Any) -> list[dict[str, Any]]:
        return []

    async def point(self, point_id: str) -> PointEntity | None:
        assert point_id == POINT.id
        return self._point


SETTINGS = ArmSettings(subscription_id=GUID)


def task(
    monkeypatch: pytest.MonkeyPatch, of: Any, client: Client, settings: ArmSettings = SETTINGS, **params: Any
) -> dict[str, Any]:
    """The result of the task in check mode."""
    monkeypatch.setattr(run, "Providers", Opened(settings))
    monkeypatch.setattr(resources, "RestorePointClient", client)
    given = {"resource_group": "rg", **params}
    return later(lambda: of(given, context(check_only=True)))


def point(monkeypatch: pytest.MonkeyPatch, client: Client, **params: Any) -> dict[str, Any]:
    return task(monkeypatch, restore_point, client, **{"name": "p", "collection": "c", **params})


def collection(monkeypatch: pytest.MonkeyPatch, client: Client, **params: Any) -> dict[str, Any]:
    return task(monkeypatch, restore_point_collection, client, **{"name": "c", **params})


def test_every_key_of_a_point_that_is_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    found = point(monkeypatch, client, state="absent")
    assert client.opened == [SETTINGS]
    (action,) = found["plan"]["actions"]
    assert action["action"] == "delete"
    header = {"before_header": "restore point p", "after_header": "restore point p"}
    assert found == {
        "changed": True,
        "plan": found["plan"],
        "restore_point": results.point(POINT, "application"),
        "operation": None,
        "timing": {"read": 0.0, "total": 0.0},
        "warnings": [],
        "diff": {**header, "before": found["diff"]["before"], "after": ""},
    }
    assert found["diff"]["before"].startswith("  p\n")


def test_what_was_asked_for_is_shown_beside_what_was_achieved(monkeypatch: pytest.MonkeyPatch) -> None:
    for options, requested in (
        ({}, "application"),
        ({"consistency": "crash"}, "crash"),
        ({"source_restore_point": "q", "consistency": "crash"}, None),
    ):
        found = point(monkeypatch, Client(), state="absent", **options)
        consistency = {"requested": requested, "achieved": "CrashConsistent"}
        assert found["restore_point"]["consistency"] == consistency


def test_every_key_of_a_collection_that_is_as_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    found = collection(monkeypatch, Client())
    header = {"before_header": "collection c", "after_header": "collection c"}
    assert found == {
        "changed": False,
        "plan": found["plan"],
        "restore_point_collection": results.collection(COLLECTION),
        "operation": None,
        "timing": {"read": 0.0, "total": 0.0},
        "warnings": [],
        "diff": {**header, "before": "", "after": ""},
    }


def test_there_is_null_for_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert collection(monkeypatch, Client(None), state="absent")["restore_point_collection"] is None
    for gone in (Client(point=None), Client(None)):
        assert point(monkeypatch, gone, state="absent")["restore_point"] is None


def test_what_an_api_version_does_not_have_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ArmSettings(subscription_id=GUID, compute_api_version="2020-12-01")
    for of, params, name in (
        (restore_point, {"name": "p", "collection": "c"}, "restore_point"),
        (restore_point_collection, {"name": "c"}, "restore_point_collection"),
    ):
        with pytest.raises(InvalidInput) as raised:
            task(monkeypatch, of, Client(), old, **params)
        assert str(raised.value) == (
            f"{name}: needs compute_api_version 2021-03-01 or newer, and 2020-12-01 is in use. "
            "Set compute_api_version: 2021-03-01."
        )


def test_a_subscription_or_an_id_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = ArmSettings()
    for of, params in ((restore_point, {"name": "p", "collection": "c"}), (restore_point_collection, {"name": "c"})):
        with pytest.raises(InvalidInput, match=r"^subscription_id: is needed"):
            task(monkeypatch, of, Client(), nowhere, **params)
    given = {"name": "p", "collection": HOME, "state": "absent"}
    assert task(monkeypatch, restore_point, Client(), nowhere, **given)["changed"] is True


WHO = PointTarget(name="p", id=POINT.id, canonical=POINT.id.lower(), provider="compute", service="https://arm")
MADE, GONE = CreateResource(WHO, "it is missing"), DeleteResource(WHO, "it failed")


def test_the_diff_in_check_mode_is_of_the_plan_else_of_what_was_done() -> None:
    view = resources.ResourceView("restore_point", results.point)
    ran: Any = SimpleNamespace(
        kind=SimpleNamespace(target=WHO),
        plan=Plan(WHO, (GONE, MADE)),
        progress=Progress[Any](done=(Done(GONE),)),
        observed=None,
    )
    header = {"before_header": "restore point p", "after_header": "restore point p"}
    assert view.diff(ran, check_only=True) == {**header, "before": "  p\n", "after": "  p  it is missing\n"}
    assert view.diff(ran, check_only=False) == {**header, "before": "  p\n", "after": ""}
    assert view.keys(ran, check_only=False) == {"restore_point": None}
