# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module loads. It compiles each file anew at every task, so that a service's task has no file of another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _module

LOADED = """
import json, sys
from datetime import UTC, datetime
from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _module
_module._leave_out_what_modules_never_use()
import anyio
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers, RunContext
from ansible_collections.hybridvm.checkpoints.plugins.modules.vm_checkpoint import load
reference, params = json.loads(sys.argv[1])
load()
async def main():
    context = RunContext({}, lambda: datetime.now(UTC))
    async with Providers(params, context, Deadline(60)) as providers:
        await providers.of(reference)
anyio.run(main)
marker = "checkpoints.plugins.module_utils."
print(json.dumps([name.partition(marker)[2] or name for name in sys.modules]))
"""
# Where this run has the collection: the links of a checkout, or the tree that ansible-test makes.
COLLECTIONS = next(at.parent for at in Path(_module.__file__).parents if at.name == "ansible_collections")
IDENTITY = "00000000-0000-4000-8000-000000000001"
SPF = {"spf_url": "https://localhost:1/SC2012R2/VMM/x/Microsoft.Management.Odata.svc", "spf_username": "u"}
AZURE = {"subscription_id": IDENTITY, "tenant": IDENTITY, "client_id": IDENTITY, "secret": "s"}
GROUP = f"/subscriptions/{IDENTITY}/resourceGroups/g/providers"


def loaded(reference: str, **params: Any) -> list[str]:
    """What a module has loaded once it has set up the service of a VM; ours without the common beginning."""
    command = [sys.executable, "-c", LOADED, json.dumps([reference, params])]
    environment = {"PYTHONPATH": str(COLLECTIONS), "PATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [str(name) for name in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("reference", "params", "own", "foreign"),
    [
        (
            "web01",
            {**SPF, "spf_password": "p", "spf_auth": "basic"},
            "_providers.spf.provider",
            ("azure", "_arm.client", "compute", "scvmm", "kerberos", "windows", "token", "msal", "disk_cache"),
        ),
        (
            f"{GROUP}/Microsoft.HybridCompute/machines/app01",
            AZURE,
            "_providers.scvmm",
            ("spf", "compute", "kerberos", "windows", "managed_identity", "federation", "azure_cli", "certificate_a"),
        ),
        (
            f"{GROUP}/Microsoft.Compute/virtualMachines/shop01",
            AZURE,
            "_providers.compute.provider",
            ("spf", "scvmm", "kerberos", "windows", "managed_identity", "federation", "azure_cli", "certificate_a"),
        ),
    ],
)
def test_a_task_loads_the_files_of_its_service_alone(
    reference: str, params: dict[str, Any], own: str, foreign: tuple[str, ...]
) -> None:
    names = loaded(reference, **params)
    assert own in names
    ours = [name for name in names if name.startswith("_") and "." in name]
    assert [name for name in ours if any(word in name for word in foreign)] == []


def test_a_module_loads_no_library_that_it_never_uses() -> None:
    names = loaded("web01", **SPF, spf_password="p", spf_auth="basic")
    assert "httpx" in names
    assert "asyncio" in names
    unwanted = ("trio.", "click", "rich", "httpx._main.", "spnego", "xml")
    assert [name for name in names if name.startswith(unwanted)] == []
