# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks whose answers are made wrong: every module on every service it serves, every way its traffic can look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.contract.compute import shop
from tests.contract.core import scenarios
from tests.support.bench import Bench

Options = dict[str, Any] | Callable[[Bench], dict[str, Any]]
RESTORE: dict[str, Any] = {
    "safety_checkpoint": True,
    "restore_key": "job-1",
    "if_running": "stop",
    "power_after": "previous",
}
SERIES: dict[str, Any] = {"name": "nightly", "max_age": "1h", "supersede": True}
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
    *("point", "point of some disks", "point absent", "point copied"),
    *("collection", "collection tagged", "collection absent"),
}


@dataclass(frozen=True)
class Task:
    """One task in a world of its own, made anew for each run. `locks` says that a lock is in its way by design."""

    name: str
    bench: Callable[[], Bench]
    module: str
    options: Options
    check: bool = False
    locks: bool = False

    def given(self, made: Bench) -> dict[str, Any]:
        """The options in that world."""
        told = self.options(made) if callable(self.options) else self.options
        return {"wait_timeout": TIMEOUT, **told}


def _vm(service: str, made: Bench) -> str:
    if service == "spf":
        return "web01"
    return made.arm_vm if service == "scvmm" else made.azure_vm


def _world(service: str, **switches: Any) -> Bench:
    return shop.bench(**switches) if service == "compute" else scenarios.bench(service, **switches)


def _on(service: str, name: str, module: str, options: dict[str, Any], *, locks: bool = False, **how: Any) -> Task:
    """A task on the service's VM. `how` are switches, `before` what happens in the world first."""
    before: Callable[[Bench], None] = how.pop("before", lambda _made: None)

    def bench() -> Bench:
        made = _world(service, **how)
        before(made)
        return made

    def given(made: Bench) -> dict[str, Any]:
        return options if "scope" in options else {"vm": _vm(service, made), **options}

    return Task(f"{service} {name}", bench, module, given, locks=locks)


def _series(service: str) -> Callable[[Bench], None]:
    """One of the series is there, of two days ago."""

    def before(made: Bench) -> None:
        assert "error" not in made.run("vm_checkpoint", vm=_vm(service, made), **SERIES)
        made.advance(2 * 86400)

    return before


def _restored(service: str, options: dict[str, Any]) -> Callable[[Bench], None]:
    """The same restore has been made already."""

    def before(made: Bench) -> None:
        assert "error" not in made.run("vm_checkpoint_restore", vm=_vm(service, made), **options)
        made.advance(60)

    return before


def _fault(**fault: Any) -> Callable[[Bench], None]:
    def before(made: Bench) -> None:
        made.world.faults.add(**fault)

    return before


def _fails(service: str, kind: str, problem: str = "The disk is full.") -> Callable[[Bench], None]:
    return lambda made: made.fail_next(service, kind, problem=problem)


