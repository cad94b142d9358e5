# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the table: each is one task, the world it begins in, and what must be so when it is done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.scenarios.documents import (
    BROKEN,
    CONF,
    GOOD,
    HOME,
    IN_GROUP,
    LEFT,
    ORDERS,
    on_azure,
    on_vmm,
    with_a_series,
    with_leftovers,
    with_mark,
)

EXISTS: Final = "exists, once"
GONE: Final = "does not exist"
VM: Final = "@vm"
"""In options: the row's VM as its service refers to it."""
KINDS = ("spf", "scvmm", "compute", "collection", "point", "disk")
VERBS = ("present", "absent", "update", "restore")
VMS = {"spf": "web01", "scvmm": "app01"}
QUICK = {
    **dict.fromkeys(("create_takes", "restore_takes", "delete_takes", "update_takes", "power_takes"), "1s"),
    **dict.fromkeys(("compute_point_takes", "compute_point_delete_takes", "compute_collection_delete_takes"), "1s"),
    **dict.fromkeys(("compute_disk_takes", "compute_vm_takes", "compute_vm_power_takes"), "1s"),
    "compute_copy_takes": "2s",
    "compute_signed_urls": False,
    "compute_hourly_limit": "off",
}
PATIENCE = {"settle_time": "3s", "wait_timeout": "12m", "poll_interval": "4s"}


@dataclass(frozen=True)
class Row:
    """One task. `wanted` says of keys of the world what they must hold when it is done; `may_change` are the only keys
    (regular expressions) that the task may change; `thing` is the key whose thing the result shows under `shows`,
    `lists` the keys (a regular expression, its group the name) that it lists there.

    `act`: a further run does it again, as a restore without restore_key does. `provable`: reading can prove the write
    when its answer is lost. `pairs`: which first faults have second ones behind them: those of BEHIND and any at a
    write, those at a write that lead to what was done being undone, none. `approved`: it is run with the plan
    of check mode as expected_plan.
    """

    kind: str
    verb: str
    options: Mapping[str, Any]
    wanted: Mapping[str, object]
    may_change: tuple[str, ...]
    variant: str = ""
    thing: str = ""
    lists: str = ""
    module: str = "vm_checkpoint"
    world: Mapping[str, Any] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)
    shows: str = "checkpoint"
    act: bool = False
    provable: bool = True
    pairs: Literal["all", "to_compensate", "none"] = "all"
    approved: bool = False

    @property
    def name(self) -> str:
        """As in `make scenarios CASE=`."""
        return f"{self.kind}/{self.verb}" + (f"+{self.variant}" if self.variant else "")

    @property
    def vm(self) -> str:
        """The name of its VM."""
        return VMS.get(self.kind, "shop01")

    def allows(self, key: str) -> bool:
        """Whether the task may change that key of the world."""
        return any(re.fullmatch(pattern, key) for pattern in self.may_change)


PINNED = "hybridvm-checkpoints=managed hybridvm-pin-before=created=2026-11-17T11:30:00Z team=shop"
_POLICY: dict[str, Any] = {"prefix": "fresh", "name_template": "{prefix}", "max_age": "1d"}
_POLICY |= {"keep": {"last": 1}, "keep_failed": 0}
# What takes longer than settle_time is still to be seen when a lost answer's reading ends.
SLOW = {"delete_takes": "9s", "compute_point_delete_takes": "9s", "compute_collection_delete_takes": "9s"}


