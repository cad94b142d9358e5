# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a new process to the first token, ours beside azure-identity's: `python -m tests.bench.azure_sign_in [RUNS]`.

Both talk TLS to the simulator on loopback, so that network round trips cost nothing. A module imports pydantic, httpx
and anyio anyway: what a way adds is its time without that of a ready token. What azure-identity adds is its time
without that of a bare Python.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.sign_ins import show
from tests.contract.sign_in.identities import principal
from tests.contract.sign_in.serving import Served, serving

OURS = """
import json, os, sys
from datetime import UTC, datetime
import anyio
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers, RunContext
async def main():
    context = RunContext(os.environ, lambda: datetime.now(UTC))
    async with Providers(json.loads(sys.argv[1]), context, Deadline(60)) as providers:
        arm, _settings = await providers.arm()
        await arm.http.auth.ready()  # a ready token has nothing to do here
anyio.run(main)
"""
THEIRS = """
import json, sys
import azure.identity
name, given, scope = json.loads(sys.argv[1])
getattr(azure.identity, name)(**given).get_token(scope)
"""


def ways(served: Served, directory: Path) -> dict[str, tuple[object, object]]:
    """The options of each way, and the vendor's credential for it."""
    known, world = served.world.credentials, served.world
    principal().register(world.identities)
    pem = principal().written(directory, "pem")["x509_certificate_path"]
    token = directory / "token"
    token.write_text(world.identities.assert_identity(time.time() + 3600))
    ours = {
        "cloud_environment": served.url,
        "ca_path": served.ca,
        "tenant": known.tenant,
        "client_id": known.client_id,
    }
    theirs, scope = served.client, f"{served.url}/.default"
    return {
        "client secret": (
            {**ours, "secret": known.secret},
            ["ClientSecretCredential", {**theirs, "client_secret": known.secret}, scope],
        ),
        "certificate": (
            {**ours, "x509_certificate_path": pem},
            ["CertificateCredential", {**theirs, "certificate_path": pem}, scope],
        ),
        "federated token": (
            {**ours, "federated_token_file": str(token)},
            ["WorkloadIdentityCredential", {**theirs, "token_file_path": str(token)}, scope],
        ),
        "managed identity": (
            {"cloud_environment": served.url, "ca_path": served.ca, "auth_source": "msi"},
            ["ManagedIdentityCredential", {"connection_verify": served.ca}, scope],
        ),
    }


def main(runs: int) -> None:
    """Print a table: medians, and how ours compares."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as served:
        environ = {variable: value for variable, value in os.environ.items() if variable != "REQUESTS_CA_BUNDLE"}
        environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = served.url
        ready = {"cloud_environment": served.url, "ca_path": served.ca, "access_token": "e30"}
        for way, (ours, theirs) in ways(served, Path(name)).items():
            show(way, ((OURS, ready), (OURS, ours), ("", None), (THEIRS, theirs)), environ, runs)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
