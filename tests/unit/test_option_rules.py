# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible can declare about options is declared, and a task that breaks it fails with our code."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from tests.hostile.options.specs import PACKAGE, modules

POINT = {"name": "p", "collection": "c", "resource_group": "g"}
Options = dict[str, Any]


@pytest.mark.parametrize(
    ("module", "options", "expected"),
    [
        ("vm_checkpoint", {"name": "n"}, "one of the following is required: vm, vms"),
        ("vm_checkpoint", {"vm": "a", "vms": ["b"], "name": "n"}, "parameters are mutually exclusive: vm|vms"),
        ("vm_checkpoint", {"vm": "a"}, "one of the following is required: name, checkpoint_id"),
        (
            "vm_checkpoint",
            {"vm": "a", "name": "n", "checkpoint_id": "i", "max_age": "4h"},
            "parameters are mutually exclusive: checkpoint_id|max_age",
        ),
        (
            "vm_checkpoint",
            {"vm": "a", "checkpoint_id": "i", "supersede": True},
            "supersede is True but all of the following are missing: name",
        ),
        (
            "vm_checkpoint",
            {"vm": "a", "select": "latest"},
            "state is present but any of the following are missing: name, checkpoint_id",
        ),
        (
            "vm_checkpoint",
            {"vm": "a", "name": "n", "state": "absent", "ignore_pin": True},
            "ignore_pin is True but all of the following are missing: checkpoint_id",
        ),
        ("vm_checkpoint", {"vm": "a", "name": "n", "group": {}}, "parameters are mutually exclusive: group|vm"),
        (
            "vm_checkpoint",
            {"vms": ["a"], "name": "n", "group": {}, "on_error": "stop"},
            "parameters are mutually exclusive: group|on_error",
        ),
        (
            "vm_checkpoint",
            {"vms": ["a"], "name": "n", "group": {"order": "random"}},
            "value of order must be one of: given, parallel",
        ),
        (
            "vm_checkpoint_restore",
            {"vms": ["a"], "name": "n", "group": {"on_failure": "undo"}},
            "value of on_failure must be one of: keep",
        ),
        ("vm_checkpoint_restore", {"name": "n"}, "one of the following is required: vm, vms"),
        ("vm_checkpoint_restore", {"vm": "a", "vms": ["b"], "name": "n"}, "mutually exclusive: vm|vms"),
        ("vm_checkpoint_restore", {"vm": "a"}, "one of the following is required: name, select, checkpoint_id"),
        ("vm_checkpoint_restore", {"vm": "a", "name": "n", "checkpoint_id": "i"}, "exclusive: checkpoint_id|name"),
        (
            "vm_checkpoint_restore",
            {"vm": "a", "select": "latest", "checkpoint_id": "i"},
            "mutually exclusive: checkpoint_id|select",
        ),
        ("vm_checkpoint_info", {}, "one of the following is required: vm, vms, scope"),
        ("vm_checkpoint_info", {"vm": "a", "scope": "spf"}, "parameters are mutually exclusive: vm|vms|scope"),
        (
            "vm_checkpoint_info",
            {"vm": "a", "resource_group": "g"},
            "missing parameter(s) required by 'resource_group': scope",
        ),
        ("restore_point", {"name": "p"}, "missing required arguments: collection"),
        (
            "restore_point",
            {**POINT, "source_restore_point": "s", "exclude_disks": ["lun0"]},
            "mutually exclusive: source_restore_point|exclude_disks",
        ),
        (
            "restore_point",
            {**POINT, "source_restore_point": "s", "instant_access_duration": 60},
            "mutually exclusive: source_restore_point|instant_access_duration",
        ),
        (
            "restore_point",
            {**POINT, "source_restore_point": "s", "encryption_sets": []},
            "mutually exclusive: source_restore_point|encryption_sets",
        ),
        ("restore_point", {**POINT, "consistency": "best"}, "value of consistency must be one of: application, crash"),
        ("restore_point_collection", {"name": "c"}, "missing required arguments: resource_group"),
        (
            "restore_point_collection_info",
            {"name": "c"},
            "missing parameter(s) required by 'name': resource_group",
        ),
        (
            "restore_point_collection_info",
            {"subscriptions": ["s"], "resource_group": "g"},
            "parameters are mutually exclusive: subscriptions|resource_group",
        ),
        ("vm_checkpoint_info", {"vm": "a", "nmae": "n"}, "Unsupported parameters for"),
        ("vm_checkpoint", {"vm": "a", "nmae": "n"}, "module: nmae. Supported parameters include: access_token"),
        (
            "vm_checkpoint_policy",
            {"vm": "a", "keep": {"dayly": 7}},
            "module: keep.dayly. Supported parameters include:",
        ),
        ("vm_checkpoint_policy", {"vm": "a", "min_good": "many", "kepe": {}}, "module: kepe. Supported parameters"),
    ],
)
def test_a_broken_rule_is_invalid_input(
    module: str, options: Options, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        importlib.import_module(f"{PACKAGE}.{module}").main()
    result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["failed"], result["changed"]) == (1, True, False)
    assert expected in result["msg"]
    assert result["error"]["code"] == "invalid_input"
    assert result["error"]["message"] == result["msg"]
    assert result["error"]["retry"] == "never"


