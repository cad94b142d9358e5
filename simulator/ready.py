# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client must know to reach the simulator, and how it is handed over."""

from __future__ import annotations

import json
import os
import secrets
import string
import uuid
from pathlib import Path
from typing import Any

from simulator.world import World


def random_credentials() -> dict[str, str]:
    """Credentials for one start: nothing that could be guessed, nothing worth keeping."""
    letters = string.ascii_letters + string.digits

    def word(length: int) -> str:
        return "".join(secrets.choice(letters) for _position in range(length))

    return {
        "spf_username": "svc-ansible",
        "spf_password": word(24),
        "spf_token": word(160),
        "tenant": str(uuid.uuid4()),
        "client_id": str(uuid.uuid4()),
        "secret": word(40),
    }


def facts(world: World, url: str, ca_file: str | None) -> dict[str, Any]:
    """The ready file's content; `vm` of each VM is what a playbook passes as `vm:`."""
    known = world.credentials
    vms = [
        {"service": service, "name": vm.name, "id": vm.id, "vm": vm.resource_uri or vm.name, "stored": vm.stored}
        for service in ("spf", "scvmm")
        for vm in world.site(service).vmm.vms
    ]
    vms += [
        {"service": "compute", "name": vm.name, "id": vm.id, "vm": vm.id, "stored": False}
        for vm in world.azure.vms.values()
    ]
    return {
        "url": url,
        "spf_url": f"{url}/SC2012R2/VMM/{world.spf.subscription_id}/Microsoft.Management.Odata.svc",
        "spf_admin_url": f"{url}/SC2012R2/VMM/Microsoft.Management.Odata.svc",
        "wap_url": f"{url}/{world.spf.subscription_id}/services/systemcenter/vmm",
        "arm_url": url,
        "authority_url": url,
        "control_url": f"{url}/_control",
        "tenant": known.tenant,
        "subscription_id": world.arc.subscription_id,
        "resource_group": world.arc.resource_group,
        "compute_resource_group": world.azure.resource_group,
        "locations": list(world.azure.locations),
        "client_id": known.client_id,
        "secret": known.secret,
        "spf_username": known.spf_username,
        "spf_password": known.spf_password,
        "spf_token": known.spf_token,
        "spf_subscription_id": world.spf.subscription_id,
        "spf_stamp_id": world.spf.stamp_id,
        "ca_file": ca_file,
        "pid": os.getpid(),
        "vms": [vm for vm in vms if not vm["stored"]],
        "stored_vms": [vm for vm in vms if vm["stored"]],
    }


def write_ready_file(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, and for the owner's eyes: it holds credentials."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(content, stream, indent=1)
    partial.replace(path)
