# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specs that modules share; each is documented by the part of its name in plugins/doc_fragments."""

from __future__ import annotations

import typing as t

CONNECTION: dict[str, t.Any] = {
    "spf_url": {"type": "str"},
    "spf_subscription_id": {"type": "str"},
    "spf_stamp_id": {"type": "str"},
    "spf_principal_id": {"type": "str"},
    "spf_auth": {
        "type": "str",
        "choices": ["auto", "kerberos", "ntlm", "negotiate", "basic", "bearer", "certificate"],
    },
    "spf_username": {"type": "str"},
    "spf_password": {"type": "str", "no_log": True},
    "spf_token": {"type": "str", "no_log": True},
    "spf_token_file": {"type": "path", "no_log": False},
    "spf_keytab": {"type": "path", "no_log": False},
    "spf_service_principal": {"type": "str"},
    "spf_channel_bindings": {"type": "str", "choices": ["auto", "omit"]},
    "spf_client_cert": {"type": "path"},
    "spf_client_key": {"type": "path", "no_log": False},
    "spf_client_cert_password": {"type": "str", "no_log": True},
    "spf_update_method": {"type": "str", "choices": ["merge", "put", "patch", "post_tunnel"]},
    "subscription_id": {"type": "str"},
    "tenant": {"type": "str"},
    "client_id": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "access_token": {"type": "str", "no_log": True},
    "x509_certificate_path": {"type": "path"},
    "x509_certificate_password": {"type": "str", "no_log": True},
    "thumbprint": {"type": "str"},
    "send_certificate_chain": {"type": "bool"},
    "federated_token_file": {"type": "path", "no_log": False},
    "service_connection_id": {"type": "str"},
    "profile": {"type": "str"},
    "auth_source": {"type": "str", "choices": ["auto", "env", "credential_file", "cli", "msi", "oidc", "token"]},
    "token_cache": {"type": "bool", "no_log": False},
    "cloud_environment": {"type": "str"},
    "scvmm_api_version": {"type": "str"},
    "compute_api_version": {"type": "str"},
    "disk_api_version": {"type": "str"},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool"},
}

VMS: dict[str, t.Any] = {
    "vm": {"type": "str"},
    "vms": {"type": "list", "elements": "str"},
    "collection": {"type": "str"},
    "concurrency": {"type": "str", "default": "auto"},
}

MANY: dict[str, t.Any] = {"on_error": {"type": "str", "choices": ["continue", "stop"]}}


def _group(*on_failure: str) -> dict[str, t.Any]:
    """The option `group`; the first way to treat a failure is the default."""
    options = {
        "order": {"type": "str", "choices": ["given", "parallel"], "default": "given"},
        "on_failure": {"type": "str", "choices": list(on_failure), "default": on_failure[0]},
    }
    return {"group": {"type": "dict", "options": options}}


OF_GROUPS: list[list[str]] = [["group", "vm"], ["group", "on_error"]]
"""What a group leaves no room for, as pairs that exclude each other."""

MANY_READ: dict[str, t.Any] = {
    "on_error": {"type": "str", "choices": ["continue", "stop", "report"], "default": "continue"}
}

DEADLINE: dict[str, t.Any] = {"wait_timeout": {"type": "str", "default": "10m"}}

CHANGES: dict[str, t.Any] = {
    "wait": {"type": "bool", "default": True},
    "poll_interval": {"type": "str", "default": "5s"},
    "settle_time": {"type": "str", "default": "2m"},
    "expected_plan": {"type": "raw"},
    "require_approval": {"type": "bool", "default": False},
}
"""What every module that changes something takes."""

READS: dict[str, t.Any] = {
    "wait": {"type": "bool"},
    "poll_interval": {"type": "str"},
    "settle_time": {"type": "str"},
    "require_approval": {"type": "bool"},
}
"""What the info modules accept and ignore, so that defaults of the action group may hold it."""

