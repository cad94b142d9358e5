# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to sign in to Azure through ansible-playbook: present, restore and info, and no secret at -vvvv."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sign_in.identities import PASSWORD, principal
from tests.contract.sign_in.serving import Served, serving

from .support import COLLECTION, SCALE, Ansible, Simulator, play


@dataclass(frozen=True)
class Way:
    """A way to sign in, what a result calls it, and what its tasks are given."""

    name: str
    reported: str
    options: Mapping[str, Any]
    environ: Mapping[str, str] = field(default_factory=dict)

    def tasks(self, vm: str) -> list[dict[str, Any]]:
        """Present, restore and info."""
        given = {"vm": vm, **self.options}
        modules = {
            "present": {f"{COLLECTION}.vm_checkpoint": {**given, "name": f"by {self.name}"}},
            "restore": {f"{COLLECTION}.vm_checkpoint_restore": {**given, "name": f"by {self.name}"}},
            "info": {f"{COLLECTION}.vm_checkpoint_info": given},
        }
        return [{"name": f"{self.name}: {what}", **module} for what, module in modules.items()]


def _az(directory: Path, served: Served) -> str:
    """A directory with an `az` that is logged in."""
    answer = {
        "accessToken": served.world.issue_token(f"{served.url}/"),
        "expires_on": int(time.time()) + 3600,
        "subscription": served.world.arc.subscription_id,
        "tenant": served.world.credentials.tenant,
        "tokenType": "Bearer",
    }
    directory.mkdir()
    program = directory / "az"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(answer))})\n")
    program.chmod(0o755)
    return str(directory)


def _profile(home: Path, served: Served) -> str:
    """A home with a profile in ~/.azure/credentials."""
    known = served.world.credentials
    (home / ".azure").mkdir(parents=True)
    lines = ["[production]", f"tenant={known.tenant}", f"client_id={known.client_id}", f"secret={known.secret}"]
    (home / ".azure" / "credentials").write_text("\n".join(lines) + "\n")
    return str(home)


def _tokens_in(directory: Path) -> str:
    """A directory for PYTHONPATH that moves the keys of Azure Arc's agent, as root alone may write to msal's place."""
    keys, first = directory / "tokens", directory / "first"
    keys.mkdir()
    first.mkdir()
    moved = f"msal.managed_identity._supported_arc_platforms_and_their_prefixes['linux'] = {str(keys)!r}"
    (first / "sitecustomize.py").write_text(f"import msal.managed_identity\n\n{moved}\n")
    return str(first)


def _ways(directory: Path, served: Served) -> list[Way]:
    world = served.world
    principal().register(world.identities)
    who = {"tenant": world.credentials.tenant, "client_id": world.credentials.client_id}
    federated = directory / "federated"
    federated.write_text(world.identities.assert_identity(time.time() + 100_000))
    github = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{served.url}/github/id-token?job=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": world.identities.request_token,
    }
    azure_pipelines = {
        "SYSTEM_OIDCREQUESTURI": f"{served.url}/azure-pipelines/oidctoken",
        "SYSTEM_ACCESSTOKEN": world.identities.request_token,
    }
    connection = {"service_connection_id": world.identities.service_connection}
    app_service = {
        "IDENTITY_ENDPOINT": f"{served.url}/msi/token",
        "IDENTITY_HEADER": world.identities.identity_header,
    }
    imds = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": served.url}
    world.identities.arc_keys = directory / "tokens"
    arc = {"IDENTITY_ENDPOINT": f"{served.url}/metadata/identity/oauth2/token", "IMDS_ENDPOINT": served.url}
    logged_in = {"PATH": f"{_az(directory / 'az', served)}:/usr/bin:/bin"}
    return [
        Way("secret", "secret", {**who, "secret": "{{ simulator.secret }}"}),
        Way("profile", "secret", {"profile": "production"}, {"HOME": _profile(directory / "home", served)}),
        Way("certificate", "certificate", {**who, **principal().written(directory, "pfx")}),
        Way("federated token", "federation", {**who, "federated_token_file": str(federated)}),
        Way("GitHub", "federation", {**who, "auth_source": "oidc"}, github),
        Way("Azure Pipelines", "federation", {**who, "auth_source": "oidc", **connection}, azure_pipelines),
        Way("App Service", "msi", {"auth_source": "msi"}, app_service),
        Way("Azure VM", "msi", {"auth_source": "msi"}, imds),
        Way("Azure Arc", "msi", {"auth_source": "msi"}, arc),
        Way("az login", "cli", {"auth_source": "cli"}, logged_in),
        Way("token", "token", {"access_token": "{{ simulator.token }}"}),
    ]


@pytest.mark.thorough
def test_each_way(tmp_path: Path) -> None:
    with serving(tmp_path, SCALE) as served:
        world, token = served.world, served.world.issue_token(f"{served.url}/")
        first = _tokens_in(tmp_path)
        ways = _ways(tmp_path, served)
        ready = {"ca_file": served.ca, "secret": world.credentials.secret, "token": token}
        simulator = Simulator({**ready, "control_url": served.url})
        ansible = Ansible(tmp_path / "ansible", simulator)
        log = tmp_path / "log"
        place = {
            "AZURE_CLOUD_ENVIRONMENT": served.url,
            "AZURE_SUBSCRIPTION_ID": world.arc.subscription_id,
            "HYBRIDVM_CA_PATH": served.ca,
        }
        vm = world.machine_uri("app01")
        plays = [play(way.name, way.tasks(vm), {**place, **way.environ}) for way in ways]
        try:
            run = ansible.run(plays, "-vvvv", ANSIBLE_LOG_PATH=str(log), PYTHONPATH=first)
        finally:
            ansible.close()
            simulator.close()
        assert run.code == 0, run.stdout[-3000:]
        secrets = [world.credentials.secret, token, PASSWORD, *world.identities.assertions, *world.tokens]
    shown = run.stdout + run.stderr + log.read_text() + str(run.results)
    # What a play's environment holds Ansible itself shows at -vvv; the README says so.
    own = [each for each in secrets if each not in str([way.environ for way in ways])]
    assert [each for each in own if each in shown] == []
    for way in ways:
        assert run.of(f"{way.name}: present")["changed"] is True
        assert run.of(f"{way.name}: restore")["changed"] is True
        info = run.of(f"{way.name}: info")
        assert info["sign_in"] == {"azure": way.reported}
        assert f"by {way.name}" in [each["name"] for each in info["checkpoints"]]
