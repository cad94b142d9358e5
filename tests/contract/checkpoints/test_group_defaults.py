# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What defaults of the action group may hold: exactly what every module of it takes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.argument_specs import CONNECTION
from tests.contract.checkpoints.scenarios import code, make_lab
from tests.hostile.options.specs import modules

ROOT = Path(__file__).resolve().parents[3]


def test_the_group_holds_every_module() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    assert sorted(groups["all"]) == sorted(modules())


def test_the_documentation_names_exactly_what_every_module_takes() -> None:
    page = (ROOT / "docs/semantics.md").read_text()
    part = page.partition("## Defaults of the action group\n")[2].partition("\n## ")[0]
    _connection, all_take, vms_take = [
        set(re.findall(r"`(\w+)`", row.partition("\n\n")[0])) for row in part.split("\n- ")[1:]
    ]
    common = set.intersection(*[set(module.spec) for module in modules().values()]) - set(CONNECTION)
    assert common == all_take
    of_vms = [set(module.spec) for name, module in modules().items() if name.startswith("vm_checkpoint")]
    # What a filter takes is not what is to be made, removed or restored.
    assert set.intersection(*of_vms) - set(CONNECTION) - common - {"name", "select"} == vms_take


def test_what_is_not_for_the_info_module_is_checked_all_the_same_and_does_nothing() -> None:
    lab = make_lab("spf")
    plain = lab.run("vm_checkpoint_info", vm="web01")
    given = lab.run("vm_checkpoint_info", vm="web01", wait=False, poll_interval="1m", settle_time="1h")
    assert (code(given), given["checkpoints"]) == (None, plain["checkpoints"])
    assert code(lab.run("vm_checkpoint_info", vm="web01", poll_interval="5")) == "invalid_input"