ENCRYPTION_SET: dict[str, t.Any] = {
    "disk": {"type": "str", "required": True},
    "id": {"type": "str", "required": True},
    "type": {
        "type": "str",
        "choices": ["EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys"],
        "default": "EncryptionAtRestWithCustomerKey",
    },
}
"""The suboptions of `encryption_sets`."""

_COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
_WITHIN = ("within", "within_hourly", "within_daily", "within_weekly", "within_monthly", "within_yearly")

KEEP: dict[str, t.Any] = {
    **{rule: {"type": "int"} for rule in _COUNTED},
    **{rule: {"type": "str"} for rule in _WITHIN},
}
"""The suboptions of `keep`."""

ADOPT: dict[str, t.Any] = {"name": {"type": "str"}, "name_matches": {"type": "str"}}
"""The suboptions of `adopt`."""

THRESHOLDS: dict[str, t.Any] = {
    "stale_after": {"type": "str"},
    "points": {"type": "int"},
    "failed_points": {"type": "int"},
    "near_limit": {"type": "int", "default": 90},
}
"""The suboptions of `thresholds`."""

NOT_FOR_COPIES: list[list[str]] = [
    ["source_restore_point", option] for option in ("exclude_disks", "instant_access_duration", "encryption_sets")
]
"""What a copy has from its source, as pairs that exclude each other."""

# What AnsibleModule is to know of each module: its options, and the rules between them.

LEFTOVER_DISK: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **DEADLINE,
        **CHANGES,
        "vm": {"type": "str", "required": True},
        "ids": {"type": "list", "elements": "str", "required": True},
        "collection": {"type": "str"},
        "state": {"type": "str", "choices": ["absent"], "required": True},
    },
}

RESTORE_POINT: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **DEADLINE,
        **CHANGES,
        "name": {"type": "str", "required": True},
        "collection": {"type": "str", "required": True},
        "resource_group": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "consistency": {"type": "str", "choices": ["application", "crash"], "default": "application"},
        "on_downgrade": {"type": "str", "choices": ["fail", "warn"], "default": "warn"},
        "exclude_disks": {"type": "list", "elements": "str"},
        "source_restore_point": {"type": "str"},
        "instant_access_duration": {"type": "int"},
        "encryption_sets": {"type": "list", "elements": "dict", "options": ENCRYPTION_SET},
        "ignore_pin": {"type": "bool", "default": False},
    },
    "mutually_exclusive": NOT_FOR_COPIES,
}

RESTORE_POINT_COLLECTION: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **DEADLINE,
        **CHANGES,
        "name": {"type": "str", "required": True},
        "resource_group": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "source": {"type": "str"},
        "location": {"type": "str"},
        "tags": {"type": "dict"},
        "append_tags": {"type": "bool", "default": True},
        "instant_access": {"type": "bool"},
        "force": {"type": "bool", "default": False},
    },
}

RESTORE_POINT_COLLECTION_INFO: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **MANY_READ,
        **DEADLINE,
        **READS,
        "name": {"type": "str"},
        "resource_group": {"type": "str"},
        "subscriptions": {"type": "list", "elements": "str"},
        "source": {"type": "str"},
        "points": {"type": "bool", "default": True},
        "instance_view": {"type": "bool", "default": False},
        "disk_restore_points": {"type": "bool", "default": False},
        "concurrency": {"type": "str", "default": "auto"},
    },
    "mutually_exclusive": [["subscriptions", "resource_group"]],
    "required_by": {"name": ["resource_group"]},
}

