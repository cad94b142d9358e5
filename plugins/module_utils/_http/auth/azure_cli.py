# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of `az login`: asked of az itself, which renews it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import typing as t
from contextlib import suppress
from datetime import datetime

from ..._core.errors import BadResponse, CheckpointError, SignInRefused, Unavailable
from ..._core.formatting import one_line
from ..._core.operation import Deadline
from ..._core.redaction import Redactor
from ..._core.times import show_seconds
from ..._deps import anyio
from .token import Token, TokenAuth, token_of_text

ANSWERS_WITHIN = 60.0
"""Seconds. az takes about one, and many more on a machine that has just started it for the first time."""
LABEL = "az login"
_NOISE = re.compile(r"\A(ERROR|WARNING): |\x1b\[[0-9;]*m")


class AzureCli(TokenAuth):
    """`az account get-access-token`; `account` are az's options that choose one, else it is az's current one.

    `subscription` is the one that az names with the token.
    """

    def __init__(
        self,
        environ: t.Mapping[str, str],
        scope: str,
        account: t.Sequence[str],
        deadline: Deadline,
        clock: t.Callable[[], datetime],
        redactor: Redactor,
    ) -> None:
        super().__init__(redactor)
        self._environ = environ
        self._command = ["account", "get-access-token", "--output", "json", "--scope", scope, *account]
        self._deadline = deadline
        self._clock = clock
        self.subscription: str | None = None

    async def fetch(self, claims: str | None) -> Token:
        if claims is not None:
            raise _refused("the service demands a new sign-in (claims challenge)", "Run az login again.")
        output = await self._run()
        try:
            answer = json.loads(output[max(0, output.find(b"{")) :])  # az may say first that it is a preview
            token, until = answer["accessToken"], answer.get("expires_on")
        except (ValueError, RecursionError, KeyError, TypeError):
            raise BadResponse("az printed no token.", subject=LABEL, remedy="Update the Azure CLI.") from None
        subscription = answer.get("subscription")
        self.subscription = subscription if isinstance(subscription, str) else None
        left = 300.0 if not isinstance(until, (int, float)) else until - self._clock().timestamp()
        return token_of_text(token, left, LABEL)

    async def _run(self) -> bytes:
        program = shutil.which("az", path=self._environ.get("PATH") or "")
        if program is None:
            raise _refused("there is no az on PATH", "Install the Azure CLI, or choose another auth_source.")
        limit = min(ANSWERS_WITHIN, self._deadline.remaining())
        environ = {**self._environ, "AZURE_CORE_NO_COLOR": "1", "AZURE_CORE_COLLECT_TELEMETRY": "0"}
        with anyio.move_on_after(limit):
            try:
                return await self._output([program, *self._command], environ)
            except OSError as error:
                reason = (error.strerror or "failed").lower()
                raise _refused(f"az cannot be started ({reason})", "Repair the Azure CLI.") from None
        raise Unavailable(
            f"az did not answer within {show_seconds(limit)}.", subject=LABEL, remedy="See whether az itself works."
        )

    async def _output(self, command: t.Sequence[str], environ: t.Mapping[str, str]) -> bytes:
        """What az prints. Where nobody waits any longer its whole group ends: az is a script that starts Python."""
        process = await anyio.open_process(command, stdin=subprocess.DEVNULL, env=environ, start_new_session=True)
        said: dict[str, bytes] = {}

        async def drain(name: str, stream: t.Any) -> None:
            said[name] = b"".join([chunk async for chunk in stream])

        async with process:
            try:
                async with anyio.create_task_group() as both:
                    both.start_soon(drain, "out", process.stdout)
                    both.start_soon(drain, "err", process.stderr)
                    code = await process.wait()
            finally:
                if len(said) < 2:  # not yet at the end of both
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        if code != 0:
            raise _failed(code, said["err"].decode("utf-8", "replace"))
        return said["out"]


def _failed(code: int, said: str) -> CheckpointError:
    lines = [_NOISE.sub("", line) for line in said.splitlines() if line.startswith("ERROR")]
    text = (one_line(" ".join(lines), 300) or one_line(said, 300) or "no reason given").rstrip(".")
    if "unrecognized arguments: --scope" in said:
        return _refused(f"az ended with {code}: it is too old to know --scope", "Update the Azure CLI.")
    remedy = "Run az login as the user who runs the module; az account show tells whom it is for."
    return _refused(f"az ended with {code}: {text}", remedy)


def _refused(message: str, remedy: str) -> SignInRefused:
    return SignInRefused(f"{message}.", subject=LABEL, remedy=remedy)
