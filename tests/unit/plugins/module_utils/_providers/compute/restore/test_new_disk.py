# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new disk is made with: where the VM is, as the disk it replaces, and known by the restore's tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import (
    DiskEntity,
    DiskRestorePointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.new_disk import (
    left_out,
    new_disk,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import RestoreTags
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import Disk
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    SOURCE,
    detail,
)

TAGS = RestoreTags(
    run="r", state="pending", point="c/p", point_id="h", source="x", vm="v", power="on", replaces="rg/o", held="None//"
)
KEY = f"{GROUP}/diskEncryptionSets/k"
BY_KEY = "EncryptionAtRestWithCustomerKey"


def _source(**members: Any) -> Disk:
    return Disk.model_validate({"diskRestorePoint": {"id": SOURCE}, **members})


def _old(zones: Any = None, sku: Any = None, tags: Any = None, **properties: Any) -> DiskEntity:
    document = {
        "id": f"{GROUP}/disks/o",
        "name": "o",
        "location": "l",
        "sku": sku,
        "tags": tags,
        "properties": properties,
    }
    return DiskEntity.model_validate(document)


def _point(**properties: Any) -> DiskRestorePointEntity:
    return DiskRestorePointEntity.model_validate({"id": SOURCE, "name": "o_1", "properties": properties})


def _made(
    source: Disk | None = None,
    point: DiskRestorePointEntity | None = None,
    old: DiskEntity | None = None,
    zones: list[str] | None = None,
    **tags: Any,
) -> dict[str, Any]:
    vm = detail().vm.model_copy(update={"zones": zones})
    return new_disk(replace(TAGS, **tags), vm, source or _source(), point, old)


def test_the_least() -> None:
    made = _made()
    assert made == {
        "location": "l",
        "tags": made["tags"],
        "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": SOURCE}},
    }
    assert _made(Disk())["properties"]["creationData"]["sourceResourceId"] is None


def test_its_tags_tell_the_run() -> None:
    kept = {name.removeprefix("hybridvm-restore-"): value for name, value in _made(keyed="yes")["tags"].items()}
    assert {name: kept[name] for name in ("run", "state", "keyed", "replaces", "held", "power", "point")} == {
        "run": "r",
        "state": "pending",
        "keyed": "yes",
        "replaces": "rg/o",
        "held": "None//",
        "power": "on",
        "point": "c/p",
    }
    assert len(kept) == 10
    plain = _made(replaces="", held="")["tags"]
    assert (plain["hybridvm-restore-replaces"], plain["hybridvm-restore-keyed"]) == ("", "")


@pytest.mark.parametrize(
    ("kind", "zones"), [("Premium_LRS", ["1"]), ("Premium_ZRS", None), ("StandardSSD_zrs", None), (None, ["1"])]
)
def test_zones_are_the_vms_except_of_a_redundant_disk(kind: str | None, zones: list[str] | None) -> None:
    by_old = _made(old=_old(sku={"name": kind}), zones=["1"])
    by_point = _made(_source(managedDisk={"storageAccountType": kind}), zones=["1"])
    for made in (by_old, by_point):
        assert made.get("zones") == zones
        assert made.get("sku") == ({"name": kind} if kind else None)
    assert "zones" not in _made(old=_old(sku={"name": kind}))
    assert _made(_source(managedDisk={"storageAccountType": "a"}), old=_old(sku={"name": "b"}))["sku"] == {"name": "b"}


def test_its_system() -> None:
    assert _made(_source(osType="Linux"))["properties"]["osType"] == "Linux"
    for point, old, generation in (
        (_point(hyperVGeneration="V2"), _old(hyperVGeneration="V1"), "V2"),
        (_point(), _old(hyperVGeneration="V1"), "V1"),
        (None, _old(), None),
        (_point(), None, None),
    ):
        assert _made(point=point, old=old)["properties"].get("hyperVGeneration") == generation


@pytest.mark.parametrize(
    ("point", "old", "key"),
    [
        (None, _old(encryption={"type": BY_KEY, "diskEncryptionSetId": KEY}), KEY),
        (_point(encryption={"type": BY_KEY, "diskEncryptionSet": {"id": KEY}}), None, KEY),
        (_point(encryption={"type": BY_KEY, "diskEncryptionSetId": KEY}), _old(encryption={"type": "x"}), None),
        (_point(), _old(), None),
    ],
)
def test_its_key(point: DiskRestorePointEntity | None, old: DiskEntity | None, key: str | None) -> None:
    made = _made(point=point, old=old)["properties"].get("encryption")
    assert made == ({"type": BY_KEY, "diskEncryptionSetId": key} if key else None)


def test_a_disk_of_no_known_kind_has_the_sectors_that_it_gets() -> None:
    for old in (None, _old(), _old(sku={"name": None})):
        made = _made(point=_point(logicalSectorSize=512), old=old)
        assert made["properties"] == {"creationData": {"createOption": "Restore", "sourceResourceId": SOURCE}}


def test_its_network_is_the_old_one_s() -> None:
    closed = {"networkAccessPolicy": "AllowPrivate", "diskAccessId": "/a", "publicNetworkAccess": "Disabled"}
    assert closed.items() <= _made(old=_old(**closed))["properties"].items()
    assert not closed.keys() & _made(old=_old())["properties"].keys()
    assert not closed.keys() & _made()["properties"].keys()


