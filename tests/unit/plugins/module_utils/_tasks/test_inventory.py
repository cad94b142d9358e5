# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory reads: which lists, in which order, which VMs of them, and what it tells of the others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Forbidden, SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import inventory as task
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory_hosts import row
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import ours
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

from .services import Opened, Service, context, machine, observed

MINE = ours("a1", "1h")
ONE, TWO = "8a1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10", "9b1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10"


def inventory(monkeypatch: pytest.MonkeyPatch, opened: Opened | Service, **params: Any) -> dict[str, Any]:
    """What the plugin is given."""
    world = Opened(spf=opened) if isinstance(opened, Service) else opened
    monkeypatch.setattr(task, "Providers", world)
    return virtual(lambda: task.inventory({"services": ["spf"], **params}, context()))


def names(found: dict[str, Any]) -> list[str]:
    return [each["name"] for each in found["rows"]]


def test_a_row_of_each_vm_and_a_warning_of_what_could_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, plain, closed = observed("a", MINE), machine("b"), machine("c")
    service = Service({"b": observed("b", MINE, power="off"), "c": Forbidden("no.")}, listed=[whole, plain, closed])
    world = Opened(spf=service)
    found = inventory(monkeypatch, world, wait_timeout="2m", concurrency="7", spf_url="u", on_error="report")
    assert found == {
        "changed": False,
        "rows": [
            row(whole.vm, whole, None),
            row(plain, observed("b", MINE, power="off"), None),
            row(closed, None, Forbidden("no.", subject="vm c")),
        ],
        "warnings": ["1 of 3 VMs could not be read; the errors are in checkpoint_error. The first: vm c: no."],
    }
    assert service.asked == ["b for list", "c for list"]
    pressure: Any = world.context.pressure
    assert (world.deadline.total, pressure("s").reading.most, world.params["spf_url"]) == (120.0, 7, "u")
    assert world.is_closed


def test_where_all_is_well_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = inventory(monkeypatch, Service(listed=[observed("a", MINE)]))
    assert (list(found), names(found)) == (["changed", "rows"], ["a"])
    assert inventory(monkeypatch, Service()) == {"changed": False, "rows": []}


def test_without_checkpoints_only_lists_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(listed=[machine("a"), observed("b", MINE)])
    found = inventory(monkeypatch, service, checkpoints=False)
    assert (service.asked, [each["status"] for each in found["rows"]]) == ([], ["not_read", "read"])


def test_only_what_passes_the_filters_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({name: observed(name) for name in "abc"}, listed=[machine(name) for name in "abc"])
    found = inventory(monkeypatch, service, include=["a", "b"], exclude=["a"])
    assert (names(found), service.asked) == (["b"], ["b for list"])


def test_the_lists_of_all_scopes_in_the_order_of_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    spf, compute = Service(listed=[observed("z")]), Service(listed=[observed("a", vm={"service": "t"})])
    found = inventory(
        monkeypatch,
        Opened(spf=spf, compute=compute),
        services=["compute", "spf"],
        subscriptions=[ONE, TWO],
        concurrency="1",
    )
    assert names(found) == ["a", "z"]
    assert spf.scopes == [Scope("spf")]
    assert compute.scopes == [Scope("compute", None, ONE), Scope("compute", None, TWO)]


def test_a_vm_that_two_lists_show_is_one_of_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [observed("a"), observed("A", vm={"canonical": "a"}), observed("a", vm={"service": "t"}), observed("b")]
    found = inventory(monkeypatch, Service(listed=listed))
    assert names(found) == ["A", "a", "b"]


def test_a_service_that_refuses_its_first_list_is_asked_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Service(listed=SignInRefused("no."))
    spf = Service(listed=[observed("a")])
    with pytest.raises(SignInRefused):
        inventory(
            monkeypatch,
            Opened(spf=spf, compute=compute),
            services=["spf", "compute"],
            subscriptions=[ONE, TWO],
        )
    assert (len(spf.scopes), compute.scopes) == (1, [Scope("compute", None, ONE)])


def test_first_each_service_is_asked_for_one_list_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Watched(Service):
        async def list_scope(self, scope: Scope) -> list[Any]:
            asked.append(f"{scope.kind} {scope.resource_group}")
            return []

    services = {kind: Watched() for kind in ("spf", "scvmm", "compute")}
    inventory(
        monkeypatch,
        Opened(None, **services),
        services=["compute", "spf", "scvmm"],
        resource_groups=["g", "h"],
        concurrency="1",
    )
    assert asked == ["compute g", "spf None", "scvmm g", "compute h", "scvmm h"]


def test_clocks_are_told_once_for_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Any] = [
        observed("right", MINE),
        observed("a", MINE, ahead=600.0),
        observed("b", MINE, ahead=900.0),
        observed("c", MINE, ahead=-600.0, vm={"service": "t"}),
        machine("d"),
    ]
    found = inventory(monkeypatch, Service({"d": Forbidden("no.")}, listed=listed), concurrency="1")
    told = "the service's clock (its Date header) is"
    assert found["warnings"] == [
        f"vm a: {told} 10m ahead of this machine's.",
        f"vm c: {told} 10m behind this machine's.",
        "1 of 5 VMs could not be read; the errors are in checkpoint_error. The first: vm d: no.",
    ]


def test_clocks_are_told_in_the_order_of_the_list_whatever_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = observed("slow", MINE, ahead=600.0), observed("quick", MINE, ahead=900.0)
    other = observed("other", MINE, ahead=-600.0, vm={"service": "t"})
    found = inventory(monkeypatch, Service({"slow": slow}, listed=[slow.vm, quick, other], seconds=1.0))
    assert found["warnings"] == [
        "vm slow: the service's clock (its Date header) is 10m ahead of this machine's.",
        "vm other: the service's clock (its Date header) is 10m behind this machine's.",
    ]


def test_what_was_read_of_a_vm_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands only the rows are kept."""
    crowd = task.Crowd(task.query_of({"services": ["spf"]}), Levels())

    async def main() -> None:
        world: Any = Opened(spf=Service(listed=[observed("a", MINE)]))
        await crowd.find(world)
        await crowd.read()

    virtual(main)
    assert [each.actual for each in crowd._findings] == [None]
    assert names(crowd.result()) == ["a"]
