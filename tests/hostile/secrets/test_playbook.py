# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same through ansible-playbook at -vvvv with a log, one echo of each kind: screen, log, results are clean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contract.playbooks.support import COLLECTION, Ansible, Simulator, play
from tests.hostile.secrets.secret_forms import (
    CLIENT_SECRET,
    PASSWORD,
    SAS,
    SIGNATURE,
    SPELLINGS,
    SPF_TOKEN,
    TITLE,
    leak,
)

Record = Callable[[str, Any], None]


def _prepared(simulator: Simulator) -> None:
    """The world takes our secrets, and says them in many spellings wherever it can."""
    world = simulator.control("GET", "/world")
    world["credentials"] |= {"spf_password": PASSWORD, "secret": CLIENT_SECRET, "spf_token": SPF_TOKEN}
    point = world["spf"]["vms"][0]["checkpoints"][0]
    point["name"], point["description"] = SPELLINGS["JSON, all escaped"](PASSWORD), f"first\n{PASSWORD}\nlast"
    world["spf"]["vms"][1]["checkpoints"][0]["description"] = SPELLINGS["percent in HTML"](SPF_TOKEN)
    simulator.control("POST", "/world", world)
    escaped, secret = SPELLINGS["percent twice"](CLIENT_SECRET), SPELLINGS["base64 for URLs"](CLIENT_SECRET)
    odata = {"odata.error": {"message": {"value": "x" * 920 + SPELLINGS["HTML"](PASSWORD)}}}
    detail = {"code": "Echo", "message": f"{secret} {SPELLINGS['percent'](SAS)}"}
    faults: list[dict[str, Any]] = [
        {"path": "odata01", "body": odata},
        {"path": "plain01", "body": f"You sent {PASSWORD} and {SPELLINGS['base64 in percent'](PASSWORD)}"},
        {"path": "html01", "body": f"<html><title>No: {SPELLINGS['HTML'](PASSWORD)}</title></html>"},
        {
            "path": "machines/app02",
            "body": {"error": {"code": "Echo", "message": "No.", "details": [detail]}},
            "headers": {"x-ms-request-id": escaped, "x-ms-correlation-request-id": CLIENT_SECRET},
        },
        {"path": "/echo/oauth2/", "status": 401, "body": {"error": "x", "error_description": f"Bad: {escaped}"}},
    ]
    simulator.control(
        "POST", "/faults", {"faults": [{"kind": "status", "status": 403, "count": None, **each} for each in faults]}
    )
    simulator.control("POST", "/failures", {"service": "scvmm", "kind": "create", "problem": f"{escaped} is in use."})


def test_nothing_comes_out_of_a_playbook(
    simulator: Simulator, ansible: Ansible, tmp_path: Path, record_property: Record
) -> None:
    _prepared(simulator)
    ready = simulator.ready
    options = {
        **{name: ready[name] for name in ("spf_url", "spf_username", "subscription_id", "tenant", "client_id")},
        "cloud_environment": ready["arm_url"],
        "ca_path": ready["ca_file"],
        "settle_time": "1s",
        "wait_timeout": "15m",
        "spf_password": "{{ lookup('env', 'A_PASSWORD') }}",
        "secret": "{{ lookup('env', 'A_SECRET') }}",
    }
    wap = {"spf_auth": "bearer", "spf_url": ready["wap_url"], "spf_token": "{{ lookup('env', 'A_TOKEN') }}"}
    web01, db01 = (vm["name"] for vm in simulator.control("GET", "/world")["spf"]["vms"][:2])
    cases: list[tuple[dict[str, Any], str | None]] = [
        ({"vm": web01}, None),
        ({"vm": db01, **wap}, None),
        ({"vm": "odata01"}, "forbidden"),
        ({"vm": "plain01"}, "forbidden"),
        ({"vm": "html01"}, "forbidden"),
        ({"vm": simulator.arm_vm("app01")}, "operation_failed"),
        ({"vm": simulator.arm_vm("app02")}, "forbidden"),
        ({"vm": simulator.arm_vm("app01"), "tenant": "echo"}, "sign_in_refused"),
    ]
    tasks = [
        {"name": "x", f"{COLLECTION}.vm_checkpoint": {**options, "name": "new", **given}, "ignore_errors": True}
        for given, _code in cases
    ]
    log = tmp_path / "log"
    given = {"A_PASSWORD": PASSWORD, "A_SECRET": CLIENT_SECRET, "A_TOKEN": SPF_TOKEN, "ANSIBLE_LOG_PATH": str(log)}
    run = ansible.run([play("All", tasks, {})], "-vvvv", "--diff", **given)
    codes = [line["result"].get("error", {}).get("code") for line in run.results]
    assert codes == [code for _given, code in cases], run.stdout
    record = (ansible.directory / "record").read_text()
    texts = {"stdout": run.stdout, "stderr": run.stderr, "log": log.read_text(), "results": record}
    for name, text in texts.items():
        for secret in (PASSWORD, CLIENT_SECRET, SPF_TOKEN, SIGNATURE):
            assert not leak(text, secret), name
        assert "Traceback" not in text, name
    assert all(text.count("********") > 5 for name, text in texts.items() if name != "stderr")
    record_property(TITLE, {"tasks by ansible-playbook": len(tasks)})
