# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every boolean of a result is true or false: ansible-core 2.19 refuses a null in `until` and `when`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.compute.azure_harness import HOME, fail_next, killed, make_lab
from tests.support.lab import Lab, Result

MODULES = Path(__file__).resolve().parents[3] / "plugins/modules"
Docs = dict[str, Any]


def returns(module: str) -> Docs:
    """A module's RETURN section."""
    text = (MODULES / f"{module}.py").read_text("utf-8")
    return dict(yaml.safe_load(text.partition('RETURN = r"""\n')[2].partition('"""')[0]))


def booleans(docs: Docs, where: str = "") -> Iterator[tuple[str, Docs]]:
    """The booleans that are documented, by their place."""
    for key, doc in docs.items():
        if doc["type"] == "bool":
            yield f"{where}{key}", doc
        yield from booleans(doc.get("contains", {}), f"{where}{key}.")


def found(value: Any, path: list[str]) -> Iterator[Any]:
    """What a result holds at a place, in every element of the lists on the way."""
    if isinstance(value, list):
        for each in value:
            yield from found(each, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from found(value[path[0]], path[1:])


@pytest.mark.parametrize("module", sorted(path.stem for path in MODULES.glob("[!_]*.py")))
def test_no_boolean_is_said_to_be_null(module: str) -> None:
    for where, doc in booleans(returns(module)):
        assert "null" not in str(doc["description"]), where


def _unread(lab: Lab) -> None:
    lab.world.faults.add(kind="status", status=403, path=f"restorePointCollections/{HOME}", count=None)


def _interrupted() -> Lab:
    lab = make_lab()
    killed(lab, 5, "heard")
    return lab


def _failed_point() -> Lab:
    lab = make_lab()
    fail_next(lab, "point")
    lab.run("vm_checkpoint", vm=lab.azure_vm, name="broken")
    return lab


def _refused() -> Lab:
    lab = make_lab()
    _unread(lab)
    return lab


def _row_left() -> Lab:
    lab = Lab(failed_create_row="left")
    lab.fail_next("spf", "create")
    lab.run("vm_checkpoint", vm="web01", name="new")
    return lab


POINT = {"name": "new", "collection": HOME, "resource_group": "rg-shop"}
CASES: list[tuple[str, Callable[[], Lab], dict[str, Any], bool]] = [
    ("vm_checkpoint_info", Lab, {"scope": "spf"}, False),
    ("vm_checkpoint_info", Lab, {"scope": "scvmm", "leftovers": True}, False),
    ("vm_checkpoint_info", Lab, {"vms": ["web01", "nobody"], "on_error": "report", "leftovers": True}, False),
    ("vm_checkpoint_info", _row_left, {"vm": "web01", "leftovers": True}, False),
    ("vm_checkpoint_info", _interrupted, {"scope": "compute", "leftovers": True}, False),
    ("vm_checkpoint_info", _failed_point, {"scope": "compute", "leftovers": True}, False),
    ("vm_checkpoint_info", _refused, {"scope": "compute", "leftovers": True}, False),
    ("vm_checkpoint", Lab, {"vm": "web01", "name": "new"}, True),
    ("vm_checkpoint", Lab, {"vm": "web01", "name": "new", "wait": False}, False),
    ("vm_checkpoint", make_lab, {"vm": "@azure", "name": "new"}, True),
    ("vm_checkpoint", make_lab, {"vm": "@azure", "name": "new", "wait": False}, False),
    ("vm_checkpoint_restore", make_lab, {"vm": "@azure", "name": "before"}, True),
    ("vm_checkpoint_policy", Lab, {"vm": "web01", "max_age": "1h", "keep": {"last": 1}}, False),
    ("vm_checkpoint_policy", make_lab, {"vm": "@azure", "max_age": "1h", "keep": {"last": 1}}, True),
    ("vm_checkpoint_policy", _refused, {"vms": ["@azure"], "max_age": "1h"}, True),
    ("restore_point", make_lab, POINT, True),
    ("restore_point", make_lab, {**POINT, "wait": False}, False),
    ("restore_point_collection", make_lab, {"name": HOME, "resource_group": "rg-shop"}, False),
    ("restore_point_collection_info", make_lab, {"instance_view": True}, False),
    ("restore_point_collection_info", _refused, {"on_error": "report"}, False),
    ("restore_point_collection_info", _refused, {}, False),
    ("leftover_disk", _interrupted, {"vm": "@azure", "ids": [], "state": "absent"}, False),
]


def _vm(lab: Lab, value: Any) -> Any:
    if isinstance(value, list):
        return [_vm(lab, each) for each in value]
    return lab.azure_vm if value == "@azure" else value


@pytest.mark.parametrize(("module", "world", "options", "check"), CASES)
def test_every_boolean_is_one(module: str, world: Callable[[], Lab], options: dict[str, Any], check: bool) -> None:
    lab = world()
    given: dict[str, Any] = {name: _vm(lab, value) for name, value in options.items()}
    result: Result = lab.run(module, check=check, **given)
    for where, _doc in booleans(returns(module)):
        for value in found(result, where.split(".")):
            assert isinstance(value, bool), where
    assert isinstance(result["changed"], bool)
