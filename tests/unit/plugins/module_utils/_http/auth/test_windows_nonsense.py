# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever pyspnego raises of a server's token, the task ends with a line about it and not with a traceback."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
import spnego

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import windows

RAISED = [
    KeyError("words"),
    IndexError("words"),
    TypeError("words"),
    ValueError("words"),
    UnicodeDecodeError("utf-16", b"x", 0, 1, "words"),
    struct.error("words"),
    spnego.exceptions.InvalidTokenError(context_msg="words"),
]


class Context:
    """One that cannot read the server's token, and yet calls itself complete."""

    complete = True

    def __init__(self, error: Exception) -> None:
        self._error = error

    def step(self, token: bytes, **_bindings: Any) -> bytes:
        assert token == b"token"
        raise self._error


@pytest.mark.parametrize("error", RAISED, ids=repr)
def test_a_token_that_cannot_be_read_proves_nothing(error: Exception) -> None:
    assert windows._proven(Context(error), b"token") is False


@pytest.mark.parametrize("error", RAISED, ids=repr)
def test_a_challenge_that_cannot_be_read_is_told(error: Exception) -> None:
    unbound: Any = SimpleNamespace(_bindings=None)
    with pytest.raises(BadResponse) as caught:
        windows.Windows._answer(unbound, Context(error), b"token")
    begins, remedy = caught.value.message, caught.value.remedy
    assert begins.startswith("the server's NTLM challenge makes no sense: ")
    assert "words" in begins
    assert remedy == "See what answers there: IIS, or a proxy or another program in its place."
