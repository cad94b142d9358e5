# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of a run comes out at -vvvv: on the screen, in Ansible's log, in results; not when a server echoes it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from .support import COLLECTION, Ansible, Run, Simulator, play, prepare

HASHED = re.compile(r"sha256:[0-9a-f]{12}")
WORD = re.compile(r"[\w.~+/=%-]{6,}")
SIGNED = re.compile(r"[?&](?:sig|c|s|h)=")


def _spelled(*secrets: str) -> list[str]:
    """Secrets in the spellings in which a server may echo them."""
    encoded = [base64.b64encode(each.encode()).decode() for each in secrets]
    return [*secrets, *(urllib.parse.quote(each, safe="") for each in secrets), *encoded]


def _spf_secrets(simulator: Simulator) -> list[str]:
    ready = simulator.ready
    pair = f"{ready['spf_username']}:{ready['spf_password']}"
    return [*_spelled(ready["spf_password"]), base64.b64encode(pair.encode()).decode()]


def _secrets(simulator: Simulator) -> list[str]:
    """What every run knows and nobody may read."""
    ready = simulator.ready
    return [*_spf_secrets(simulator), *_spelled(ready["spf_token"], ready["secret"])]


def _assert_clean(run: Run, log: Path, record: Path, simulator: Simulator, secrets: list[str]) -> None:
    """None of them, no token that the simulator issued, no signed part of a URL, in anything that came out."""
    journal = json.dumps(simulator.control("GET", "/journal"))
    hidden = set(HASHED.findall(journal))
    assert len(hidden) > 2, "the journal tells no hashes"
    for name, text in (
        ("stdout", run.stdout),
        ("stderr", run.stderr),
        ("log", log.read_text()),
        ("results", record.read_text()),
    ):
        assert text or name == "stderr", name
        assert [each for each in secrets if each in text] == [], name
        words = set(WORD.findall(text)) | {part for word in WORD.findall(text) for part in re.split(r"[=/]", word)}
        shown = [word for word in words if "sha256:" + hashlib.sha256(word.encode()).hexdigest()[:12] in hidden]
        assert shown == [], name
        assert [text[max(0, found.start() - 160) : found.end() + 20] for found in SIGNED.finditer(text)] == [], name
        assert "Traceback" not in text, name


def _options(simulator: Simulator) -> dict[str, Any]:
    """Connection options by variables, so that no secret stands in the playbook."""
    names = ("spf_url", "spf_username", "spf_password", "subscription_id", "tenant", "client_id", "secret")
    return {name: f"{{{{ simulator.{name} }}}}" for name in names} | {
        "spf_auth": "basic",
        "cloud_environment": simulator.ready["arm_url"],
        "ca_path": simulator.ready["ca_file"],
        "settle_time": "1s",
        "wait_timeout": "15m",
        "poll_interval": "200ms",
    }


def _echoes(spf: list[str], arm: list[str], token: list[str], signed: str) -> list[dict[str, Any]]:
    """Servers that say all they were sent: as text, as OData's and ARM's errors, in a sign-in's refusal.

    A token is sent to ARM only: no sign-in could echo it.
    """
    echo, arm_echo = f"{' '.join(spf)} {signed}", f"{' '.join([*arm, *token])} {signed}"
    arm_error = {"error": {"code": "Echo", "message": arm_echo, "details": [{"code": "Again", "message": arm_echo}]}}
    odata = {"odata.error": {"code": "Echo", "message": {"lang": "en", "value": echo}}}
    return [
        {"kind": "status", "status": 403, "count": None, "path": "plain01", "body": echo},
        {"kind": "status", "status": 404, "path": "odata01", "body": odata},
        {"kind": "status", "status": 403, "path": "machines/app02", "body": arm_error},
        {
            "kind": "status",
            "status": 401,
            "path": "/echo/oauth2/",
            "body": {"error": "x", "error_description": f"{' '.join(arm)} {signed}"},
        },
        {"kind": "replace", "path": "types01", "body": {"value": [{"ID": echo, "Name": [echo]}]}},
        {"kind": "redirect", "path": "moved01", "location": signed, "headers": {"Set-Cookie": echo[:200]}},
    ]


