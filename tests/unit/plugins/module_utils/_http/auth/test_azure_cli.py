# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What az says where it gives no token, as whole lines; an az that runs is in tests/contract/sign_in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
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