@pytest.mark.parametrize(
    ("module", "options", "name"),
    [
        ("vm_checkpoint_restore", {"vm": "a", "checkpoint_id": "", "name": ""}, "checkpoint_id"),
        ("vm_checkpoint_restore", {"vm": "a", "checkpoint_id": "i", "name": ""}, "name"),
        ("vm_checkpoint", {"vm": "", "vms": ["a"], "name": "n"}, "vm"),
        (
            "vm_checkpoint_policy",
            {"vm": "a", "max_age": "4h", "adopt": {"name": "x", "name_matches": ""}},
            "name_matches",
        ),
    ],
)
def test_an_unanswered_field_is_an_empty_text_not_a_second_option(
    module: str, options: Options, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with patch_module_args(options), pytest.raises(SystemExit):
        importlib.import_module(f"{PACKAGE}.{module}").main()
    result = json.loads(capsys.readouterr().out)
    assert result["error"]["code"] == "invalid_input"
    assert result["error"]["message"] == f"{name}: is empty."
    assert "default(omit, true)" in result["error"]["remedy"]
    assert result["msg"] == f"{result['error']['message']} {result['error']['remedy']}"


@pytest.mark.parametrize(
    "options",
    [
        {"vm": "a", "spf_pasword": "open sesame"},
        {"vm": "a", "keep": {"dayly": "open sesame"}},
        {"vm": "a", "max_age": "4h", "spf_url": "https://user:sesame@localhost/x"},
    ],
)
def test_no_invocation_shows_a_misspelt_secret_or_the_password_of_a_url(
    options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    with patch_module_args(options), pytest.raises(SystemExit):
        importlib.import_module(f"{PACKAGE}.vm_checkpoint_policy").main()
    written = capsys.readouterr().out
    assert "********" in str(json.loads(written)["invocation"]["module_args"])
    assert "sesame" not in written


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        *[({"vms": ["a"], "name": "n", "group": value}, "group: takes") for value in (True, 1, 1.5, [True])],
        ({"vm": ["a", "b"], "name": "n"}, "vm: takes one VM; give several as vms."),
        ({"vms": [["a", "b"]], "name": "n"}, "vms, element 1 of 1: takes a text, not a list."),
        ({"vm": "a", "name": "n", "spf_password": {"open": "sesame"}}, "spf_password: takes a text, not a dictionary."),
        ({"vm": "a", "name": "n", "spf_token": ["sesame"]}, "spf_token: takes a text, not a list."),
    ],
)
def test_what_ansible_would_make_something_else_of_is_invalid_input(
    options: Options, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        importlib.import_module(f"{PACKAGE}.vm_checkpoint").main()
    written = capsys.readouterr().out
    result = json.loads(written)
    assert (ended.value.code, result["failed"], result["changed"]) == (1, True, False)
    assert result["error"]["code"] == "invalid_input"
    assert expected in result["msg"]
    assert "sesame" not in written


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("vm_checkpoint", {"vm": "a", "name": "n", "checkpoint_id": "i"}),
        ("vm_checkpoint", {"vm": "a", "checkpoint_id": "i", "supersede": False}),
        ("vm_checkpoint", {"vms": ["a"], "name": "n", "max_age": "4h", "supersede": True}),
        ("vm_checkpoint", {"vms": ["a"], "name": "n", "group": {}}),
        ("vm_checkpoint_restore", {"vms": ["a"], "name": "n", "group": {"order": "parallel"}}),
        ("vm_checkpoint_restore", {"vm": "a", "name": "n", "select": "latest"}),
        ("vm_checkpoint_restore", {"vm": "a", "checkpoint_id": "i"}),
        ("vm_checkpoint_info", {"scope": "compute", "resource_group": "g"}),
        ("restore_point", {**POINT, "exclude_disks": ["lun0"], "encryption_sets": [], "instant_access_duration": 60}),
        ("restore_point_collection_info", {}),
        ("restore_point_collection_info", {"name": "c", "resource_group": "g"}),
    ],
)
def test_what_goes_together_passes(module: str, options: Options) -> None:
    assert modules()[module].read(options)[1] == []
