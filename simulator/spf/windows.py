# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows authentication as IIS does it, checked by pyspnego's acceptor: NTLM for a connection, Kerberos by a keytab.

NTLMv2 only: the acceptor skips the channel bindings of older responses. Kerberos takes its key from KRB5_KTNAME.
"""

from __future__ import annotations

import base64
import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from simulator.wire.exchange import Call
from simulator.world import World

Headers = list[tuple[str, str]]
_STORE = "hybridvm-simulator-ntlm-"


class Entry(NamedTuple):
    """Who came in, and the headers of the answer: a token to go on with, or the last one."""

    user: str | None = None
    headers: Headers = []  # noqa: RUF012 - never changed in place


def enter(call: Call, world: World, offers: list[str]) -> Entry:
    """The next leg of the handshake that the request carries."""
    scheme, _space, value = (call.header("authorization") or "").partition(" ")
    connection = call.connection
    if not value:
        return Entry(connection.user)
    if scheme.lower() not in ({"ntlm", "negotiate"} & set(offers)):
        return Entry()
    import spnego  # only this way of signing in needs it

    connection.user = None
    if connection.handshake is None:
        connection.handshake = _acceptor(call, world, scheme.lower())
    context = connection.handshake
    try:
        token = context.step(base64.b64decode(value))
    except (spnego.exceptions.SpnegoError, ValueError) as error:
        connection.handshake = None
        return Entry(None, _said(scheme, error))
    headers = [("WWW-Authenticate", f"{scheme} {base64.b64encode(token).decode()}")] if token else []
    if not context.complete:
        return Entry(None, headers)
    connection.handshake = None
    user: str = context.client_principal
    persistent = context.negotiated_protocol == "ntlm" and world.switches.spf_persistent_auth
    if persistent:
        connection.user = user
    return Entry(user, [*headers, ("Persistent-Auth", str(persistent).lower())])


def _said(scheme: str, error: Exception) -> Headers:
    """Kerberos says why it refuses, such as KRB_AP_ERR_SKEW: its token in a NegTokenResp (RFC 4178, 4.2.2)."""
    token = getattr(getattr(error, "base_error", None), "token", None)
    if not token:
        return []
    incomplete, said = _der(0xA0, _der(0x0A, b"\x01")), _der(0xA2, _der(0x04, token))
    answer = _der(0xA1, _der(0x30, incomplete + said))
    return [("WWW-Authenticate", f"{scheme} {base64.b64encode(answer).decode()}")]


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, size] if size < 0x80 else [tag, 0x80 | len(octets), *octets]) + content


def _acceptor(call: Call, world: World, scheme: str) -> Any:
    import spnego
    from spnego.channel_bindings import GssChannelBindings

    bindings = None
    if world.switches.spf_bindings == "required":
        bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + _digest(call.connection.certificate))
    with contextlib.suppress(ImportError):
        import gssapi

        # Else an error that has a token for the client is raised later, and pyspnego stumbles before.
        of_gssapi: Any = gssapi.SecurityContext  # its stubs leave that out
        of_gssapi.__DEFER_STEP_ERRORS__ = False
    os.environ["LM_COMPAT_LEVEL"] = "5"
    os.environ["NTLM_USER_FILE"] = str(_store(world))
    host = (call.header("host") or "localhost").rpartition(":")[0]
    return spnego.server(hostname=host, service="HTTP", protocol=scheme, channel_bindings=bindings)


def _digest(certificate: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    digest = hashes.Hash(algorithm if algorithm and algorithm.name not in ("md5", "sha1") else hashes.SHA256())
    digest.update(certificate)
    return digest.finalize()


def _store(world: World) -> Path:
    """The acceptor reads users from a file: the world's one, with and without its domain, for the owner's eyes."""
    known = world.credentials
    domain, _backslash, user = known.spf_username.rpartition("\\")
    lines = {f"{part}:{user}:{known.spf_password}" for part in (domain, "", "SIM", "LOCAL")}
    lines.add(f":{user}@SIM.TEST:{known.spf_password}")
    path = Path(os.environ.get("NTLM_USER_FILE") or "")
    if _STORE not in path.name or not path.is_file():
        descriptor, name = tempfile.mkstemp(prefix=_STORE)  # 0600
        os.close(descriptor)
        path = Path(name)
    path.write_text("\n".join(sorted(lines)) + "\n")
    return path
