# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks whose answers are made wrong: every module on every service it serves, every way its traffic can look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.contract.checkpoints import scenarios
from tests.contract.compute import azure_harness
from tests.support.lab import Lab

Options = dict[str, Any] | Callable[[Lab], dict[str, Any]]
RESTORE: dict[str, Any] = {
    "safety_checkpoint": True,
    "restore_key": "job-1",
    "if_running": "stop",
    "power_after": "previous",
}
SERIES: dict[str, Any] = {"name": "nightly", "max_age": "1h", "supersede": True}
POLICY: dict[str, Any] = {"prefix": "nightly", "max_age": "1h", "keep": {"last": 1}, "pins": ["baseline"]}
WAP_ERROR = (
    '<Error xmlns="http://schemas.microsoft.com/windowsazure"><Code>Busy</Code><Message>Not now.</Message></Error>'
)
ARM_ERROR = {
    "error": {
        "code": "BadRequest",
        "message": "Refused.",
        "target": "name",
        "details": [{"code": "Inner", "message": "It is so."}],
        "additionalInfo": [{"type": "PolicyViolation", "info": {"policy": "no checkpoints"}}],
    }
}
TIMEOUT = "10m"
CHECKED = {
    *(f"{service} {what}" for service in ("spf", "scvmm") for what in ("create", "series", "absent", "restore")),
    *(f"compute {what}" for what in ("first create", "series", "absent", "whole restore")),
    "spf describe",
    "leftover disk",
    *("point", "point of some disks", "point absent", "point copied"),
    *("collection", "collection tagged", "collection absent"),
}


@dataclass(frozen=True)
class Task:
    """One task in a world of its own, made anew for each run. `locks` says that a lock is in its way by design."""

    name: str
    make_lab: Callable[[], Lab]
    module: str
    options: Options
    check: bool = False
    locks: bool = False

    def given(self, lab: Lab) -> dict[str, Any]:
        """The options in that world."""
        options = self.options(lab) if callable(self.options) else self.options
        return {"wait_timeout": TIMEOUT, **options}


def _vm(service: str, lab: Lab) -> str:
    if service == "spf":
        return "web01"
    return lab.arm_vm if service == "scvmm" else lab.azure_vm


def _world(service: str, **switches: Any) -> Lab:
    return azure_harness.make_lab(**switches) if service == "compute" else scenarios.make_lab(service, **switches)


def _on(service: str, name: str, module: str, options: dict[str, Any], *, locks: bool = False, **how: Any) -> Task:
    """A task on the service's VM. `how` are switches, `before` what happens in the world first."""
    before: Callable[[Lab], None] = how.pop("before", lambda _lab: None)

    def make_lab() -> Lab:
        lab = _world(service, **how)
        before(lab)
        return lab

    def given(lab: Lab) -> dict[str, Any]:
        return options if "scope" in options else {"vm": _vm(service, lab), **options}

    return Task(f"{service} {name}", make_lab, module, given, locks=locks)


def _series(service: str) -> Callable[[Lab], None]:
    """One of the series is there, of two days ago."""

    def before(lab: Lab) -> None:
        assert "error" not in lab.run("vm_checkpoint", vm=_vm(service, lab), **SERIES)
        lab.advance(2 * 86400)

    return before


def _restored(service: str, options: dict[str, Any]) -> Callable[[Lab], None]:
    """The same restore has been made already."""

    def before(lab: Lab) -> None:
        assert "error" not in lab.run("vm_checkpoint_restore", vm=_vm(service, lab), **options)
        lab.advance(60)

    return before


def _fault(**fault: Any) -> Callable[[Lab], None]:
    def before(lab: Lab) -> None:
        lab.world.faults.add(**fault)

    return before


def _fails(service: str, kind: str, problem: str = "The disk is full.") -> Callable[[Lab], None]:
    return lambda lab: lab.fail_next(service, kind, problem=problem)


