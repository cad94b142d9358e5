# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs a task is about; what is refused stands in test_refusals."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_references import references_of

TAKES = "Give a name, a GUID or an ARM resource id."


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"vm": "web01"}, ["web01"]),
        ({"vm": "web01", "vms": None, "expected_plan": {"digest": "x"}}, ["web01"]),
        ({"vms": []}, []),
        ({"vms": ["a", "b"]}, ["a", "b"]),
        ({"vms": ["a"], "expected_plan": {"digest": "x"}}, ["a"]),
        ({"vm": "a" * 1024}, ["a" * 1024]),
        ({"vm": "db 1"}, ["db 1"]),
    ],
)
def test_the_vms_in_their_order(params: dict[str, Any], expected: list[str]) -> None:
    assert references_of(params) == expected


def test_a_scope_names_none() -> None:
    assert references_of({}, scope="spf", takes_scope=True) == []
    assert references_of({"expected_plan": {"digest": "x"}}, scope="spf", takes_scope=True) == []


def test_each_reference_that_cannot_be_one_fails_at_its_place() -> None:
    failed: list[tuple[int, str]] = []

    def fail(position: int, problem: CheckpointError) -> None:
        assert isinstance(problem, InvalidInput)
        failed.append((position, str(problem)))

    given = ["", "a", "b\n"]
    assert references_of({"vms": given}, fail=fail) == given
    assert failed == [
        (
            0,
            f"vms, element 1 of 3: is empty. {TAKES} Leave it out where nothing is meant, such as an unanswered survey "
            'field: "{{ value | default(omit, true) }}".',
        ),
        (2, f"vms, element 3 of 3: is longer than 1024 characters or holds control characters. {TAKES}"),
    ]
