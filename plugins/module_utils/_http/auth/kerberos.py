# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos: a ticket from the cache, a keytab or a password, a token for the server, and why there is none.

The libraries ask the KDC while they are called, so they are called in a thread that nobody waits for at the end.
"""

from __future__ import annotations

import copy
import pathlib
import struct
import typing as t

from ..._core.errors import InvalidInput, SignInRefused
from ..._deps import anyio, krb5, spnego
from ..files import open_file
from .kerberos_errors import Identity, NotPossible, explain, explain_refusal, missing_kerberos


class Tickets:
    """Gets the ticket once for a task; a token is made from it for every request. A refused password is tried once."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._lock = anyio.Lock()
        self._cache: str | None = None
        self._held: t.Any = None
        self._refused: SignInRefused | None = None

    async def context(self, bindings: t.Any) -> tuple[t.Any, bytes]:
        """A security context for one request, and its token; NotPossible or an error that ends the sign-in."""
        cache = await self._ticket(instead_of=None)
        try:
            return await self._begun(cache, bindings)
        except NotPossible as problem:
            # A long run outlives its ticket; one that somebody else got is not ours to get anew.
            if not (problem.expired and (self._identity.keytab or self._identity.password)):
                raise
        return await self._begun(await self._ticket(instead_of=cache), bindings)

    async def _ticket(self, *, instead_of: str | None) -> str:
        """Where the ticket is. It is got where there is none yet, or still the one that it is to stand for."""
        async with self._lock:
            if self._cache == instead_of:
                if self._refused is not None:
                    raise copy.deepcopy(self._refused)
                try:
                    self._cache = await _in_thread(self._acquire)
                except SignInRefused as problem:
                    self._refused = copy.deepcopy(problem)
                    raise
            return t.cast(str, self._cache)

    async def _begun(self, cache: str, bindings: t.Any) -> tuple[t.Any, bytes]:
        return t.cast("tuple[t.Any, bytes]", await _in_thread(self._begin, cache, bindings))

    def _acquire(self) -> str:
        """Where the ticket is; one from a password or keytab stays in memory."""
        who = self._identity
        try:
            library = krb5()
            spnego()
        except (ImportError, OSError) as error:  # gssapi raises OSError where libgssapi is missing
            raise NotPossible(missing_kerberos(error)) from None
        try:
            context = library.init_context()
            if not who.keytab and not who.password:
                return self._present(library, context)
            name = self._principal(library, context)
            options = library.get_init_creds_opt_alloc(context)
            library.get_init_creds_opt_set_canonicalize(options, True)
            if who.keytab:
                # Without this a missing file or key would look like a wrong password.
                with open_file(pathlib.Path(who.keytab.removeprefix("FILE:"))):
                    keytab = library.kt_resolve(context, who.keytab.encode())
                library.kt_get_entry(context, keytab, name)
                found = library.get_init_creds_keytab(context, name, options, keytab=keytab)
            else:
                found = library.get_init_creds_password(context, name, options, password=who.password.encode())
            cache = library.cc_new_unique(context, b"MEMORY")
            library.cc_initialize(context, cache, found.client)
            library.cc_store_cred(context, cache, found)
        except library.Krb5Error as error:
            raise explain(int(error.err_code), str(error), who) from None
        except OSError as error:
            raise explain(error.errno or 0, str(error), who) from None
        self._held = cache  # a cache in memory goes with its handle
        return f"MEMORY:{cache.name.decode()}"

    def _present(self, library: t.Any, context: t.Any) -> str:
        cache = library.cc_default(context)
        library.cc_get_principal(context, cache)  # raises where there is none
        self._held = cache
        kind = cache.cache_type.decode() if cache.cache_type else "FILE"
        return f"{kind}:{cache.name.decode()}"

    def _principal(self, library: t.Any, context: t.Any) -> t.Any:
        """The user's principal. DOMAIN\\user is one only where the domain is the default realm.

        A password must not be tried on somebody of that name in another realm.
        """
        domain, backslash, user = self._identity.username.rpartition("\\")
        if backslash:
            realm = library.get_default_realm(context).decode()
            if domain.lower() not in (realm.lower(), realm.partition(".")[0].lower()):
                raise NotPossible(
                    InvalidInput(
                        f"spf_username: {domain}\\… names no Kerberos realm that krb5.conf has as its default.",
                        remedy="Write it as user@REALM for Kerberos.",
                    )
                )
            return library.parse_name_flags(context, f"{user}@{realm}".encode())
        return library.parse_name_flags(context, user.encode())

    def _begin(self, cache: str, bindings: t.Any) -> tuple[t.Any, bytes]:
        library = spnego()
        who = self._identity
        try:
            context = library.client(
                library.KerberosCCache(cache),
                hostname=who.host,
                service=who.service,
                channel_bindings=bindings,
                protocol="negotiate",
            )
            return context, context.step()
        except library.exceptions.SpnegoError as error:
            raise explain(minor_of(error), str(error), who) from None

    def check_refusal(self, context: t.Any, token: bytes | None) -> None:
        """Raise what the server says about a token that it refused, where that is more than a 401."""
        if not token:
            return
        library = spnego()
        try:
            context.step(token)
        except (LookupError, TypeError, ValueError, struct.error):
            return  # a token that is nonsense says nothing
        except library.exceptions.SpnegoError as error:
            if (problem := explain_refusal(minor_of(error), self._identity)) is not None:
                raise problem from None


def minor_of(error: t.Any) -> int:
    """The mechanism's own number in a SpnegoError, 0 where there is none."""
    for holder in (getattr(error, "base_error", None), error.__cause__):
        for name in ("min_code", "err_code"):
            value = getattr(holder, name, None)
            if isinstance(value, int):
                # gssapi gives the number unsigned, and mapped to a table of its own where two mechanisms share it.
                return value - (1 << 32) if value > 1 << 31 else value
    return 0


async def _in_thread(function: t.Callable[..., t.Any], *given: t.Any) -> t.Any:
    return await anyio.to_thread.run_sync(function, *given, abandon_on_cancel=True)