VM_CHECKPOINT: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **VMS,
        **MANY,
        **_group("keep", "undo"),
        **DEADLINE,
        **CHANGES,
        "name": {"type": "str"},
        "checkpoint_id": {"type": "str"},
        "description": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "max_age": {"type": "str"},
        "supersede": {"type": "bool", "default": False},
        "on_ambiguous": {"type": "str", "choices": ["fail", "newest", "oldest", "all"], "default": "fail"},
        "pin": {"type": "bool"},
        "pin_until": {"type": "str"},
        "pin_lock": {"type": "bool"},
        "ignore_pin": {"type": "bool", "default": False},
        "select": {"type": "raw"},
    },
    "mutually_exclusive": [["vm", "vms"], ["checkpoint_id", "max_age"], ["checkpoint_id", "select"], *OF_GROUPS],
    "required_one_of": [["vm", "vms"], ["name", "checkpoint_id", "select"]],
    "required_by": {"pin_until": ["pin"]},
    "required_if": [
        ["state", "present", ["name", "checkpoint_id"], True],
        ["supersede", True, ["name"]],
        ["ignore_pin", True, ["checkpoint_id"]],
    ],
}

VM_CHECKPOINT_INFO: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **VMS,
        **MANY_READ,
        **DEADLINE,
        **READS,
        "scope": {"type": "str", "choices": ["spf", "scvmm", "compute"]},
        "resource_group": {"type": "str"},
        "name": {"type": "str"},
        "managed": {"type": "bool"},
        "older_than": {"type": "str"},
        "younger_than": {"type": "str"},
        "select": {"type": "raw"},
        "leftovers": {"type": "bool", "default": False},
    },
    "mutually_exclusive": [["vm", "vms", "scope"]],
    "required_one_of": [["vm", "vms", "scope"]],
    "required_by": {"resource_group": ["scope"]},
}

VM_CHECKPOINT_POLICY: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **VMS,
        **MANY,
        **DEADLINE,
        **CHANGES,
        "prefix": {"type": "str", "default": "policy"},
        "name_template": {"type": "str", "default": "{prefix}-{utc:%Y%m%dT%H%M%SZ}"},
        "max_age": {"type": "str"},
        "keep": {"type": "dict", "options": KEEP, "required_one_of": [list(KEEP)]},
        "min_good": {"type": "int", "default": 1},
        "keep_failed": {"type": "int", "default": 1},
        "max_deletes": {"type": "int", "default": 5},
        "max_deletes_total": {"type": "int"},
        "timezone": {"type": "str", "default": "UTC"},
        "pins": {"type": "list", "elements": "str", "default": []},
        "include_unmanaged": {"type": "bool", "default": False},
        "adopt": {
            "type": "dict",
            "options": ADOPT,
            "mutually_exclusive": [["name", "name_matches"]],
            "required_one_of": [["name", "name_matches"]],
        },
        "select": {"type": "raw"},
        "thresholds": {"type": "dict", "options": THRESHOLDS},
        "on_violation": {"type": "str", "choices": ["fail", "report"], "default": "report"},
    },
    "mutually_exclusive": [["vm", "vms"]],
    "required_one_of": [["vm", "vms"], ["max_age", "keep"]],
}

VM_CHECKPOINT_RESTORE: dict[str, t.Any] = {
    "argument_spec": {
        **CONNECTION,
        **VMS,
        **MANY,
        **_group("keep"),
        **DEADLINE,
        **CHANGES,
        "name": {"type": "str"},
        "checkpoint_id": {"type": "str"},
        "select": {"type": "raw"},
        "on_ambiguous": {"type": "str", "choices": ["fail", "newest", "oldest"], "default": "fail"},
        "safety_checkpoint": {"type": "bool", "default": False},
        "restore_key": {"type": "str", "no_log": False},
        "if_running": {"type": "str", "choices": ["proceed", "stop", "fail"], "default": "proceed"},
        "power_after": {"type": "str", "choices": ["previous", "on", "off"], "default": "previous"},
        "old_disks": {"type": "str", "choices": ["keep", "delete"], "default": "keep"},
    },
    "mutually_exclusive": [["vm", "vms"], ["checkpoint_id", "name"], ["checkpoint_id", "select"], *OF_GROUPS],
    "required_one_of": [["vm", "vms"], ["name", "select", "checkpoint_id"]],
}
