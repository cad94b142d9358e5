# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that a policy forbids: which assignment, which rule; no right helps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import checkpoint, failed, make_lab

INFO: dict[str, Any] = {
    "type": "PolicyViolation",
    "info": {
        "policyAssignmentDisplayName": "No snapshots in Europe",
        "policyAssignmentName": "a1b2",
        "policyDefinitionDisplayName": "Allowed resource types",
        "policyDefinitionEffect": "deny",
    },
}
ERROR: dict[str, Any] = {
    "code": "RequestDisallowedByPolicy",
    "message": "Resource 'x' was disallowed by policy.",
    "additionalInfo": [INFO],
}


@pytest.mark.parametrize(
    "error",
    [
        ERROR,
        {"code": "Forbidden", "message": "no", "details": [ERROR]},
        {**ERROR, "additionalInfo": [{"type": "PolicyViolation", "info": {**INFO["info"], "policyAssignmentName": 7}}]},
    ],
)
def test_assignment_and_rule_are_reported_and_no_right_is_asked_for(error: dict[str, Any]) -> None:
    lab = make_lab()
    lab.world.faults.add(kind="status", status=403, body={"error": error}, method="PUT")
    message = failed(checkpoint(lab, name="new"), "forbidden")
    assert 'policy assignment "No snapshots in Europe" (rule "Allowed resource types") forbids this' in message
    assert "Ask for an exemption" in message
    assert "Ask for the right" not in message


def test_a_policy_that_does_not_say_which() -> None:
    lab = make_lab()
    body = {"error": {"code": "RequestDisallowedByPolicy", "message": "no"}}
    lab.world.faults.add(kind="status", status=403, body=body, method="PUT")
    assert "No right is missing: a policy forbids this" in failed(checkpoint(lab, name="new"), "forbidden")