def test_no_secret_in_options_comes_out(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    token, wrong = simulator.token(), "a-wrong-password/with+signs"
    spf, arm = _spf_secrets(simulator), _spelled(simulator.ready["secret"])
    signed = f"{simulator.ready['arm_url']}/x/operationStatuses/1?api-version=1&t=2&c=MIIabc&s=signature&h=hash-of-it"
    simulator.control("POST", "/faults", {"faults": _echoes(spf, arm, _spelled(token), signed)})
    for service, known in (("spf", spf), ("scvmm", arm)):
        problem = f"The password {known[0]} is wrong, see {signed}"
        simulator.control("POST", "/failures", {"service": service, "kind": "restore", "problem": problem})
    simulator.control("DELETE", "/journal")
    app01, app02 = simulator.arm_vm("app01"), simulator.arm_vm("app02")
    wap = {"spf_auth": "bearer", "spf_url": simulator.ready["wap_url"], "spf_token": "{{ simulator.spf_token }}"}
    own_token = {"access_token": "{{ lookup('env', 'A_TOKEN') }}"}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("vm_checkpoint", {"vms": ["web01", app01], "name": "one"}),
        ("vm_checkpoint", {"vm": "db01", "name": "baseline", **wap}),
        ("vm_checkpoint", {"vm": app01, "name": "two", **own_token}),
        ("vm_checkpoint_restore", {"vms": ["web01", app01], "name": "baseline"}),
        ("vm_checkpoint", {"vm": "web01", "name": "two", "spf_password": "{{ lookup('env', 'A_WRONG_ONE') }}"}),
        *(("vm_checkpoint", {"vm": vm, "name": "x"}) for vm in ("plain01", "odata01", "types01", "moved01")),
        ("vm_checkpoint", {"vm": app02, "name": "x", **own_token}),
        ("vm_checkpoint", {"vm": app01, "name": "x", "tenant": "echo"}),
    ]
    options = _options(simulator)
    tasks = [
        {"name": f"{number}", f"{COLLECTION}.{module}": {**options, **given}, "ignore_errors": True}
        for number, (module, given) in enumerate(cases)
    ]
    log = tmp_path / "log"
    run = ansible.run([play("All", tasks, {})], "-vvvv", ANSIBLE_LOG_PATH=str(log), A_TOKEN=token, A_WRONG_ONE=wrong)
    assert run.code == 0, run.stdout
    codes = [line["result"].get("error", {}).get("code") for line in run.results]
    assert codes[:3] == [None] * 3, codes
    assert codes[3:] == [
        "some_failed",
        "sign_in_refused",
        "forbidden",
        "not_found",
        "bad_answer",
        "bad_answer",
        "forbidden",
        "sign_in_refused",
    ]
    secrets = [*_secrets(simulator), *_spelled(token, wrong)]
    _assert_clean(run, log, ansible.directory / "record", simulator, secrets)


def test_no_secret_of_azure_comes_out(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    known = _spelled(simulator.ready["secret"])
    signed = f"{simulator.ready['arm_url']}/x/operations/1?api-version=1&t=2&c=MIIabc&s=signature&h=hash-of-it"
    echo = f"{' '.join(known)} {signed}"
    error = {"error": {"code": "Echo", "message": echo, "details": [{"code": "Again", "message": echo}]}}
    shop01, shop02 = (simulator.azure("virtualMachines", name) for name in ("shop01", "shop02"))
    simulator.control("POST", "/switches", {"compute_vm_retry_after": 0})
    simulator.control("POST", "/faults", {"kind": "status", "status": 403, "path": "checkpoints-shop02", "body": error})
    simulator.control("DELETE", "/journal")
    options = _options(simulator)

    def task(name: str, module: str, vm: str) -> dict[str, Any]:
        given = {**options, "vm": vm, "name": name}
        return {"name": name, f"{COLLECTION}.{module}": given, "ignore_errors": True}

    tasks = [
        task("one", "vm_checkpoint", shop01),
        task("one", "vm_checkpoint_restore", shop01),
        prepare(["POST", "/failures", {"service": "compute", "kind": "point", "code": "Echo", "message": echo}]),
        task("fails", "vm_checkpoint", shop01),
        task("forbidden", "vm_checkpoint", shop02),
    ]
    log = tmp_path / "log"
    run = ansible.run([play("All", tasks, {})], "-vvvv", ANSIBLE_LOG_PATH=str(log))
    assert run.code == 0, run.stdout
    codes = [line["result"].get("error", {}).get("code") for line in run.results if COLLECTION in line["action"]]
    assert codes == [None, None, "operation_failed", "forbidden"]
    assert all("Echo" in run.of(name)["msg"] for name in ("fails", "forbidden"))
    _assert_clean(run, log, ansible.directory / "record", simulator, _secrets(simulator))


def test_no_secret_in_the_environment_comes_out(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    echoed = " ".join(_spelled(simulator.ready["secret"]))
    simulator.control("POST", "/faults", {"kind": "status", "status": 403, "path": "app02", "body": echoed})
    simulator.control("DELETE", "/journal")
    tasks: list[dict[str, Any]] = [
        {"name": "Good", f"{COLLECTION}.vm_checkpoint_info": {"scope": "spf"}},
        {"name": "Bad", f"{COLLECTION}.vm_checkpoint_info": {"vm": simulator.arm_vm("app02")}, "ignore_errors": True},
    ]
    log = tmp_path / "log"
    run = ansible.run([play("All", tasks, {})], "-vvvv", ANSIBLE_LOG_PATH=str(log), **simulator.environment)
    assert run.code == 0, run.stdout
    assert run.of("Bad")["error"]["code"] == "forbidden"
    _assert_clean(run, log, ansible.directory / "record", simulator, _secrets(simulator))


@pytest.mark.parametrize("leak", ["the secret itself", "a token that was issued", "a signed URL"])
def test_the_search_finds_what_it_looks_for(leak: str, simulator: Simulator, tmp_path: Path) -> None:
    simulator.control("DELETE", "/journal")
    token = simulator.token()
    for number in range(4):  # somebody signs in and asks for something, so that the journal holds hashes
        simulator.control("GET", "/counters")
        simulator.get(f"/subscriptions/{number}", {"Authorization": f"Bearer {token}" if number else "Bearer x"})
    text = {
        "the secret itself": f"said {simulator.ready['secret']}",
        "a token that was issued": f"Bearer {token}",
        "a signed URL": "https://localhost/operationStatuses/1?t=1&c=MII",
    }[leak]
    for name in ("log", "record"):
        (tmp_path / name).write_text(text)
    with pytest.raises(AssertionError):
        _assert_clean(Run(0, "x", "", []), tmp_path / "log", tmp_path / "record", simulator, _secrets(simulator))