def _of_both(service: str) -> list[Task]:
    """What SPF and Arc are asked alike."""
    restore = {"name": "baseline", **RESTORE}
    create = r"VMCheckPoints$|createCheckpoint"
    return [
        _on(service, "create", "vm_checkpoint", {"name": "new"}),
        _on(service, "is there", "vm_checkpoint", {"name": "baseline"}),
        _on(service, "series", "vm_checkpoint", SERIES, before=_series(service)),
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
    told = {"name": "baseline", "description": "told anew"}
    refused = _fault(kind="status", status=409, body=WAP_ERROR, headers={"Content-Type": "application/xml"})
    return [
        *_of_both("spf"),
        _on("spf", "describe", "vm_checkpoint", told),
        _on("spf", "describe by put", "vm_checkpoint", {**told, "spf_update_method": "put"}),
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
        _on("scvmm", "by location", "vm_checkpoint", create, arc_polling_headers="location", arc_retry_after=5),
        _on("scvmm", "with bodies", "vm_checkpoint", create, arc_error_member="always", arc_poll_running_status=200),
        _on("scvmm", "refused", "vm_checkpoint", create, before=refused),
    ]


def _compute() -> list[Task]:
    whole = {"name": "before", "safety_checkpoint": True, "restore_key": "job-1", "old_disks": "delete"}

    def on(name: str, module: str, options: dict[str, Any], **how: Any) -> Task:
        return _on("compute", name, module, options, **how)

    def no_collection(made: Bench) -> None:
        made.world.azure.collections.clear()

    return [
        on("create", "vm_checkpoint", {"name": "new"}),
        on("first create", "vm_checkpoint", {"name": "new"}, before=no_collection),
        on("is there", "vm_checkpoint", {"name": "before"}),
        on("series", "vm_checkpoint", SERIES, before=_series("compute")),
        on("absent", "vm_checkpoint", {"name": "before", "state": "absent"}),
        on("restore", "vm_checkpoint_restore", {"name": "before"}),
        on("whole restore", "vm_checkpoint_restore", whole),
        on("restore again", "vm_checkpoint_restore", whole, before=_restored("compute", whole)),
        on("info", "vm_checkpoint_info", {}),
        on("scope", "vm_checkpoint_info", {"scope": "compute"}),
        on(
            "failed create",
            "vm_checkpoint",
            {"name": "new"},
            before=lambda made: shop.fail_next(made, "point"),
        ),
        on(
            "refused create",
            "vm_checkpoint",
            {"name": "new"},
            before=lambda made: shop.fail_next(made, "point", code="OperationNotAllowed", status=409),
        ),
        on(
            "failed swap",
            "vm_checkpoint_restore",
            {"name": "before"},
            before=lambda made: shop.fail_next(made, "vm"),
        ),
    ]


def _source(made: Bench) -> str:
    return made.world.azure.resource_id("restorePointCollections", shop.HOME)


def _with_copies() -> Bench:
    made = shop.bench(compute_copy_takes="60s")
    shop.done(shop.collection(made, name="copies-north", source=_source(made), location="northeurope"))
    return made


def _points() -> list[Task]:
    point: dict[str, Any] = {"name": "new", "collection": shop.HOME, "resource_group": "rg-shop"}
    home: dict[str, Any] = {"name": shop.HOME, "resource_group": "rg-shop"}
    crash = {**point, "consistency": "crash", "exclude_disks": ["lun0"]}
    views = {**home, "instance_view": True, "disk_restore_points": True}
    copy = {**point, "name": "copy", "collection": "copies-north", "source_restore_point": "before"}

    def no_points() -> Bench:
        return shop.bench(point=False)

    def new(made: Bench) -> dict[str, Any]:
        return {**home, "source": made.azure_vm, "tags": {"team": "shop"}}

    info = "restore_point_collection_info"
    return [
        Task("point", shop.bench, "restore_point", point),
        Task("point of some disks", shop.bench, "restore_point", crash),
        Task("point is there", shop.bench, "restore_point", {**point, "name": "before"}),
        Task("point absent", shop.bench, "restore_point", {**point, "name": "before", "state": "absent"}),
        Task("point copied", _with_copies, "restore_point", copy),
        Task("collection", no_points, "restore_point_collection", new),
        Task("collection tagged", shop.bench, "restore_point_collection", {**home, "tags": {"team": "shop"}}),
        Task("collection absent", shop.bench, "restore_point_collection", {**home, "state": "absent", "force": True}),
        Task("collection's info", shop.bench, info, views),
        Task("collection's copies", _copied, info, {**views, "name": "copies-north"}),
        Task("collections of a group", shop.bench, info, {"resource_group": "rg-shop"}),
        Task("collections of all", shop.bench, info, {}),
    ]


def _copied() -> Bench:
    made = _with_copies()
    options: dict[str, Any] = {"name": "copy", "collection": "copies-north", "source_restore_point": "before"}
    shop.done(shop.point(made, **options))
    return made


def _fleet() -> list[Task]:
    """One task for a VM of each service."""

    def bench() -> Bench:
        parts = scenarios.document("spf") | scenarios.document("scvmm") | {"compute": shop.document()}
        return Bench(parts, **scenarios.QUICK, **shop.QUICK)

    def three(made: Bench) -> dict[str, Any]:
        return {"vms": [_vm(service, made) for service in ("spf", "scvmm", "compute")], "name": "new"}

    return [
        Task("three VMs", bench, "vm_checkpoint", three),
        Task("three VMs' info", bench, "vm_checkpoint_info", lambda made: {"vms": three(made)["vms"]}),
    ]


def tasks() -> list[Task]:
    """All of them; in check mode those that differ in what is asked for, not in what happens afterwards."""
    found = [*_spf(), *_arc(), *_compute(), *_points(), *_fleet()]
    checked = [replace(each, name=f"{each.name} (check)", check=True) for each in found if each.name in CHECKED]
    return [*found, *checked]
