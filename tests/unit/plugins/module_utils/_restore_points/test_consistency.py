# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a new point will be less consistent than asked for, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import VmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.consistency import (
    foreseen,
    is_downgrade,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import PointSpec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import ID


def _spec(**options: Any) -> PointSpec:
    return PointSpec.model_validate({"name": "p", "collection": "c", "resource_group": "rg", **options})


def _vm(power: str, agent: str | None = "Ready") -> VmEntity:
    shown = {"vmAgent": {"statuses": [{"displayStatus": agent}]}} if agent else {}
    view = {"instanceView": {"statuses": [{"code": f"PowerState/{power}"}], **shown}}
    return VmEntity.model_validate({"id": ID, "name": "v", "location": "l", "properties": view})


@pytest.mark.parametrize(
    ("vm", "why", "todo"),
    [
        (_vm("deallocated"), " is not running, so the point can only be crash-consistent.", "Start the VM"),
        (_vm("starting"), " is not running, so the point can only be crash-consistent.", "Start the VM"),
        (_vm("running", "Not Ready"), ': its agent is shown as "Not Ready": ', "Wait until the agent is ready"),
        (_vm("running", None), ": its agent is not shown: ", "Wait until the agent is ready"),
    ],
)
def test_less_is_a_warning_or_refused(vm: VmEntity, why: str, todo: str) -> None:
    (warning,) = foreseen(_spec(), vm)
    assert warning.startswith(f"the VM v{why}")
    with pytest.raises(VmState) as caught:
        foreseen(_spec(on_downgrade="fail"), vm)
    assert (caught.value.message, caught.value.changed_nothing) == (warning, True)
    assert caught.value.remedy == f"{todo}, or set consistency: crash or on_downgrade: warn."
    assert foreseen(_spec(consistency="crash", on_downgrade="fail"), vm) == ()


def test_nothing_is_foreseen_of_a_vm_that_is_ready() -> None:
    assert foreseen(_spec(on_downgrade="fail"), _vm("running")) == ()


@pytest.mark.parametrize(
    ("achieved", "on_windows", "elsewhere"),
    [
        ("ApplicationConsistent", False, False),
        ("FileSystemConsistent", True, False),
        ("CrashConsistent", True, True),
        ("", False, False),
    ],
)
def test_what_came_is_less(achieved: str, on_windows: bool, elsewhere: bool) -> None:
    assert is_downgrade(_spec(), achieved, "windows") is on_windows
    assert [is_downgrade(_spec(), achieved, system) for system in ("linux", "")] == [elsewhere] * 2
    assert not is_downgrade(_spec(consistency="crash"), achieved, "windows")
    assert not is_downgrade(_spec(source_restore_point="p"), achieved, "windows")


def test_another_word_for_consistency_is_no_downgrade() -> None:
    for achieved in ("CrashConsistent2", "FileSystemConsistent2"):
        assert not is_downgrade(_spec(), achieved, "windows")
    assert not is_downgrade(_spec(), "FileSystemConsistent", "windows2")
