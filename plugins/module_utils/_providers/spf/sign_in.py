# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From SPF's options to the way to sign in. A way loads its file and its library when it is made, and not before."""

from __future__ import annotations

import typing as t
from contextlib import AsyncExitStack
from datetime import datetime

from ..._core.redaction import Redactor
from ..._core.settings import SpfSettings
from ..._deps import httpx
from ..._http.exchange import Auth, Exchanged

if t.TYPE_CHECKING:
    from ..._http.auth.basic import Basic
    from ..._http.auth.kerberos_errors import Identity
    from ..._http.auth.windows import NewClient


def remember_secrets(spf: SpfSettings, redactor: Redactor) -> None:
    """What must not be shown. Windows authentication and Basic are both made from user and password."""
    redactor.add_basic(spf.spf_username or "", spf.spf_password or "")
    redactor.add(spf.spf_token)
    redactor.add(spf.spf_client_cert_password)


def auth_of(
    spf: SpfSettings,
    redactor: Redactor,
    clock: t.Callable[[], datetime],
    new_client: NewClient,
    stack: AsyncExitStack,
) -> Auth:
    """The way that the options ask for. `new_client` makes a client with one connection; `stack` closes it."""
    remember_secrets(spf, redactor)
    way = spf.way
    if way == "basic":
        return _basic(spf)
    if way == "bearer":
        from ..._http.auth.bearer import Bearer, TokenFile, check_times

        if spf.spf_token_file:
            return TokenFile(spf.spf_token_file, redactor, clock)
        check_times("spf_token:", spf.spf_token or "", clock())
        return Bearer(spf.spf_token or "", "spf_token")
    if way == "certificate":
        from ..._http.auth.certificate import Certificate

        return Certificate()

    def windows(refusal: Exchanged | None = None) -> Auth:
        from ..._http.auth.windows import Windows

        made = Windows(
            _identity(spf),
            new_client,
            stack,
            kerberos=way != "ntlm",
            ntlm=way != "kerberos",
            schemes=("negotiate",) if way == "negotiate" else ("negotiate", "ntlm", "kerberos"),
            send_bindings=spf.spf_channel_bindings == "auto",
            redactor=redactor,
        )
        if refusal is not None:
            made.learn(refusal)
        return made

    if way == "auto":
        from ..._http.auth.automatic import Automatic

        return Automatic(windows, (lambda: _basic(spf)) if spf.spf_password else None)
    return windows()


def _basic(spf: SpfSettings) -> Basic:
    from ..._http.auth.basic import Basic

    return Basic(spf.spf_username or "", spf.spf_password or "")


def _identity(spf: SpfSettings) -> Identity:
    from ..._http.auth.kerberos_errors import Identity

    service, _slash, host = (spf.spf_service_principal or "").partition("/")
    return Identity(
        username=spf.spf_username or "",
        password=spf.spf_password or "",
        keytab=spf.spf_keytab or "",
        service=service or "HTTP",
        host=host or httpx.URL(spf.root).host,
    )