def _vmm(service: str) -> list[Row]:
    """SPF and Arc do the same things by other words."""
    vm, world = VMS[service], on_vmm(service, VMS[service])
    new, base, later, stands = (
        f"{vm}/checkpoint new",
        f"{vm}/checkpoint baseline",
        f"{vm}/checkpoint later",
        f"{vm}/stands on",
    )
    conf, safety = f"{vm}/file {CONF}", f"{vm}/checkpoint safety before restore to baseline"
    restored = {conf: GOOD, stands: "baseline", f"{vm}/power": "Running", new: GONE}
    restore = {"name": "baseline", "vm": VM, "power_after": "on"}
    careful = {**restore, "safety_checkpoint": True, "if_running": "stop", "power_after": "on"}
    changes = (conf, stands, f"{vm}/power", f"{safety}(/.*)?")
    gone = {later: GONE, base: EXISTS}
    goes = (f"{later}(/.*)?", stands)
    absent = {"vm": VM, "name": "later", "state": "absent"}
    rows = [
        Row(service, "present", {"vm": VM, "name": "new"}, {new: EXISTS, later: EXISTS}, (f"{new}(/.*)?", stands),
            thing=new),
        Row(service, "present", {"vm": VM, "name": "new", "pin": True}, {new: EXISTS, f"{new}/pin": "pinned"},
            (f"{new}(/.*)?", stands), "pin", thing=new),
        Row(service, "absent", absent, gone, goes, thing=later),
        Row(service, "absent", absent, gone, goes, "slow", thing=later, switches=SLOW),
        Row(service, "restore", restore, restored, (conf, stands, f"{vm}/power"), thing=base, act=True,
            module="vm_checkpoint_restore"),
        Row(service, "restore", {**careful, "restore_key": "deploy-1"}, {**restored, safety: EXISTS}, changes, "key",
            thing=base, module="vm_checkpoint_restore"),
    ]  # fmt: skip
    fresh, policy = f"{vm}/checkpoint fresh", {"vm": VM, **_POLICY, "adopt": {"name": "later"}}
    rows.append(
        Row(service, "present", policy, {fresh: EXISTS, later: GONE, base: EXISTS},
            (f"({fresh}|{later})(/.*)?", stands), "policy", thing=fresh, module="vm_checkpoint_policy",
            world=with_a_series(service, vm))
    )  # fmt: skip
    given = {"vm": VM, "name": "baseline", "description": "described again"}
    if service == "spf":
        wanted = {f"{base}/description": "described again", base: EXISTS}
        rows.append(Row(service, "update", given, wanted, (f"{base}/description",), thing=base))
        pinned = {"vm": VM, "name": "baseline", "pin": True}
        rows.append(Row(service, "update", pinned, {f"{base}/pin": "pinned"}, (f"{base}/pin",), "pin", thing=base,
                        world=with_mark(service, vm)))  # fmt: skip
    return [_with(row, world=row.world or world) for row in rows]


def _with(row: Row, **more: Any) -> Row:
    return Row(**{**{name: getattr(row, name) for name in row.__dataclass_fields__}, **more})


def _azure() -> list[Row]:
    point, new, home = f"collection {HOME}/point before", f"collection {HOME}/point new", f"collection {HOME}"
    mine = "collection mine"
    disks = (r"disk shop01-(os|lun0)-\w+(/.*)?", r"disk shop01_(OsDisk|DataDisk_0)/(tags|owners)")
    restored = {f"shop01/file os {CONF}": GOOD, "shop01/power": "running", point: EXISTS}
    rows = [
        Row("compute", "present", {"vm": VM, "name": "new"}, {new: EXISTS, f"{new}/state": "Succeeded", point: EXISTS},
            (f"{new}(/.*)?",), thing=new),
        Row("compute", "present", {"vm": VM, "name": "new", "collection": "mine"},
            {mine: EXISTS, f"{mine}/point new": EXISTS, point: EXISTS}, (f"{mine}(/.*)?",), "collection",
            thing=f"{mine}/point new"),
        Row("compute", "present", {"vm": VM, "name": "new", "pin": True}, {new: EXISTS, point: EXISTS},
            (f"{new}(/.*)?", f"{home}/tags"), "pin", thing=new),
        Row("compute", "update", {"vm": VM, "name": "before", "pin": True}, {f"{home}/tags": PINNED, point: EXISTS},
            (f"{home}/tags",), thing=point),
        Row("compute", "absent", {"vm": VM, "name": "before", "state": "absent"}, {point: GONE, home: EXISTS},
            (f"{point}(/.*)?",), thing=point),
        Row("compute", "absent", {"vm": VM, "name": "before", "state": "absent"}, {point: GONE, home: EXISTS},
            (f"{point}(/.*)?",), "slow", thing=point, switches=SLOW),
        Row("compute", "present", {"vm": VM, **_POLICY, "adopt": {"name": "before"}},
            {f"{home}/point fresh": EXISTS, point: GONE, home: EXISTS}, (f"{home}/point (before|fresh)(/.*)?",),
            "policy", thing=f"{home}/point fresh", module="vm_checkpoint_policy"),
        Row("compute", "restore", {"vm": VM, "name": "before", "restore_key": "deploy-1"}, restored,
            (*disks, "shop01/(file|disk) .*", "shop01/power"), "key", thing=point, pairs="to_compensate",
            module="vm_checkpoint_restore"),
        Row("compute", "restore", {"vm": VM, "name": "before", "restore_key": "deploy-1"},
            {**restored, f"shop01/file lun0 {ORDERS}": GOOD},
            (*disks, "shop01/(file|disk) .*", "shop01/power"), "two_disks", thing=point, pairs="none",
            module="vm_checkpoint_restore", world=on_azure(data_disk=True)),
        Row("point", "present", _of_home("new"), {new: EXISTS, f"{new}/state": "Succeeded", point: EXISTS},
            (f"{new}(/.*)?",), thing=new, **_POINT),
        Row("point", "absent", _of_home("before", state="absent"), {point: GONE, home: EXISTS}, (f"{point}(/.*)?",),
            thing=point, **_POINT),
        Row("point", "absent", _of_home("before", state="absent"), {point: GONE, home: EXISTS}, (f"{point}(/.*)?",),
            "slow", thing=point, switches=SLOW, **_POINT),
        Row("collection", "present", {"name": "mine", "resource_group": "rg-shop", "source": VM, "tags": {"a": "b"}},
            {mine: EXISTS, f"{mine}/tags": "a=b", home: EXISTS}, (f"{mine}(/.*)?",), thing=mine, **_COLLECTION),
        Row("collection", "update", {"name": HOME, "resource_group": "rg-shop", "source": VM, "tags": {"a": "b"}},
            {f"{home}/tags": "a=b hybridvm-checkpoints=managed team=shop", point: EXISTS}, (f"{home}/tags",),
            thing=home, **_COLLECTION),
        Row("collection", "absent", _GOES, {home: GONE, point: GONE}, (f"{home}(/.*)?",), thing=home,
            **_COLLECTION),
        Row("collection", "absent", _GOES, {home: GONE, point: GONE}, (f"{home}(/.*)?",), "slow", thing=home,
            switches=SLOW, **_COLLECTION),
    ]  # fmt: skip
    left, left_slowly = f"disk {LEFT}", {"compute_disk_takes": "9s"}
    gone: dict[str, Any] = {
        "wanted": {left: GONE, "disk theirs": EXISTS, point: EXISTS},
        "may_change": (f"{left}(/.*)?",),
    }
    going: dict[str, Any] = {"options": {"vm": VM, "ids": [f"{IN_GROUP}/disks/{LEFT}"], "state": "absent"}, **gone}
    going |= {"module": "leftover_disk", "shows": "leftovers", "lists": f"disk ({LEFT})"}
    going["world"] = with_leftovers()
    rows += [Row("disk", "absent", **going), Row("disk", "absent", **going, variant="slow", switches=left_slowly)]
    copies = on_azure({"name": "copies", "source": HOME, "location": "northeurope"})
    copy = {"name": "copy", "collection": "copies", "resource_group": "rg-shop", "source_restore_point": "before"}
    copied = "collection copies/point copy"
    return [_with(row, world=row.world or on_azure()) for row in rows] + [
        Row("point", "present", copy, {copied: EXISTS, point: EXISTS}, (f"{copied}(/.*)?",), "copy",
            thing=copied, world=copies, **_POINT)
    ]  # fmt: skip


