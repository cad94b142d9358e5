# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vm_checkpoint and vm_checkpoint_restore make of their options, and how their results are put together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Forbidden, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import (
    Absent,
    Present,
    RestoreRequest,
    validate_options,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import (
    run,
    vm_checkpoint,
    vm_checkpoint_restore,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.checkpoints import _open, converge_vms
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import ours, present, restore
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

from .services import Opened, Service, context, later, observed

MINE = ours("a1", "1h")


def spec_of(monkeypatch: pytest.MonkeyPatch, module: Any, task: Any, params: dict[str, Any]) -> Any:
    """What the task asks for; what is around it is handed on."""
    world = context()

    async def converge(spec: Any, *given: Any) -> Any:
        assert given == (params, world)
        return {"spec": spec}

    monkeypatch.setattr(module, "converge_vms", converge)
    return virtual(lambda: task(params, world))["spec"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (
            Present,
            {
                "name": "n",
                "on_ambiguous": "newest",
                "description": "d",
                "max_age": "1h",
                "supersede": True,
                "pin": True,
                "pin_until": "2d",
                "pin_lock": True,
            },
        ),
        (Present, {"checkpoint_id": "i", "pin": False, "ignore_pin": False}),
        (Absent, {"name": "n", "on_ambiguous": "all", "supersede": False}),
        (Absent, {"name": "n", "checkpoint_id": "i", "ignore_pin": True}),
        (Absent, {"select": {"older_than": "1d"}}),
    ],
)
def test_every_option_of_a_checkpoint_counts(
    monkeypatch: pytest.MonkeyPatch, kind: Any, options: dict[str, Any]
) -> None:
    found = spec_of(
        monkeypatch,
        vm_checkpoint,
        vm_checkpoint.vm_checkpoint,
        {**options, "vm": "a", "state": "present" if kind is Present else "absent"},
    )
    assert found == validate_options(kind, {name: options[name] for name in options if name in kind.model_fields})


@pytest.mark.parametrize(
    "options",
    [
        {"name": "n", "on_ambiguous": "newest", "select": "latest"},
        {"checkpoint_id": "i"},
        {"name": "n", "safety_checkpoint": True, "restore_key": "k", "if_running": "stop"},
        {"name": "n", "power_after": "on", "old_disks": "delete"},
    ],
)
def test_every_option_of_a_restore_counts(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    found = spec_of(
        monkeypatch, vm_checkpoint_restore, vm_checkpoint_restore.vm_checkpoint_restore, {**options, "vm": "a"}
    )
    assert found == validate_options(RestoreRequest, options)


@pytest.mark.parametrize(
    ("state", "option", "value"),
    [
        ("absent", "max_age", "1h"),
        ("absent", "supersede", True),
        ("absent", "pin", True),
        ("absent", "pin", False),
        ("absent", "pin_until", "1d"),
        ("absent", "pin_lock", False),
        ("present", "select", "latest"),
        ("present", "select", {}),
        ("present", "ignore_pin", True),
    ],
)
def test_what_goes_with_the_other_state_is_refused(
    monkeypatch: pytest.MonkeyPatch, state: str, option: str, value: object
) -> None:
    given = {"name": "n", "state": state, option: value}
    with pytest.raises(InvalidInput) as raised:
        spec_of(monkeypatch, vm_checkpoint, vm_checkpoint.vm_checkpoint, given)
    other = "present" if state == "absent" else "absent"
    assert str(raised.value) == f"{option}: goes with state={other} only."


def test_without_a_state_it_is_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spec_of(monkeypatch, vm_checkpoint, vm_checkpoint.vm_checkpoint, {"name": "n"}) == Present(name="n")


def converged(
    monkeypatch: pytest.MonkeyPatch, service: Service, *, of: Any = None, check: bool = True, **params: Any
) -> dict[str, Any]:
    """The result for a checkpoint named nightly."""
    monkeypatch.setattr(run, "Providers", Opened(spf=service))
    return later(lambda: converge_vms(of or present(), params, context(check_only=check)))


def test_every_key_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    held = observed("a", MINE)
    found = converged(monkeypatch, Service({"a": held}, seconds=1.0), vm="a")
    assert found == {
        "changed": False,
        "plan": found["plan"],
        "checkpoint": held.show(MINE),
        "operation": None,
        "timing": {"read": 1.0, "total": 1.0},
        "warnings": [],
        "diff": found["diff"],
    }


def test_every_key_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    held = observed("a", MINE)
    service = Service({"a": held, "b": Forbidden("no."), "c": observed("c")}, seconds=1.0)
    found = converged(monkeypatch, service, vms=["a", "b", "c"])
    assert list(found) == ["changed", "plan", "vms", "diff", "warnings", "error", "msg", "timing"]
    assert (found["changed"], found["warnings"], found["timing"], len(found["diff"])) == (True, [], {"total": 1.0}, 2)
    assert found["msg"] == (
        "1 of 3 VMs failed; the first: vm b: no. In all: 1 to change, 1 unchanged, 1 failed. Each VM's own error is in "
        "vms."
    )
    assert found["vms"][0] == {
        "vm": "a",
        "vm_id": "id-a",
        "provider": "spf",
        "status": "unchanged",
        "plan": found["vms"][0]["plan"],
        "checkpoint": held.show(MINE),
        "operation": None,
        "timing": {"read": 1.0},
        "error": None,
    }


def test_every_key_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = converged(monkeypatch, Service(), vms=[])
    assert found == {
        "changed": False,
        "plan": found["plan"],
        "vms": [],
        "diff": [],
        "warnings": ["vms is empty: there is nothing to do."],
        "timing": {"total": 0.0},
    }


def test_a_group_is_shown_as_one_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": observed("a", MINE)})
    found = converged(monkeypatch, service, vms=["a"], group={"on_failure": "undo"})
    assert found["group"] == {
        "order": "given",
        "on_failure": "undo",
        "complete": True,
        "created": [],
        "undone": [],
        "unknown": [],
    }
    back = converged(monkeypatch, service, of=restore(), vms=["a"], group={})
    assert [name for name in back["group"] if name.endswith("back")] == ["went_back", "not_back"]


def test_each_vm_is_opened_with_the_task_s_settle_time() -> None:
    service = Service({"a": observed("a")})
    options = RunOptions.of({"settle_time": "7s"})

    async def main() -> Any:
        world: Any = Opened(spf=service)(None, context(), options.deadline())
        (kind,) = await _open(present(), ["a"], world, options, Levels())
        return kind

    of = virtual(main)
    assert (of._spec, of._settle_time, of.vm.name) == (present(), 7.0, "a")
