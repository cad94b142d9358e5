# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans for a restore point collection and for a restore point, decided without a network."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
    LimitReached,
    Pinned,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, digest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.fields import region_key
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection_planner import (
    in_any_case,
    plan_collection,
    wanted_tags,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.consistency import is_downgrade
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.identity import is_another
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point_planner import plan_point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import (
    CollectionSpec,
    PointSpec,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.states import is_in_progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import PointTarget

VM = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v"
SUBJECT = PointTarget(name="it", id="/id", canonical="/id", provider="compute", service="https://arm")
IN_THE_WAY = Obstacle(("create", "update", "delete"), "it is locked.", "Unlock it.")


def _spec(**options: Any) -> CollectionSpec:
    return CollectionSpec.model_validate({"name": "c", "resource_group": "rg", **options})


def _point(**options: Any) -> PointSpec:
    return PointSpec.model_validate({"name": "p", "collection": "c", "resource_group": "rg", **options})


def _home(points: int = 0, tags: dict[str, str] | None = None, **properties: Any) -> CollectionEntity:
    held = [{"id": f"/p{n}", "name": f"p{n}", "properties": {}} for n in range(points)]
    members = {"source": {"id": VM}, "restorePoints": held, **properties}
    return CollectionEntity.model_validate(
        {"id": "/id", "name": "c", "location": "westeurope", "tags": tags, "properties": members}
    )


def _made(state: str = "Succeeded", **properties: Any) -> PointEntity:
    return PointEntity.model_validate(
        {"id": "/p", "name": "p", "properties": {"provisioningState": state, **properties}}
    )


def _machine(power: str = "running") -> VmEntity:
    view = {"instanceView": {"statuses": [{"code": f"PowerState/{power}"}]}}
    return VmEntity.model_validate({"id": VM, "name": "v", "location": "l", "properties": view})


def _of(spec: CollectionSpec, now: CollectionEntity | None, *obstacles: Obstacle) -> Plan:
    return plan_collection(spec, SUBJECT, now, "westeurope", obstacles)


def _verbs(plan: Plan) -> list[str]:
    return [action.verb for action in plan.writes]


def test_a_collection_is_made_kept_changed_and_removed() -> None:
    assert _verbs(_of(_spec(source=VM), None)) == ["create"]
    assert _verbs(_of(_spec(source=VM), _home())) == []
    assert _verbs(_of(_spec(), _home())) == []
    assert _verbs(_of(_spec(tags={"a": "b"}), _home())) == ["update"]
    assert _verbs(_of(_spec(instant_access=True), _home())) == ["update"]
    assert _verbs(_of(_spec(instant_access=False), _home())) == []
    assert _verbs(_of(_spec(state="absent"), None)) == []
    assert _verbs(_of(_spec(state="absent"), _home())) == ["delete"]
    assert _verbs(_of(_spec(state="absent", force=True), _home(2))) == ["delete"]


def test_what_a_collection_holds_is_named_as_far_as_it_can_be_read() -> None:
    with pytest.raises(InvalidInput) as caught:
        _of(_spec(state="absent"), _home(25))
    assert "it holds 25 restore points (p0, p1," in str(caught.value)
    assert "p19)" in str(caught.value)
    with pytest.raises(InvalidInput, match=r"it holds 1 restore point \(p0\), which would go with it"):
        _of(_spec(state="absent"), _home(1))


def _reasons(plan: Plan) -> list[tuple[str, str]]:
    return [(action.verb, action.reason) for action in plan.actions]


def test_what_is_under_way_is_not_begun_again() -> None:
    copied: dict[str, Any] = {"sourceRestorePoint": {"id": "/s"}}
    view: dict[str, Any] = {"instanceView": {"diskRestorePoints": [{"replicationStatus": {"completionPercent": 30}}]}}
    assert [is_in_progress(state) for state in ("creating", "updating", "deleting", "succeeded")] == [True] * 3 + [
        False
    ]
    assert _reasons(_for(_point(), _made())) == [("keep", "it exists")]
    assert _reasons(_for(_point(), _made("Creating"))) == [("keep", "it is being made")]
    assert _reasons(_for(_point(), _made("Updating"))) == [("keep", "it is being changed")]
    assert _reasons(_for(_point(), _made("Deleting"))) == [("create", "it is being removed")]
    assert _reasons(_for(_point(state="absent"), _made("Deleting"))) == [("keep", "it is being removed")]
    assert _reasons(_for(_point(), _made(**copied))) == [("keep", "it is being copied")]
    assert _reasons(_for(_point(), _made(**copied, **view))) == [("keep", "it is being copied, 30 % so far")]
    assert _reasons(_of(_spec(), _home())) == [("keep", "it exists")]
    assert _reasons(_of(_spec(), _home(provisioningState="Updating"))) == [("keep", "it is being changed")]
    going = _home(2, provisioningState="Deleting")
    assert _reasons(_of(_spec(source=f"{VM}2"), going)) == [("create", "it is being removed")]
    assert _reasons(_of(_spec(state="absent"), going)) == [("keep", "it is being removed")]


def test_what_is_missing_for_a_new_collection() -> None:
    with pytest.raises(InvalidInput, match="source"):
        _of(_spec(), None)
    with pytest.raises(InvalidInput, match="location"):
        plan_collection(_spec(source=VM), SUBJECT, None, None)


def test_what_cannot_be_changed_and_what_is_not_removed() -> None:
    with pytest.raises(InvalidInput, match="source is"):
        _of(_spec(source=f"{VM}2"), _home())
    with pytest.raises(InvalidInput, match="source is"):
        _of(_spec(source=VM), _home(source=None))
    with pytest.raises(InvalidInput, match="location is westeurope"):
        _of(_spec(location="eastus"), _home())
    with pytest.raises(InvalidInput, match="2 restore points"):
        _of(_spec(state="absent"), _home(2))


def test_a_lock_refuses_only_what_would_be_written() -> None:
    assert _verbs(_of(_spec(), _home(), IN_THE_WAY)) == []
    for spec, now in ((_spec(source=VM), None), (_spec(tags={"a": "b"}), _home()), (_spec(state="absent"), _home())):
        with pytest.raises(VmState, match="locked"):
            _of(spec, now, IN_THE_WAY)


@pytest.mark.parametrize(
    ("tags", "append", "now", "wanted"),
    [
        (None, True, {"a": "1"}, {"a": "1"}),
        (None, False, {"a": "1"}, {"a": "1"}),
        ({}, True, {"a": "1"}, {"a": "1"}),
        ({}, False, {"a": "1"}, {}),
        ({"a": "2"}, True, {"a": "1", "b": "1"}, {"a": "2", "b": "1"}),
        ({"a": "2"}, False, {"a": "1", "b": "1"}, {"a": "2"}),
        ({"a": "2"}, True, None, {"a": "2"}),
        ({"A": "2"}, True, {"a": "1", "b": "1"}, {"a": "2", "b": "1"}),
        ({"A": "1"}, False, {"a": "1", "b": "1"}, {"a": "1"}),
        ({"a": "X"}, True, {"a": "x"}, {"a": "X"}),
    ],
)
def test_tags(tags: dict[str, str] | None, append: bool, now: dict[str, str] | None, wanted: dict[str, str]) -> None:
    assert wanted_tags(_spec(tags=tags, append_tags=append), _home(tags=now)) == wanted


def test_regions_are_one_in_any_spelling() -> None:
    assert in_any_case({"A": "b"}) == {"a": "b"} != in_any_case({"A": "B"})
    assert region_key("West Europe") == region_key("westeurope") != region_key("northeurope")


def _for(spec: PointSpec, now: PointEntity | None, *obstacles: Obstacle, **more: Any) -> Plan:
    fields = {"exclude_disks": None, "consistency": spec.consistency, **more.pop("fields", {})}
    vm, count, pin = more.pop("vm", _machine()), more.pop("count", 0), more.pop("pin", None)
    return plan_point(spec, SUBJECT, now, vm, obstacles, fields, count, pin)


def test_a_point_is_made_kept_made_anew_and_removed() -> None:
    assert _verbs(_for(_point(), None)) == ["create"]
    assert _verbs(_for(_point(), _made())) == []
    assert _verbs(_for(_point(), _made("Creating"))) == []
    assert _verbs(_for(_point(), _made("Failed"))) == ["delete", "create"]
    assert _verbs(_for(_point(), _made("Canceled"))) == ["delete", "create"]
    assert _verbs(_for(_point(), _made(provisioningState=None))) == []
    assert _verbs(_for(_point(), _made("Deleting"))) == ["create"]
    assert _verbs(_for(_point(state="absent"), None)) == []
    assert _verbs(_for(_point(state="absent"), _made())) == ["delete"]


def test_the_digest_is_one_however_ids_and_places_are_spelled() -> None:
    def of(source: str, location: str) -> str:
        return digest([plan_collection(_spec(source=source), SUBJECT, None, location)])

    assert {
        of(VM, "westeurope"),
        of(VM.upper(), "West Europe"),
        of(VM[1:], "westEurope"),
        of(f"{VM}/", "westeurope"),
    } == {of(VM, "westeurope")}
    assert of(VM, "westeurope") != of(f"{VM}2", "westeurope") != of(f"{VM}2", "eastus")

    def made(source: str, key: str, lun: str = "lun0") -> str:
        sets = [{"place": lun, "id": key, "type": "EncryptionAtRestWithCustomerKey"}]
        return digest([_for(_point(), None, fields={"source_restore_point": source, "encryption_sets": sets})])

    assert {made("/S/P", "/Key"), made("s/p", "/key"), made("/s/P/", "/KEY")} == {made("/s/p", "/key")}
    assert len({made("/s/p", "/key"), made("/s/q", "/key"), made("/s/p", "/kez"), made("/s/p", "/key", "lun1")}) == 4


def test_what_bears_a_name_may_be_another_than_was_read() -> None:
    early, late = {"timeCreated": "2024-01-01T00:00:00Z"}, {"timeCreated": "2024-01-01T00:00:01Z"}
    assert is_another(_made(**late), _made(**early))
    assert not is_another(_made("Deleting", **early), _made("Failed", **early))
    # A point that failed need not tell when it was made.
    assert [is_another(_made(state), _made("Failed")) for state in ("Creating", "Succeeded")] == [True] * 2
    assert [is_another(_made(state, **late), _made("Failed")) for state in ("Failed", "Deleting")] == [False] * 2
    assert not is_another(_made("Creating"), _made())
    first, second = _home(restorePointCollectionId="1"), _home(restorePointCollectionId="2")
    assert [is_another(found, first) for found in (first, second, _home())] == [False, True, False]
    assert not is_another(second, _home())


def test_obstacles_to_a_point() -> None:
    assert _verbs(_for(_point(), _made(), IN_THE_WAY)) == []
    for spec, now in ((_point(), None), (_point(), _made("Failed")), (_point(state="absent"), _made())):
        with pytest.raises(VmState, match="locked"):
            _for(spec, now, IN_THE_WAY)
    assert _verbs(_for(_point(), None, Obstacle(("delete",), "kept.", ""))) == ["create"]


def test_the_limit_counts_what_goes_first() -> None:
    assert _verbs(_for(_point(), None, count=499)) == ["create"]
    with pytest.raises(LimitReached, match="500"):
        _for(_point(), None, count=500)
    assert _verbs(_for(_point(), _made("Failed"), count=500)) == ["delete", "create"]


def test_a_vm_that_is_off() -> None:
    off = _machine("deallocated")
    (warning,) = _for(_point(), None, vm=off).warnings
    assert "crash-consistent" in warning
    assert _for(_point(consistency="crash"), None, vm=off).warnings == ()
    assert _for(_point(), None, vm=None).warnings == ()
    with pytest.raises(VmState, match="not running"):
        _for(_point(on_downgrade="fail"), None, vm=off)


def _drift(spec: PointSpec, now: PointEntity, **fields: Any) -> list[str]:
    return [each["field"] for each in _for(spec, now, fields=fields).drift]


def test_drift() -> None:
    assert _drift(_point(), _made()) == _drift(_point(exclude_disks=[]), _made()) == []
    held = _made(excludeDisks=[{"id": "/D"}])
    assert _drift(_point(), held) == []
    assert _drift(_point(exclude_disks=["d"]), held, exclude_disks=["/d"]) == []
    assert _drift(_point(exclude_disks=[]), held) == ["exclude_disks"]
    whole = _made(
        sourceMetadata={"storageProfile": {"osDisk": {"name": "Os"}, "dataDisks": [{"lun": 1, "name": "D1"}]}}
    )
    for disk in ("os", "OS", "lun1", "1", "d1", "lun7", "nope", "/d"):
        assert _drift(_point(exclude_disks=[disk]), whole) == ["exclude_disks"]
    one = _made(
        excludeDisks=[{"id": "/x/D1"}], sourceMetadata={"storageProfile": {"osDisk": {"name": "Os"}, "dataDisks": []}}
    )
    # Of a disk that was left out a point tells the id; its place can only be believed.
    for same in (["d1"], ["/x/d1"], [" lun1 "], ["1"], ["lun1", "D1"]):
        assert _drift(_point(exclude_disks=same), one) == []
    bare = _made(excludeDisks=[{"id": "x/D1"}])
    assert _drift(_point(exclude_disks=["/X/d1/"]), bare) == _drift(_point(exclude_disks=["d1"]), bare) == []
    for other in ([], ["os"], ["d1", "os"], ["d2"], ["d1", "d2"], ["/y/d1"], ["lun5", "d2"]):
        assert _drift(_point(exclude_disks=other), one) == ["exclude_disks"]
    crash = _made(consistencyMode="CrashConsistent")
    assert _drift(_point(), crash) == ["consistency"]
    assert _drift(_point(consistency="crash"), crash) == []
    assert _drift(_point(), _made("Creating", consistencyMode="CrashConsistent")) == []
    copied = _made(sourceRestorePoint={"id": "/S"})
    copy = _point(source_restore_point="/s")
    assert _drift(copy, copied, source_restore_point="/s") == []
    for source in ("s", "/S", "s/"):
        assert _drift(copy, _made(sourceRestorePoint={"id": source}), source_restore_point="/s") == []
    assert _drift(copy, _made(sourceRestorePoint={}), source_restore_point="/s") == ["source_restore_point"]
    assert _drift(copy, copied, source_restore_point="/other") == ["source_restore_point"]
    assert _drift(copy, _made(), source_restore_point="/s") == ["source_restore_point"]
    lasting = _point(instant_access_duration=60)
    assert _drift(lasting, _made(instantAccessDurationMinutes=60), instant_access_duration=60) == []
    assert _drift(lasting, _made(), instant_access_duration=60) == ["instant_access_duration"]


@pytest.mark.parametrize(
    ("options", "achieved", "less"),
    [
        ({}, "CrashConsistent", True),
        ({}, "FileSystemConsistent", False),
        ({}, "ApplicationConsistent", False),
        ({"consistency": "crash"}, "CrashConsistent", False),
        ({"source_restore_point": "x"}, "CrashConsistent", False),
    ],
)
def test_downgrades(options: dict[str, Any], achieved: str, less: bool) -> None:
    assert is_downgrade(_point(**options), achieved) is less
    assert is_downgrade(_point(**options), achieved, "linux") is less
    on_windows = less or (achieved == "FileSystemConsistent" and not options)
    assert is_downgrade(_point(**options), achieved, "windows") is on_windows


def test_an_error_names_the_resource() -> None:
    assert str(SUBJECT) == "restore point it"


def _fields(plan: Plan) -> dict[str, Any]:
    (action,) = plan.writes
    return dict(getattr(action, "fields", {}))


def test_what_a_new_collection_is_made_with() -> None:
    spec = _spec(source=VM, tags={"a": "b"}, instant_access=True)
    assert _fields(_of(spec, None)) == {
        "location": {"before": None, "after": "westeurope"},
        "source": {"before": None, "after": VM.lower()},
        "tags": {"before": None, "after": {"a": "b"}},
        "instant_access": {"before": None, "after": True},
    }
    assert _fields(_of(_spec(source=VM), None)).keys() == {"location", "source"}


def test_what_changes_of_a_collection() -> None:
    plan = _of(_spec(tags={"a": "2"}, instant_access=True), _home(tags={"a": "1"}))
    assert _fields(plan) == {
        "tags": {"before": {"a": "1"}, "after": {"a": "2"}},
        "instant_access": {"before": False, "after": True},
    }
    assert _reasons(plan) == [("update", "instant_access and tags differ")]


def test_drift_says_what_is_asked_for_and_what_is_there() -> None:
    now = _made(
        excludeDisks=[{"id": "/D"}],
        instantAccessDurationMinutes=60,
        sourceRestorePoint={"id": "/p"},
        consistencyMode="CrashConsistent",
    )
    spec = _point(exclude_disks=[" /E ", "/a"])
    plan = _for(spec, now, fields={"instant_access_duration": 90, "source_restore_point": "/q"})
    assert plan.drift == (
        {"field": "exclude_disks", "desired": ["/a", "/e"], "actual": ["/d"]},
        {"field": "source_restore_point", "desired": "/q", "actual": "/p"},
        {"field": "instant_access_duration", "desired": 90, "actual": 60},
        {"field": "consistency", "desired": "application", "actual": "CrashConsistent"},
    )
    assert plan.warnings == (
        "exclude_disks, source_restore_point, instant_access_duration, consistency is not as asked for, and a point "
        "cannot be changed; see drift.",
    )
    bare = _for(_point(), _made(), fields={"instant_access_duration": 90})
    assert bare.drift == ({"field": "instant_access_duration", "desired": 90, "actual": None},)


def test_what_was_left_out_without_an_id_is_known_by_nothing() -> None:
    assert _drift(_point(exclude_disks=["d"]), _made(excludeDisks=[{}])) == ["exclude_disks"]
    nameless = _for(_point(exclude_disks=["d"]), _made(excludeDisks=[{}]))
    assert nameless.drift == ({"field": "exclude_disks", "desired": ["d"], "actual": [""]},)
    assert in_any_case(None) == {}


def test_of_many_pins_twenty_are_named() -> None:
    pins = {f"/p{number:02}": Pin() for number in range(21)}
    with pytest.raises(Pinned) as raised:
        plan_collection(_spec(state="absent", force=True), SUBJECT, _home(), None, (), pins)
    listed = ", ".join(f"p{number:02} is pinned" for number in range(20))
    assert raised.value.message == f"21 of its restore points are pinned ({listed})."