def _of_both(service: str) -> list[Task]:
    """What SPF and Arc are asked alike."""
    restore = {"name": "baseline", **RESTORE}
    create = r"VMCheckPoints$|createCheckpoint"
    return [
        _on(service, "create", "vm_checkpoint", {"name": "new"}),
        _on(service, "is there", "vm_checkpoint", {"name": "baseline"}),
        _on(service, "series", "vm_checkpoint", SERIES, before=_series(service)),
        _on(service, "policy", "vm_checkpoint_policy", POLICY, before=_series(service)),
        _on(service, "absent", "vm_checkpoint", {"name": "later", "state": "absent"}),
        _on(service, "restore", "vm_checkpoint_restore", restore),
        _on(service, "restore again", "vm_checkpoint_restore", restore, before=_restored(service, restore)),
        _on(service, "restore latest", "vm_checkpoint_restore", {"select": "latest"}),
        _on(service, "info", "vm_checkpoint_info", {}),
        _on(service, "failed create", "vm_checkpoint", {"name": "new"}, before=_fails(service, "create")),
        _on(service, "lock", "vm_checkpoint", {"name": "new"}, before=_fails(service, "create", "2602"), locks=True),
        _on(
            service,
            "lost create",
            "vm_checkpoint",
            {"name": "new"},
            before=_fault(kind="lose_answer", method="POST", path=create),
        ),
        _on(
            service,
            "lost restore",
            "vm_checkpoint_restore",
            {"name": "baseline"},
            before=_fault(kind="lose_answer", method="MERGE|POST", path=r"VMCheckPoints\(|restoreCheckpoint"),
        ),
    ]


def _spf() -> list[Task]:
    given = {"name": "baseline", "description": "described anew"}
    refused = _fault(kind="status", status=409, body=WAP_ERROR, headers={"Content-Type": "application/xml"})
    return [
        *_of_both("spf"),
        _on("spf", "describe", "vm_checkpoint", given),
        _on("spf", "describe by put", "vm_checkpoint", {**given, "spf_update_method": "put"}),
        _on("spf", "scope", "vm_checkpoint_info", {"scope": "spf"}),
        _on("spf", "paged", "vm_checkpoint_info", {"scope": "spf"}, spf_paging="absolute", spf_page_size=1),
        _on("spf", "paged near", "vm_checkpoint_info", {"scope": "spf"}, spf_paging="relative", spf_page_size=1),
        _on("spf", "job by VM", "vm_checkpoint", {"name": "new"}, spf_request_id_header=False),
        _on("spf", "no host id", "vm_checkpoint", {"name": "new", "settle_time": "20s"}, spf_host_id="never"),
        _on("spf", "portal's error", "vm_checkpoint", {"name": "new"}, before=refused),
        _on(
            "spf",
            "error at once",
            "vm_checkpoint",
            {"name": "new"},
            before=_fails("spf", "create"),
            spf_vmm_errors="sync",
        ),
    ]


def _arc() -> list[Task]:
    create = {"name": "new"}
    refused = _fault(kind="status", status=400, method="POST", path="createCheckpoint", body=ARM_ERROR)
    return [
        *_of_both("scvmm"),
        _on("scvmm", "scope", "vm_checkpoint_info", {"scope": "scvmm"}, arc_page_size=1),
        _on(
            "scvmm",
            "by location",
            "vm_checkpoint",
            create,
            arc_polling_headers="location",
            arc_retry_after=5,
            create_takes="20s",
        ),
        _on("scvmm", "with bodies", "vm_checkpoint", create, arc_error_member="always", arc_poll_running_status=200),
        _on("scvmm", "refused", "vm_checkpoint", create, before=refused),
    ]


def _compute() -> list[Task]:
    whole = {"name": "before", "safety_checkpoint": True, "restore_key": "job-1", "old_disks": "delete"}

    def on(name: str, module: str, options: dict[str, Any], **how: Any) -> Task:
        return _on("compute", name, module, options, **how)

    def no_collection(lab: Lab) -> None:
        lab.world.azure.collections.clear()

    return [
        on("create", "vm_checkpoint", {"name": "new"}),
        on("first create", "vm_checkpoint", {"name": "new"}, before=no_collection),
        on("is there", "vm_checkpoint", {"name": "before"}),
        on("series", "vm_checkpoint", SERIES, before=_series("compute")),
        on("policy", "vm_checkpoint_policy", POLICY, before=_series("compute")),
        on("absent", "vm_checkpoint", {"name": "before", "state": "absent"}),
        on("restore", "vm_checkpoint_restore", {"name": "before"}),
        on("whole restore", "vm_checkpoint_restore", whole),
        on("restore again", "vm_checkpoint_restore", whole, before=_restored("compute", whole)),
        on("info", "vm_checkpoint_info", {}),
        on("scope", "vm_checkpoint_info", {"scope": "compute"}),
        on("leftovers", "vm_checkpoint_info", {"leftovers": True}, before=_restored("compute", {"name": "before"})),
        Task("leftover disk", _with_leftovers, "leftover_disk", _leftover),
        on(
            "failed create",
            "vm_checkpoint",
            {"name": "new"},
            before=lambda lab: azure_harness.fail_next(lab, "point"),
        ),
        on(
            "refused create",
            "vm_checkpoint",
            {"name": "new"},
            before=lambda lab: azure_harness.fail_next(lab, "point", code="OperationNotAllowed", status=409),
        ),
        on(
            "failed swap",
            "vm_checkpoint_restore",
            {"name": "before"},
            before=lambda lab: azure_harness.fail_next(lab, "vm"),
        ),
    ]


