# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task for each option of each module, a world that suits a value, and what must be true of the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import codes
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.argument_specs import CONNECTION
from simulator.azure.model import Collection
from tests.contract.compute import azure_harness
from tests.hostile.options import allowed_requests, destinations
from tests.hostile.options.specs import Module, modules
from tests.support.lab import HOST, Lab, Result

TITLE = "values in options"
EMPTY = {"description", "vms", "exclude_disks", "encryption_sets", "ids", "pins", "tags"}
COPIES = "copies"
Base = Callable[[Lab], dict[str, Any]]


def _on(**more: Any) -> list[Base]:
    """The VM of each service."""
    return [
        lambda _lab: {"vm": "web01", **more},
        lambda lab: {"vm": lab.arm_vm, **more},
        lambda lab: {"vm": lab.azure_vm, **more},
    ]


def _in(**more: Any) -> Base:
    return lambda _lab: more


def _leftover(lab: Lab) -> dict[str, Any]:
    return {"vm": lab.azure_vm, "ids": [lab.world.azure.resource_id("disks", "nothing")], "state": "absent"}


BASES: dict[str, list[Base]] = {
    "leftover_disk": [_leftover],
    "vm_checkpoint": _on(name="new"),
    "vm_checkpoint_policy": _on(prefix="before", max_age="1h", keep={"last": 2}),
    "vm_checkpoint_restore": _on(name="before"),
    "vm_checkpoint_info": [*_on(), *(_in(scope=scope) for scope in ("spf", "scvmm", "compute"))],
    "restore_point": [_in(name="new", collection=azure_harness.HOME, resource_group="rg-shop")],
    "restore_point_collection": [
        lambda lab: {"name": "fresh", "resource_group": "rg-shop", "source": lab.azure_vm},
        _in(name=azure_harness.HOME, resource_group="rg-shop"),
    ],
    "restore_point_collection_info": [
        _in(name=azure_harness.HOME, resource_group="rg-shop"),
        _in(resource_group="rg-shop"),
        lambda lab: {"subscriptions": [lab.connection["subscription_id"]]},
    ],
}
"""Each module's tasks; a new option is tried with all of them in turn."""
_NEWER = {"compute_api_version": "2025-04-01"}
SUITING: dict[tuple[str, str], list[Base]] = {
    ("vm_checkpoint", "expected_plan"): [*_on(name="before"), *_on(name="new")],
    ("restore_point", "expected_plan"): [_in(name="before", collection=azure_harness.HOME, resource_group="rg-shop")],
    ("restore_point_collection", "expected_plan"): [_in(name=azure_harness.HOME, resource_group="rg-shop")],
    ("vm_checkpoint", "vm"): [_in(name="new")],
    ("vm_checkpoint", "vms"): [_in(name="new")],
    ("vm_checkpoint", "checkpoint_id"): _on(state="absent"),
    ("vm_checkpoint", "select"): _on(state="absent"),
    ("vm_checkpoint", "pin_until"): _on(name="new", pin=True),
    ("vm_checkpoint", "pin_lock"): _on(name="new", pin=True),
    ("vm_checkpoint", "collection"): _on(name="new")[2:],
    ("vm_checkpoint", "description"): _on(name="new")[:2],
    ("vm_checkpoint_policy", "expected_plan"): [
        *_on(prefix="before", max_age="99w", include_unmanaged=True),
        *_on(max_age="1h"),
    ],
    ("vm_checkpoint_policy", "vm"): [_in(max_age="1h")],
    ("vm_checkpoint_policy", "vms"): [_in(max_age="1h")],
    ("vm_checkpoint_policy", "collection"): _on(max_age="1h")[2:],
    ("vm_checkpoint", "group"): [_in(vms=["web01"], name="new"), lambda lab: {"vms": [lab.azure_vm], "name": "new"}],
    ("vm_checkpoint_restore", "group"): [_in(vms=["web01"], name="before")],
    ("vm_checkpoint_restore", "vm"): [_in(name="before")],
    ("vm_checkpoint_restore", "vms"): [_in(name="before")],
    ("vm_checkpoint_restore", "checkpoint_id"): _on(),
    ("vm_checkpoint_restore", "select"): _on(),
    ("vm_checkpoint_restore", "collection"): _on(name="before")[2:],
    ("vm_checkpoint_restore", "restore_key"): _on(name="before", safety_checkpoint=True)[:2],
    ("vm_checkpoint_info", "scope"): [_in()],
    ("vm_checkpoint_info", "vm"): [_in()],
    ("vm_checkpoint_info", "vms"): [_in()],
    ("vm_checkpoint_info", "collection"): _on()[2:],
    ("vm_checkpoint_info", "resource_group"): [_in(scope="scvmm"), _in(scope="compute")],
    ("restore_point", "source_restore_point"): [_in(name="new", collection=COPIES, resource_group="rg-shop")],
    ("restore_point", "instant_access_duration"): [
        _in(name="new", collection=azure_harness.HOME, resource_group="rg-shop", **_NEWER)
    ],
    ("restore_point_collection", "name"): BASES["restore_point_collection"][:1],
    ("restore_point_collection", "resource_group"): BASES["restore_point_collection"][:1],
    ("restore_point_collection", "source"): [
        _in(name="fresh", resource_group="rg-shop"),
        _in(name="fresh", resource_group="rg-shop", location="westeurope"),
        _in(name=azure_harness.HOME, resource_group="rg-shop"),
    ],
    ("restore_point_collection", "instant_access"): [_in(name=azure_harness.HOME, resource_group="rg-shop", **_NEWER)],
    ("restore_point_collection_info", "subscriptions"): [_in()],
}
"""Where an option means nothing beside another, its own tasks."""
FOR_SERVICE = {"spf": _on(name="new")[:1], "arm": _on(name="new")[1:]}
MEANT_FOR_NONE = {
    *("not_found", "missing_checkpoint", "refused", "sign_in_refused", "unreachable", "bad_answer"),
    *("ambiguous", "vm_state", "unknown_time", "limit_reached", "unsupported", "plan_changed"),
    *("approval_missing", "pinned"),
}
"""Refusals by what the service has or says, rather than by what stands in the option: nothing is changed either."""
AFTER_WRITING = {"timed_out", "unavailable", "locked", "not_proven", "outcome_unknown"}
"""What a very short deadline may end in."""
DEADLINES = {"wait_timeout", "settle_time", "poll_interval"}


