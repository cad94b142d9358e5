# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restore_point_collection_info returns, whole: which collections it reads, and what it shows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Forbidden,
    InvalidInput,
    SignInRefused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import (
    DiskRestorePointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points import results
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import restore_point_collection_info as task

from .services import Opened, context, later

GUID, OTHER = "22222222-0000-4000-8000-000000000002", "33333333-0000-4000-8000-000000000003"
RG = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute"
HERE = ArmSettings(subscription_id=GUID)


def home(name: str) -> str:
    return f"{RG}/restorePointCollections/{name}"


def of_point(collection: str, name: str, **properties: Any) -> PointEntity:
    members = {"provisioningState": "Succeeded", **properties}
    document = {"id": f"{home(collection)}/restorePoints/{name}", "name": name, "properties": members}
    return PointEntity.model_validate(document)


def holding(name: str, *points: str, vm: str = "v") -> CollectionEntity:
    """A collection of the VM with points of these names."""
    held = [of_point(name, each).model_dump() for each in points]
    properties = {"source": {"id": f"{RG}/virtualMachines/{vm}"}, "restorePoints": held or None}
    return CollectionEntity.model_validate({"id": home(name), "name": name, "location": "l", "properties": properties})


Held = Union[CollectionEntity, CheckpointError]


class Client:
    """Collections by name, each read in a second; lists show all of them."""

    def __init__(self, held: Mapping[str, Held], points: Mapping[str, PointEntity] | None = None) -> None:
        self._held, self._points = held, points or {}
        self.asked: list[str] = []

    def __call__(self, _arm: Any, settings: ArmSettings) -> Client:
        self.settings = settings
        return self

    async def graph(self, subscriptions: Sequence[str]) -> list[str]:
        self.asked.append(f"graph {' '.join(subscriptions)}")
        return [home(name) for name in self._held]

    async def collections(self, subscription: str, group: str) -> list[str]:
        self.asked.append(f"list {subscription} {group}")
        return [home(name) for name in self._held]

    async def collection(self, of: ArmId) -> CollectionEntity | None:
        self.asked.append(f"read {of.name}")
        await trio.sleep(1.234)
        found = self._held.get(of.name)
        if isinstance(found, CheckpointError):
            raise found
        return found

    async def point(self, point_id: str) -> PointEntity | None:
        self.asked.append(f"point {point_id.rsplit('/', 1)[-1]}")
        return self._points.get(point_id.rsplit("/", 1)[-1])

    async def disk_restore_points(self, point_id: str) -> list[DiskRestorePointEntity]:
        self.asked.append(f"disks of {point_id.rsplit('/', 1)[-1]}")
        return [DISK]


DISK = DiskRestorePointEntity.model_validate({"id": "/d", "name": "d", "properties": {"osType": "Linux"}})


def info(monkeypatch: pytest.MonkeyPatch, client: Client, world: Opened | None = None, **params: Any) -> dict[str, Any]:
    """The result of the task."""
    monkeypatch.setattr(task, "Providers", world or Opened(HERE))
    monkeypatch.setattr(task, "RestorePointClient", client)
    return later(lambda: task.restore_point_collection_info(params, context()))


def shown(found: dict[str, Any]) -> list[str]:
    return [f"{each['name']} {each['status']}" for each in found["restore_point_collections"]]


def test_every_key_of_what_was_read_and_of_what_could_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, closed = holding("a", "p", "q"), Forbidden("no right.", subject="arm h", status=403)
    client, world = Client({"a": whole, "b": closed}), Opened(HERE)
    found = info(
        monkeypatch, client, world, resource_group="rg", concurrency="7", wait_timeout="2m", on_error="report", x="y"
    )
    assert client.asked == [f"list {GUID} rg", "read a", "read b"]
    error = Forbidden("no right.", subject="arm h", status=403).with_subject("collection b").to_result()
    assert found == {
        "changed": False,
        "restore_point_collections": [
            {**(results.collection(whole) or {}), "status": "read", "error": None},
            {
                "id": home("b"),
                "name": "b",
                "location": None,
                "tags": None,
                "source": None,
                "source_location": None,
                "instant_access": False,
                "provisioning_state": None,
                "restore_points": None,
                "status": "failed",
                "error": error,
            },
        ],
        "warnings": [
            "1 of 2 collections could not be read; the errors are in restore_point_collections. The first: arm h: "
            "collection b: no right."
        ],
        "timing": {"total": 1.23},
    }
    pressure: Any = world.context.pressure
    assert (world.deadline.total, pressure("s").most, world.params["x"], world.is_closed) == (120.0, 7, "y", True)
    assert client.settings is HERE


def test_at_most_so_many_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({name: holding(name) for name in "abc"})
    assert info(monkeypatch, client, resource_group="rg", concurrency="1")["timing"] == {"total": 3.7}
    world = Opened(HERE)
    info(monkeypatch, client, world, resource_group="rg")
    pressure: Any = world.context.pressure
    assert pressure("s").most == 64


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, f"graph {GUID}"),
        ({"resource_group": "rg"}, f"list {GUID} rg"),
        ({"subscriptions": [OTHER, GUID]}, f"graph {OTHER} {GUID}"),
    ],
)
def test_which_are_listed(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], asked: str) -> None:
    client = Client({name: holding(name) for name in ("b", "C", "a")})
    found = info(monkeypatch, client, **options)
    order = ["b", "C", "a"] if "resource_group" in options else ["a", "b", "C"]
    assert client.asked[0] == asked
    assert shown(found) == [f"{name} read" for name in order]