def _with_leftovers() -> Lab:
    lab = azure_harness.make_lab()
    _restored("compute", {"name": "before"})(lab)
    return lab


def _leftover(lab: Lab) -> dict[str, Any]:
    ids = [lab.world.azure.resource_id("disks", name) for name in ("shop01_OsDisk", "shop01_DataDisk_0")]
    return {"vm": lab.azure_vm, "ids": ids, "state": "absent"}


def _source(lab: Lab) -> str:
    return lab.world.azure.resource_id("restorePointCollections", azure_harness.HOME)


def _with_copies() -> Lab:
    lab = azure_harness.make_lab(compute_copy_takes="60s")
    azure_harness.done(azure_harness.collection(lab, name="copies-north", source=_source(lab), location="northeurope"))
    return lab


def _points() -> list[Task]:
    point: dict[str, Any] = {"name": "new", "collection": azure_harness.HOME, "resource_group": "rg-shop"}
    home: dict[str, Any] = {"name": azure_harness.HOME, "resource_group": "rg-shop"}
    crash = {**point, "consistency": "crash", "exclude_disks": ["lun0"]}
    views = {**home, "instance_view": True, "disk_restore_points": True}
    copy = {**point, "name": "copy", "collection": "copies-north", "source_restore_point": "before"}

    def no_points() -> Lab:
        return azure_harness.make_lab(point=False)

    def new(lab: Lab) -> dict[str, Any]:
        return {**home, "source": lab.azure_vm, "tags": {"team": "shop"}}

    info = "restore_point_collection_info"
    return [
        Task("point", azure_harness.make_lab, "restore_point", point),
        Task("point of some disks", azure_harness.make_lab, "restore_point", crash),
        Task("point is there", azure_harness.make_lab, "restore_point", {**point, "name": "before"}),
        Task("point absent", azure_harness.make_lab, "restore_point", {**point, "name": "before", "state": "absent"}),
        Task("point copied", _with_copies, "restore_point", copy),
        Task("collection", no_points, "restore_point_collection", new),
        Task(
            "collection tagged", azure_harness.make_lab, "restore_point_collection", {**home, "tags": {"team": "shop"}}
        ),
        Task(
            "collection absent",
            azure_harness.make_lab,
            "restore_point_collection",
            {**home, "state": "absent", "force": True},
        ),
        Task("collection's info", azure_harness.make_lab, info, views),
        Task("collection's copies", _copied, info, {**views, "name": "copies-north"}),
        Task("collections of a group", azure_harness.make_lab, info, {"resource_group": "rg-shop"}),
        Task("collections of all", azure_harness.make_lab, info, {}),
    ]


def _copied() -> Lab:
    lab = _with_copies()
    options: dict[str, Any] = {"name": "copy", "collection": "copies-north", "source_restore_point": "before"}
    azure_harness.done(azure_harness.point(lab, **options))
    return lab


def _fleet() -> list[Task]:
    """One task for a VM of each service."""

    def make_lab() -> Lab:
        parts = scenarios.document("spf") | scenarios.document("scvmm") | {"compute": azure_harness.document()}
        return Lab(parts, **scenarios.QUICK, **azure_harness.QUICK)

    def three(lab: Lab) -> dict[str, Any]:
        return {"vms": [_vm(service, lab) for service in ("spf", "scvmm", "compute")], "name": "new"}

    return [
        Task("three VMs", make_lab, "vm_checkpoint", three),
        Task("three VMs' info", make_lab, "vm_checkpoint_info", lambda lab: {"vms": three(lab)["vms"]}),
    ]


def tasks() -> list[Task]:
    """All of them; in check mode those that differ in what is asked for, not in what happens afterwards."""
    found = [*_spf(), *_arc(), *_compute(), *_points(), *_fleet()]
    checked = [replace(each, name=f"{each.name} (check)", check=True) for each in found if each.name in CHECKED]
    return [*found, *checked]
