# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of `az login`, by an az that is written here; on real time, since a process has no other."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import azure_cli
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.event_loop import new_event_loop
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from simulator.switches.all import Switches
from simulator.transport import SimulatorTransport
from simulator.world import World
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import HOST
from tests.support.tasks import TASKS
from tests.support.waiting import until

pytestmark = pytest.mark.servers

NOT_LOGGED_IN = "ERROR: Please run 'az login' to setup account.\n"


@dataclass
class Desk:
    """A user's machine: a world that it reaches, and a directory on PATH."""

    world: World
    bin: Path

    def az(self, body: str) -> None:
        """Put an az there: a Python program."""
        path = self.bin / "az"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
        path.chmod(0o755)

    def token(self) -> str:
        return self.world.issue_token(f"{HOST}/")

    def answer(self, **more: Any) -> dict[str, Any]:
        """What az account get-access-token prints."""
        return {
            "accessToken": self.token(),
            "expiresOn": "2026-11-26 12:00:00.000000",
            "expires_on": int(time.time()) + 3600,
            "subscription": self.world.arc.subscription_id,
            "tenant": self.world.credentials.tenant,
            "tokenType": "Bearer",
            **more,
        }

    def run(self, module: str = "vm_checkpoint_info", **options: Any) -> dict[str, Any]:
        environ = {"PATH": str(self.bin), "HOME": str(self.bin)}
        context = RunContext(environ, lambda: datetime.now(UTC), SimulatorTransport(self.world))
        given = {"cloud_environment": HOST, "wait_timeout": "60s", "auth_source": "cli", **options}
        task = partial(run_task, TASKS[module], given, False, context)
        return anyio.run(task, backend_options={"loop_factory": new_event_loop})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    quick = {"create_takes": "0s", "delete_takes": "0s"}
    return Desk(World.default(switches=Switches(**quick)), tmp_path)  # type: ignore[arg-type] # all of them are texts


@pytest.mark.parametrize("source", ["cli", "auto"])
def test_az_signs_in(source: str, desk: Desk) -> None:
    desk.az(
        f"open({str(desk.bin / 'asked')!r}, 'w').write(json.dumps([sys.argv[1:], sys.stdin.read()]))\n"
        f"print({json.dumps(desk.answer())!r})"
    )
    vm = desk.world.machine_uri("app01")
    made = desk.run("vm_checkpoint", vm=vm, name="new", auth_source=source, poll_interval="1s")
    assert (code(made), made["changed"]) == (None, True), made["msg"]
    assert json.loads((desk.bin / "asked").read_text()) == [
        ["account", "get-access-token", "--output", "json", "--scope", f"{HOST}//.default"],
        "",
    ]


def test_az_gets_the_tenant_and_gives_the_subscription(desk: Desk) -> None:
    desk.az(f"open({str(desk.bin / 'asked')!r}, 'w').write(json.dumps(sys.argv))\nprint({json.dumps(desk.answer())!r})")
    shown = desk.run(scope="scvmm", tenant="contoso.example")
    assert (code(shown), len(shown["checkpoints"])) == (None, 2)
    assert json.loads((desk.bin / "asked").read_text())[-2:] == ["--tenant", "contoso.example"]
    known = desk.world.arc.subscription_id
    assert code(desk.run(scope="scvmm", subscription_id=known)) is None
    assert json.loads((desk.bin / "asked").read_text())[-2:] == ["--subscription", known]


