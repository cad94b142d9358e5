# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What errors and plans call a thing, and which two things are one."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import Target
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import WEB01


def test_errors_name_a_vm_as_the_service_does() -> None:
    assert str(WEB01) == "vm web01"


def test_what_a_plan_s_actions_call_their_target() -> None:
    thing = Target(name="n", id="/N", canonical="/n", provider="compute", service="s")
    assert (str(thing), thing.to_result()) == ("target n", {"target": "n", "target_id": "/n"})
    assert WEB01.to_result() == {"vm": "web01", "vm_id": WEB01.canonical}


def test_a_vm_is_the_same_wherever_a_list_says_it_is() -> None:
    assert replace(WEB01, tags={"a": "b"}, location="westeurope") == WEB01
    assert replace(WEB01, partition="p") != WEB01
    assert (WEB01.tags, WEB01.location, WEB01.host_id, WEB01.partition) == ({}, None, None, "")