def test_by_name_one_is_read_and_what_is_gone_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({"a": holding("a")})
    assert shown(info(monkeypatch, client, name="a", resource_group="rg")) == ["a read"]
    assert client.asked == ["read a"]
    none = info(monkeypatch, client, name="b", resource_group="rg")
    assert none == {"changed": False, "restore_point_collections": [], "timing": {"total": 1.23}}


def test_a_subscription_is_needed_but_where_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({"a": holding("a")})
    for options in ({}, {"resource_group": "rg"}, {"name": "a", "resource_group": "rg"}):
        with pytest.raises(InvalidInput) as raised:
            info(monkeypatch, client, Opened(), **options)
        assert str(raised.value) == "subscription_id: is needed (or AZURE_SUBSCRIPTION_ID)."
    assert shown(info(monkeypatch, client, Opened(), subscriptions=[OTHER])) == ["a read"]


@pytest.mark.parametrize("source", [f"{RG}/virtualMachines/v", f"{RG}/virtualMachines/V".replace("rg", "RG")])
def test_only_those_of_a_source(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    client = Client({"a": holding("a"), "b": holding("b", vm="w"), "c": Forbidden("no.")})
    found = info(monkeypatch, client, resource_group="rg", source=source)
    assert shown(found) == ["a read", "c failed"]
    assert (found["msg"], found["error"]["code"]) == (
        "1 of 3 collections could not be read; the first: collection c: no. Each error is in "
        "restore_point_collections.",
        "some_failed",
    )


def test_stop_leaves_the_rest_and_a_refused_sign_in_ends_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({"a": holding("a"), "b": Forbidden("no."), "c": holding("c")})
    found = info(monkeypatch, client, resource_group="rg", on_error="stop", concurrency="1")
    assert shown(found) == ["a read", "b failed", "c not_started"]
    assert found["restore_point_collections"][2]["error"] is None
    for on_error in ("continue", "stop", "report"):
        with pytest.raises(SignInRefused, match=r"^no\.$"):
            info(monkeypatch, Client({"a": SignInRefused("no.")}), resource_group="rg", on_error=on_error)


def test_how_much_is_shown_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    viewed = of_point("a", "p", instanceView={"diskRestorePoints": [{"id": "/d"}]})
    client = Client({"a": holding("a", "p", "q")}, {"p": viewed})

    def points(**options: Any) -> Any:
        client.asked.clear()
        (found,) = info(monkeypatch, client, name="a", resource_group="rg", **options)["restore_point_collections"]
        return found["restore_points"]

    plain = [results.point(of_point("a", name)) for name in "pq"]
    assert (points(), client.asked) == (plain, ["read a"])
    assert (points(points=False), client.asked) == (None, ["read a"])
    assert (points(instance_view=True), client.asked) == (
        [results.point(viewed), plain[1]],
        ["read a", "point p", "point q"],
    )
    disks = [results.disk_restore_point(DISK)]
    assert (points(disk_restore_points=True), client.asked) == (
        [{**each, "disk_restore_points": disks} for each in plain],
        ["read a", "disks of p", "disks of q"],
    )


def test_what_an_old_api_version_does_not_show_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({"a": holding("a")})
    old = Opened(ArmSettings(subscription_id=GUID, compute_api_version="2021-03-01"))
    with pytest.raises(InvalidInput, match="api_version"):
        info(monkeypatch, client, old, name="a", resource_group="rg", instance_view=True)
    assert client.asked == []