@pytest.mark.parametrize("subscription", [None, 7, ["x"]])
def test_an_az_that_names_no_subscription_leaves_it_to_the_task(subscription: object, desk: Desk) -> None:
    desk.az(f"print(json.dumps({desk.answer(subscription=subscription)!r}))")
    assert code(desk.run(vm=desk.world.machine_uri("app01"))) is None
    refused = desk.run(scope="scvmm")
    assert code(refused) == "invalid_input"
    assert "subscription_id" in refused["msg"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, "az login: there is no az on PATH. Install the Azure CLI, or choose another auth_source."),
        (
            f"sys.stderr.write({NOT_LOGGED_IN!r}); sys.exit(1)",
            "az ended with 1: Please run 'az login' to setup account.",
        ),
        ("sys.exit(3)", "az login: az ended with 3: no reason given. Run az login as the user who runs the module;"),
        ("print('hello')", "az login: az printed no token. Update the Azure CLI."),
        ("print('{}')", "az login: az printed no token."),
        ("print('[]')", "az login: az printed no token."),
        ("print(json.dumps({'accessToken': 'a b\\n'}))", "az login: holds no usable access token."),
    ],
)
def test_an_az_that_gives_no_token_is_one_line(body: str | None, expected: str, desk: Desk) -> None:
    if body is not None:
        desk.az(body)
    result = desk.run(vm=desk.world.machine_uri("app01"))
    assert code(result) in ("sign_in_refused", "bad_answer")
    assert expected in result["msg"]
    assert result["msg"].isprintable()
    alone = desk.run(vm=desk.world.machine_uri("app01"), auth_source="auto")
    assert code(alone) == "invalid_input"
    assert "no credentials for Azure (auth_source auto): task and environment: " in alone["msg"]
    assert "; credential file: there is no ~/.azure/credentials; az login: " in alone["msg"]


def test_an_az_that_cannot_be_started_is_reported(desk: Desk) -> None:
    desk.az("")
    (desk.bin / "az").write_text("#!/nowhere/python\n")
    assert "az cannot be started (no such file or directory)" in desk.run(vm=desk.world.machine_uri("app01"))["msg"]


def test_an_az_that_hangs_is_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_cli, "ANSWERS_WITHIN", 0.5)
    desk.az("time.sleep(3600)")
    result = desk.run(vm=desk.world.machine_uri("app01"))
    assert code(result) == "unavailable"
    assert "az did not answer within" in result["msg"]


def test_what_a_hanging_az_has_started_ends_with_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_cli, "ANSWERS_WITHIN", 1.0)
    child = desk.bin / "child"
    desk.az(
        "import subprocess\n"
        f"made = subprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(3600)'])\n"
        f"open({str(child)!r}, 'w').write(str(made.pid))\n"
        "made.wait()"
    )
    assert code(desk.run(vm=desk.world.machine_uri("app01"))) == "unavailable"
    state = Path("/proc", child.read_text(), "stat")
    until(lambda: not state.exists() or ") Z " in state.read_text(), "the end of what az has started")


def test_what_az_says_before_the_token_is_passed_over(desk: Desk) -> None:
    desk.az(f"print('This command is in preview.')\nprint({json.dumps(desk.answer())!r})")
    assert code(desk.run(vm=desk.world.machine_uri("app01"))) is None


def test_an_az_that_is_too_old_is_to_be_updated(desk: Desk) -> None:
    desk.az("sys.stderr.write('ERROR: az: error: unrecognized arguments: --scope x\\n'); sys.exit(2)")
    result = desk.run(vm=desk.world.machine_uri("app01"))
    assert "az ended with 2: it is too old to know --scope. Update the Azure CLI." in result["msg"]


def test_a_token_of_az_that_the_service_withdraws_is_asked_for_again(desk: Desk) -> None:
    """A claims challenge is beyond az: only its user can sign in anew."""
    desk.az(f"print({json.dumps(desk.answer())!r})")
    challenge = 'Bearer error="insufficient_claims", claims="e30="'
    desk.world.faults.add(
        kind="status", status=401, path="machines/app01/", headers={"WWW-Authenticate": challenge}, count=1
    )
    result = desk.run(vm=desk.world.machine_uri("app01"))
    assert code(result) == "sign_in_refused"
    assert "the service demands a new sign-in (claims challenge). Run az login again." in result["msg"]
