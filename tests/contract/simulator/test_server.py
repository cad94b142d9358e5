# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m simulator` as people start it: TLS, ready file, clean end, and the vendor's own clients against it."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.__main__ import main
from tests.support.simulator_server import ROOT, started
from tests.support.waiting import HANG, until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with started(tmp_path_factory.mktemp("tls"), "--time-scale", "100", "--switch", "arc_retry_after=0") as running:
        yield running[1]


@pytest.fixture
def http(server: dict[str, Any]) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=server["ca_file"])
    auth = (server["spf_username"], server["spf_password"])
    headers = {"x-ms-principal-id": "tester", "Accept": "application/json"}
    with httpx.Client(verify=context, trust_env=False, auth=auth, headers=headers, timeout=HANG) as client:
        client.post(f"{server['control_url']}/reset")
        yield client


def test_the_ready_file(server: dict[str, Any]) -> None:
    assert {vm["service"]: vm["vm"] for vm in server["vms"] if vm["name"] in {"web01", "app01"}} == {
        "spf": "web01",
        "scvmm": f"/subscriptions/{server['subscription_id']}/resourceGroups/{server['resource_group']}"
        "/providers/Microsoft.HybridCompute/machines/app01",
    }
    assert [vm["name"] for vm in server["stored_vms"]] == ["gold-image"]
    assert server["spf_url"].startswith(server["url"])
    assert Path(server["ca_file"]).exists()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_spf_over_tls(server: dict[str, Any], http: httpx.Client, host: str) -> None:
    root = server["spf_url"].replace("localhost", host)
    for vm in http.get(f"{root}/VirtualMachines").json()["value"]:
        assert http.get(f"{root}/VirtualMachines(ID=guid'{vm['ID']}',StampId=guid'{vm['StampId']}')").is_success
    merged = http.request("MERGE", f"{root}/VMCheckPoints", content=b"{}")
    assert merged.status_code == 405


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer", "reset_body"])
def test_a_lost_connection_is_really_closed(server: dict[str, Any], http: httpx.Client, kind: str) -> None:
    http.post(f"{server['control_url']}/faults", json={"kind": kind, "path": "Clouds"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.get(f"{server['spf_url']}/Clouds")
    assert http.get(f"{server['spf_url']}/Clouds").is_success


def test_the_vendors_sdk_creates_restores_and_deletes(
    server: dict[str, Any], http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """azure-mgmt-scvmm and azure-identity as they are; only their address and CA are ours."""
    identity = pytest.importorskip("azure.identity")
    scvmm = pytest.importorskip("azure.mgmt.scvmm")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    credential = identity.ClientSecretCredential(
        server["tenant"],
        server["client_id"],
        server["secret"],
        authority=server["authority_url"],
        disable_instance_discovery=True,
        connection_verify=server["ca_file"],
    )
    client = scvmm.ScVmmMgmtClient(
        credential,
        server["subscription_id"],
        base_url=server["arm_url"],
        credential_scopes=[f"{server['arm_url']}/.default"],
        connection_verify=server["ca_file"],
    )
    uri = next(vm["vm"] for vm in server["vms"] if vm["name"] == "app01").lstrip("/")
    guest, file = f"{server['control_url']}/guest/scvmm/app01", {"path": "/etc/app.conf"}
    operations = client.virtual_machine_instances
    with client, credential:

        def profile() -> Any:
            return operations.get(uri).properties.infrastructure_profile

        body = {"name": "by the SDK", "description": "d"}
        operations.begin_create_checkpoint(uri, body, polling_interval=0.01).result()
        made = profile().checkpoints[-1]
        assert (made.name, made.description) == ("by the SDK", "d")
        assert profile().last_restored_vm_checkpoint.checkpoint_id == made.checkpoint_id
        http.put(guest, params=file, content=b"broken")
        operations.begin_restore_checkpoint(uri, {"id": made.checkpoint_id}, polling_interval=0.01).result()
        assert http.get(guest, params=file).text == "version = 1\n"
        operations.begin_delete_checkpoint(uri, {"id": made.checkpoint_id}, polling_interval=0.01).result()
        assert [point.name for point in profile().checkpoints] == ["baseline"]
        assert len(list(operations.list(uri))) == 1
        operations.begin_stop(uri, {"skipShutdown": "true"}, polling_interval=0.01).result()
        assert operations.get(uri).properties.power_state == "Stopped"
        with pytest.raises(Exception, match="CheckpointNotFound"):
            operations.begin_restore_checkpoint(uri, {"id": "no such thing"}, polling_interval=0.01).result()


def test_msal_gets_a_token_and_entras_errors(server: dict[str, Any], http: httpx.Client) -> None:
    msal = pytest.importorskip("msal")

    class Transport:
        """msal's http_client over httpx: one CA, one proxy setting."""

        def get(self, url: str, params: Any = None, headers: Any = None, **_more: Any) -> httpx.Response:
            return http.get(url, params=params, headers=headers)

        def post(
            self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_more: Any
        ) -> httpx.Response:
            return http.post(url, params=params, data=data, headers=headers)

        def close(self) -> None:
            """Nothing: the client is the fixture's."""

    def token(secret: str) -> dict[str, Any]:
        app = msal.ConfidentialClientApplication(
            server["client_id"],
            client_credential=secret,
            authority=f"{server['authority_url']}/{server['tenant']}",
            instance_discovery=False,
            http_client=Transport(),
        )
        result: dict[str, Any] = app.acquire_token_for_client([f"{server['arm_url']}/.default"])
        return result

    assert token(server["secret"])["token_type"] == "Bearer"
    refused = token("wrong")
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as (process, ready):
        process.send_signal(number)
        assert (tmp_path / "ready.json").stat().st_mode & 0o777 == 0o600
        assert process.wait(HANG) == 0
        assert ready["pid"] == process.pid
    assert not (tmp_path / "ready.json").exists()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, os\n"
        "child = subprocess.Popen([sys.executable, '-m', 'simulator', '--http', '--ready-file', sys.argv[1],"
        " '--with-parent', str(os.getpid())], stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline(); print(child.pid, flush=True)\n"
    )
    ready_file = tmp_path / "ready.json"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(ready_file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    output, _errors = parent.communicate(timeout=HANG)  # ends when the child has let go of the pipe, too
    pid = int(output)
    until(lambda: not ready_file.exists(), f"process {pid} ends with its parent")


def test_the_same_twice_at_once_and_credentials_of_their_own(tmp_path: Path) -> None:
    with started(tmp_path / "a") as (_one, first), started(tmp_path / "b", "--http") as (_two, second):
        assert first["url"] != second["url"]
        assert second["url"].startswith("http://")
        for name in ("secret", "spf_password", "spf_token", "tenant", "client_id", "subscription_id"):
            assert first[name] != second[name]


def refused(*options: str) -> str:
    """The one line of a simulator that does not start."""
    command = [sys.executable, "-m", "simulator", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG, check=False)
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    (line,) = ended.stderr.splitlines()
    assert line.startswith("simulator: ")
    return line


def test_options_that_make_no_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is reported in one line that names the option, and ends with 2; one in a process, the rest in this one."""
    file, document = tmp_path / "file", tmp_path / "world.json"
    file.touch()
    document.write_text('{"spf": {"vms": [{"power": "Running"}]}}')
    assert refused("--port", "99999") == "simulator: argument --port: takes 0 to 65535, not '99999'"
    for options, says in (
        (("--port", "-1"), "--port"),
        (("--port", "https"), "--port"),
        (("--switch", "nonsense=1"), "nonsense"),
        (("--switch", "nonsense"), "--switch takes NAME=VALUE"),
        (("--time-scale", "0"), "--time-scale"),
        (("--time-scale", "nan"), "--time-scale"),
        (("--world", str(tmp_path / "none")), f"--world {tmp_path / 'none'}: No such file"),
        (("--world", str(file)), f"--world {file}: Expecting value: line 1"),
        (("--world", str(document)), f"--world {document}: spf.vms[0]: has no name"),
        (("--tls-dir", str(file)), f"--tls-dir: {file}: File exists"),
        (("--tls-dir", str(file / "below")), "--tls-dir: "),
        (("--ready-file", str(file / "ready.json")), "--ready-file: "),
        (("--ready-file", str(tmp_path)), "is a directory"),
        (("--nonsense",), "--nonsense"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(list(options))
        (line,) = capsys.readouterr().err.splitlines()
        assert (ended.value.code, says in line) == (2, True), (options, line)


def test_a_port_that_is_taken(server: dict[str, Any]) -> None:
    port = server["url"].rpartition(":")[2]
    assert refused("--http", "--port", port) == f"simulator: cannot serve: --port {port}: Address already in use"
