# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What az says where it gives no token, as whole lines; an az that runs is in tests/contract/sign_in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import azure_cli
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

NOW = datetime(2026, 11, 26, tzinfo=UTC)
LOGIN = "Run az login as the user who runs the module; az account show tells whom it is for."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", f"no reason given. {LOGIN}"),
        (" \n\t", f"no reason given. {LOGIN}"),
        ("ERROR: Please log in.\n", f"Please log in. {LOGIN}"),
        ("WARNING: old\nERROR:  one. \nother\nERROR: two\n", f"one. two. {LOGIN}"),
        ("ERROR: \x1b[31mred\x1b[0m\n", f"red. {LOGIN}"),
        ("ERROR: \n", f"ERROR:. {LOGIN}"),
        ("Traceback\n  of it...", f"Traceback of it. {LOGIN}"),
        ("ERROR: unrecognized arguments: --scope x", "it is too old to know --scope. Update the Azure CLI."),
    ],
)
def test_what_az_says_is_one_line(said: str, told: str) -> None:
    assert str(azure_cli._failed(7, said)) == f"az login: az ended with 7: {told}"


def test_a_long_reason_is_cut() -> None:
    for said in ("x" * 999, f"ERROR: {'x' * 999}"):
        assert f": {'x' * 299}…. Run az" in str(azure_cli._failed(1, said))


def fetched(printed: str) -> tuple[Token, str | None]:
    async def main() -> tuple[Token, str | None]:
        made = azure_cli.AzureCli({}, "scope", ["--tenant", "t"], Deadline(60), lambda: NOW, Redactor())

        async def run() -> bytes:
            return printed.encode()

        made._run = run  # type: ignore[method-assign]  # az itself is elsewhere
        assert made._command == ["account", "get-access-token", "--output", "json", "--scope", "scope", "--tenant", "t"]
        return await made.fetch(None), made.subscription

    return virtual(main)


@pytest.mark.parametrize(
    ("answer", "seconds", "subscription"),
    [
        ({"expires_on": NOW.timestamp() + 77, "subscription": "s"}, 77.0, "s"),
        ({"expires_on": str(NOW.timestamp())}, 300.0, None),
        ({"expires_on": None, "subscription": 7}, 300.0, None),
        ({"subscription": None}, 300.0, None),
    ],
)
def test_how_long_a_token_of_az_lives(answer: dict[str, Any], seconds: float, subscription: str | None) -> None:
    text = json.dumps({"accessToken": "e30", **answer})
    for printed in (text, "preview {not}"[:8] + text):
        assert fetched(printed) == (("e30", seconds), subscription)


def test_a_token_of_az_is_used_and_hidden() -> None:
    redactor = Redactor()

    async def main() -> str | None:
        made = azure_cli.AzureCli({}, "scope", [], Deadline(60), lambda: NOW, redactor)

        async def run() -> bytes:
            return b'{"accessToken": "token-of-az"}'

        made._run = run  # type: ignore[method-assign]  # az itself is elsewhere
        await made.ready()
        return made._token

    assert virtual(main) == "token-of-az"
    assert redactor.redact_result("token-of-az") == MASK


@pytest.mark.parametrize("printed", ["", "nonsense", "[]", "7", "null", '{"accessToken"', "{}", '{"a":' * 20_000])
def test_what_az_prints_instead_of_a_token_is_told_in_whole(printed: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        fetched(printed)
    assert (caught.value.code, str(caught.value)) == (
        "bad_answer",
        "az login: az printed no token. Update the Azure CLI.",
    )


@pytest.mark.parametrize("token", ["", "a b\n", 7, None])
def test_a_token_of_az_that_no_header_can_carry_is_told_in_whole(token: Any) -> None:
    with pytest.raises(CheckpointError) as caught:
        fetched(json.dumps({"accessToken": token}))
    assert str(caught.value) == "az login: holds no usable access token."


def test_az_cannot_answer_a_claims_challenge() -> None:
    async def main() -> None:
        await azure_cli.AzureCli({}, "scope", [], Deadline(60), lambda: NOW, Redactor()).fetch("{}")

    with pytest.raises(CheckpointError) as caught:
        virtual(main)
    assert (caught.value.code, str(caught.value)) == (
        "sign_in_refused",
        "az login: the service demands a new sign-in (claims challenge). Run az login again.",
    )


@pytest.mark.parametrize("environ", [{}, {"PATH": ""}, {"PATH": "/nowhere"}])
def test_a_machine_without_az_is_told_in_whole(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the PATH of this process has one: the task's own environment counts."""
    (tmp_path / "az").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    async def main() -> None:
        await azure_cli.AzureCli(environ, "scope", [], Deadline(60), lambda: NOW, Redactor()).fetch(None)

    with pytest.raises(CheckpointError) as caught:
        virtual(main)
    assert str(caught.value) == (
        "az login: there is no az on PATH. Install the Azure CLI, or choose another auth_source."
    )


class Waiting(azure_cli.AzureCli):
    """Runs no az: what its environment and command are, and how long it is waited for."""

    ran: list[Any]

    async def _output(self, command: Sequence[str], environ: Mapping[str, str]) -> bytes:
        self.ran = [list(command), dict(environ)]
        await trio.sleep_forever()
        raise AssertionError


@pytest.mark.parametrize(("seconds", "told", "took"), [(600.0, "1m", 60.0), (7.0, "7s", 7.0)])
def test_an_az_that_does_not_answer_is_told_in_whole(seconds: float, told: str, took: float, tmp_path: Path) -> None:
    program = tmp_path / "az"
    program.touch(mode=0o755)
    given = {"PATH": str(tmp_path), "MINE": "kept"}

    async def main() -> None:
        made = Waiting(given, "scope", [], Deadline(seconds), lambda: NOW, Redactor())
        with pytest.raises(CheckpointError) as caught:
            await made.fetch(None)
        assert (caught.value.code, str(caught.value)) == (
            "unavailable",
            f"az login: az did not answer within {told}. See whether az itself works.",
        )
        assert trio.current_time() == took
        assert made.ran == [
            [str(program), "account", "get-access-token", "--output", "json", "--scope", "scope"],
            {**given, "AZURE_CORE_NO_COLOR": "1", "AZURE_CORE_COLLECT_TELEMETRY": "0"},
        ]

    virtual(main)


@pytest.mark.parametrize(
    ("error", "why"), [(PermissionError(13, "Permission denied"), "permission denied"), (OSError(), "failed")]
)
def test_an_az_that_cannot_be_started_is_told_in_whole(error: OSError, why: str, tmp_path: Path) -> None:
    (tmp_path / "az").touch(mode=0o755)

    async def main() -> None:
        made = azure_cli.AzureCli({"PATH": str(tmp_path)}, "scope", [], Deadline(60), lambda: NOW, Redactor())

        async def failing(command: Sequence[str], environ: Mapping[str, str]) -> bytes:
            raise error

        made._output = failing  # type: ignore[method-assign]  # az itself is elsewhere
        await made.fetch(None)

    with pytest.raises(CheckpointError) as caught:
        virtual(main)
    assert (caught.value.code, str(caught.value)) == (
        "sign_in_refused",
        f"az login: az cannot be started ({why}). Repair the Azure CLI.",
    )
