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
    "spf_auth": {"type": "str", "choices": ["basic", "bearer"]},
    "spf_username": {"type": "str"},
    "spf_password": {"type": "str", "no_log": True},
    "spf_token": {"type": "str", "no_log": True},
    "spf_update_method": {"type": "str", "choices": ["merge", "put", "patch", "post_tunnel"]},
    "subscription_id": {"type": "str"},
    "tenant": {"type": "str"},
    "client_id": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "access_token": {"type": "str", "no_log": True},
    "auth_source": {"type": "str", "choices": ["auto", "env"]},
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
    "concurrency": {"type": "int", "default": 4},
}

MANY: dict[str, t.Any] = {"on_error": {"type": "str", "choices": ["continue", "stop"], "default": "continue"}}

DEADLINE: dict[str, t.Any] = {"wait_timeout": {"type": "str", "default": "10m"}}

CHANGES: dict[str, t.Any] = {
    "wait": {"type": "bool", "default": True},
    "poll_interval": {"type": "str", "default": "5s"},
    "settle_time": {"type": "str", "default": "2m"},
    "expected_plan": {"type": "raw"},
}
"""What every module that changes something takes."""

READS: dict[str, t.Any] = {"wait": {"type": "bool"}, "poll_interval": {"type": "str"}, "settle_time": {"type": "str"}}
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

NOT_FOR_COPIES: list[list[str]] = [
    ["source_restore_point", option] for option in ("exclude_disks", "instant_access_duration", "encryption_sets")
]
"""What a copy has from its source, as pairs that exclude each other."""