def _of_home(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "collection": HOME, "resource_group": "rg-shop", **more}


_GOES = {"name": HOME, "resource_group": "rg-shop", "state": "absent", "force": True}
_POINT: dict[str, Any] = {"module": "restore_point", "shows": "restore_point"}
_COLLECTION: dict[str, Any] = {"module": "restore_point_collection", "shows": "restore_point_collection"}
_INFO: dict[str, Any] = {"module": "vm_checkpoint_info", "shows": "checkpoints"}
_INFOS = (
    Row("spf", "info", {"vm": VM}, {}, (), lists="web01/checkpoint ([^/]+)", world=on_vmm("spf", "web01"), **_INFO),
    Row("scvmm", "info", {"vm": VM}, {}, (), lists="app01/checkpoint ([^/]+)", world=on_vmm("scvmm", "app01"), **_INFO),
    Row("compute", "info", {"vm": VM}, {}, (), lists=f"collection {HOME}/point ([^/]+)", world=on_azure(), **_INFO),
    Row("collection", "info", {"instance_view": True}, {}, (), lists="collection ([^/]+)", world=on_azure(),
        module="restore_point_collection_info", shows="restore_point_collections"),
)  # fmt: skip
_PLAIN = {row.name: row for row in (*_vmm("spf"), *_vmm("scvmm"), *_azure(), *_INFOS)}
_APPROVED = ("spf/present", "scvmm/absent", "compute/absent", "point/absent", "collection/absent", "disk/absent")
ROWS = _PLAIN | {
    f"{name}+approved": _with(_PLAIN[name], variant="approved", approved=True, pairs="none") for name in _APPROVED
}
IMPOSSIBLE = {
    "scvmm/update": "Arc-enabled SCVMM has no way to change a checkpoint",
    "disk/present": "restores make disks (compute/restore); the module leftover_disk only removes what they have left",
    "disk/update": "the module leftover_disk only removes",
    "disk/restore": "a disk is restored with its VM (compute/restore)",
    "point/update": "a restore point never changes; what differs is shown as drift",
    "point/restore": "the module restore_point makes and removes; vm_checkpoint_restore restores (compute/restore)",
    "collection/restore": "a collection holds points; there is nothing in it that could be restored as a whole",
}
__all__ = ["BROKEN", "EXISTS", "GONE", "IMPOSSIBLE", "KINDS", "PATIENCE", "QUICK", "ROWS", "VERBS", "VM", "Row"]