def make_lab() -> Lab:
    """VMs of all services, each with a checkpoint named before; a collection, and one for copies of it elsewhere."""
    vms = {
        service: {"vms": [{"name": vm, "checkpoints": [{"name": "before", "days_old": 3}]}]}
        for service, vm in (("spf", "web01"), ("scvmm", "app01"))
    }
    lab = Lab({"compute": azure_harness.document(), **vms}, **azure_harness.QUICK)
    azure = lab.world.azure
    home, copies = (azure.resource_id("restorePointCollections", name) for name in (azure_harness.HOME, COPIES))
    azure.add_collection(Collection(copies, "northeurope", home, "westeurope", azure.ids.guid()))
    return lab


def bases(module: Module, option: str) -> list[Base]:
    """The tasks that an option is tried in."""
    if (module.name, option) in SUITING:
        return SUITING[module.name, option]
    if option not in module.own and module.name == "vm_checkpoint":
        return FOR_SERVICE["spf" if option.startswith("spf_") else "arm"]
    return BASES[module.name]


@dataclass
class Trial:
    """Values of one option, one after another, and what became of each."""

    module: Module
    option: str

    def __post_init__(self) -> None:
        self.counts: Counter[str] = Counter({"options": 1})
        self._turn = 0

    def __call__(self, value: Any) -> None:
        """One run with this value: accepted and right on the wire, or refused in one line with nothing changed."""
        possible = bases(self.module, self.option)
        self.try_in(possible[self._turn % len(possible)], value)
        self._turn += 1

    def try_in(self, base: Base, value: Any) -> None:
        """The same, in this task."""
        lab = make_lab()
        self.counts["values tried"] += 1
        value = destinations.here(lab, value)
        asked = {**lab.connection, **base(lab), **destinations.beside(self.option), self.option: value}
        params, refused = self.module.read(asked)
        if refused:
            assert any(self.option in message for message in refused), refused
            self.counts["refused by Ansible"] += 1
            return
        destinations.suit(lab, self.option, params)
        lab.watch = allowed_requests.send
        before = lab.world.dump()
        result = lab.run(self.module.name, environ=destinations.surroundings(lab, self.option), **params)
        self._judge(lab, params, result, before)

    def _judge(self, lab: Lab, params: dict[str, Any], result: Result, before: dict[str, Any]) -> None:
        for request in lab.requests:
            allowed_requests.check(request, params)
        self.counts["requests checked"] += len(lab.requests)
        json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
        error = result.get("error")
        outcome = "accepted" if error is None else f"refused: {error['code']}"
        self.counts[outcome] += 1
        if error is not None:
            self._judge_refusal(lab, result, before)
        if params.get(self.option) in ("", []) and error is None:
            # An unanswered survey field is an option that was not given, and an empty list means no VM.
            assert self.option in CONNECTION or self.option in EMPTY, self.option
            assert (self.option == "vms") is not bool(lab.requests)
            return
        if error is None or error["code"] in MEANT_FOR_NONE:
            destinations.sent(lab, self.option, params)
        if error is None:
            destinations.made(lab, self.option, params, result)

    def _judge_refusal(self, lab: Lab, result: Result, before: dict[str, Any]) -> None:
        code, message = result["error"]["code"], result["msg"]
        if code == "some_failed":  # of what is only read each has its own
            assert self.module.name == "vm_checkpoint_info"
            assert {each["error"]["code"] for each in result["vms"] if each["error"]} <= {
                "invalid_input",
                *MEANT_FOR_NONE,
            }
            code = "not_found"
        assert code in codes(), result
        assert message.isprintable(), repr(message)
        assert 0 < len(message) <= 2500, len(message)
        if code in AFTER_WRITING and self.option in DEADLINES:
            return
        assert code == "invalid_input" or code in MEANT_FOR_NONE, result
        assert result["changed"] is False, result
        if code == "invalid_input":
            assert lab.sent() == [], [str(request.url) for request in lab.sent()]
            assert destinations.named(self.option, message), (self.option, message)
        else:
            assert _settled(lab.world.dump()) == _settled(before)


def _settled(world: dict[str, Any]) -> dict[str, Any]:
    """The world without what any reading leaves behind."""
    return {name: part for name, part in world.items() if name != "credentials"}


def pairs(of_connection: bool) -> list[tuple[Module, str]]:
    """Options with their modules: the connection's once, with vm_checkpoint, for they are read in one place."""
    if of_connection:
        module = modules()["vm_checkpoint"]
        return [(module, option) for option in module.spec if option not in module.own]
    return [(module, option) for module in modules().values() for option in module.own]


__all__ = ["HOST", "TITLE", "Trial", "bases", "make_lab", "pairs"]