def test_the_users_tags_come_along_as_far_as_there_is_room() -> None:
    many = {f"t{number:02}": "x" for number in range(45)}
    old = _old(tags={**many, "hybridvm-restore-run": "before", "HybridVM-Restore-Old": "x"})
    made = _made(old=old)["tags"]
    assert len(made) == 50
    assert made["hybridvm-restore-run"] == "r"
    assert left_out(old) == ["t40", "t41", "t42", "t43", "t44"]
    assert (left_out(None), left_out(_old())) == ([], [])


def test_where_the_old_one_is_gone_the_point_tells_who_may_read_it() -> None:
    closed = {"networkAccessPolicy": "AllowPrivate", "diskAccessId": "/a", "publicNetworkAccess": "Disabled"}
    assert closed.items() <= _made(point=_point(**closed))["properties"].items()
    own = _made(point=_point(**closed), old=_old(networkAccessPolicy="AllowAll"))["properties"]
    assert (own["networkAccessPolicy"], "diskAccessId" in own) == ("AllowAll", False)


@pytest.mark.parametrize("sku", ["UltraSSD_LRS", "PremiumV2_LRS", "Premium_LRS"])
@pytest.mark.parametrize("sectors", [512, 4096, None])
def test_sectors_are_the_datas_own(sku: str, sectors: int | None) -> None:
    """4096 is what new disks have; others than Ultra and Premium SSD v2 have no choice."""
    wanted = 512 if sectors == 512 and sku != "Premium_LRS" else None
    by_point = _made(point=_point(logicalSectorSize=sectors), old=_old(sku={"name": sku}))
    by_old = _made(old=_old(sku={"name": sku}, creationData={"logicalSectorSize": sectors}))
    for made in (by_point, by_old):
        assert made["properties"]["creationData"].get("logicalSectorSize") == wanted


def test_what_the_point_tells_of_its_system_comes_first_and_what_protects_it_last() -> None:
    plan, other = {"name": "a", "publisher": "p", "product": "q"}, {"name": "b", "publisher": "p", "product": "q"}
    secure, standard = {"securityType": "TrustedLaunch"}, {"securityType": "Standard"}
    point = _point(purchasePlan=plan, securityProfile=standard, supportsHibernation=False)
    made = _made(point=point, old=_old(purchasePlan=other, securityProfile=secure, supportsHibernation=True))
    assert made["properties"]["purchasePlan"] == plan
    assert made["properties"]["securityProfile"] == secure
    assert made["properties"]["supportsHibernation"] is True
    alone = _made(point=point)["properties"]
    assert (alone["purchasePlan"], alone["securityProfile"]) == (plan, standard)
    assert not {"purchasePlan", "securityProfile", "supportsHibernation"} & _made(old=_old())["properties"].keys()


def test_settings_of_the_old_one_come_along_as_far_as_its_kind_takes_them() -> None:
    old = _old(
        sku={"name": "Premium_LRS"},
        diskSizeGB=1024,
        burstingEnabled=True,
        tier="P40",
        maxShares=2,
        dataAccessAuthMode="AzureActiveDirectory",
        creationData={"performancePlus": True, "logicalSectorSize": 512},
    )
    assert _made(old=old)["properties"] == {
        "creationData": {"createOption": "Restore", "sourceResourceId": SOURCE, "performancePlus": True},
        "tier": "P40",
        "burstingEnabled": True,
        "maxShares": 2,
        "dataAccessAuthMode": "AzureActiveDirectory",
    }


def test_an_edge_zone() -> None:
    old = DiskEntity.model_validate({**_old().model_dump(), "extendedLocation": {"name": "z", "type": "EdgeZone"}})
    assert _made(old=old)["extendedLocation"] == {"name": "z", "type": "EdgeZone"}
    assert "extendedLocation" not in _made(old=_old())


@pytest.mark.parametrize(
    ("name", "first"), [("purchasePlan", "point"), ("supportedCapabilities", "point"), ("securityProfile", "old")]
)
def test_what_the_system_needs_comes_from_the_point_and_what_protects_it_from_the_old_disk(
    name: str, first: str
) -> None:
    of_point, of_old = _point(**{name: {"of": "point"}}), _old(**{name: {"of": "old"}})
    assert _made(point=of_point, old=of_old)["properties"][name] == {"of": first}
    assert _made(point=of_point)["properties"][name] == {"of": "point"}
    assert _made(old=of_old)["properties"][name] == {"of": "old"}
    assert _made(point=_point(), old=of_old)["properties"][name] == {"of": "old"}
    assert _made(point=of_point, old=_old())["properties"][name] == {"of": "point"}
    assert name not in _made(point=_point(), old=_old())["properties"]


@pytest.mark.parametrize(
    ("of_point", "of_old"), [(True, None), (None, True), (True, True), (None, None), (False, False)]
)
def test_hibernation_is_kept_where_either_supports_it(of_point: bool | None, of_old: bool | None) -> None:
    made = _made(point=_point(supportsHibernation=of_point), old=_old(supportsHibernation=of_old))["properties"]
    assert made.get("supportsHibernation", False) is bool(of_point or of_old)
