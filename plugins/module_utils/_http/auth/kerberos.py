# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos: a ticket from the cache, a keytab or a password, a token for the server, and why there is none.

The libraries ask the KDC while they are called, so they are called in a thread that nobody waits for at the end.
"""

from __future__ import annotations

import pathlib
import struct
import sys
import typing as t
from dataclasses import dataclass

from ..._core.errors import CheckpointError, InvalidInput, MissingLibrary, SignInRefused, Unreachable
from ..._core.formatting import one_line
from ..._deps import KERBEROS, anyio, krb5, spnego

# Numbers of krb5.h. A file that cannot be read has the system's: ENOENT, EACCES.
_MINOR = {
    "unknown_client": (-1765328378,),
    "unknown_service": (-1765328377,),
    "revoked": (-1765328366,),
    "expired": (-1765328361,),
    # KDC_ERR_PREAUTH_FAILED, KRB_AP_ERR_BAD_INTEGRITY, KRB5_PREAUTH_FAILED
    "wrong_password": (-1765328360, -1765328353, -1765328174),
    "ticket_expired": (-1765328352,),
    "skew": (-1765328347,),
    # REALM_UNKNOWN, KDC_UNREACH, ERR_HOST_REALM_UNKNOWN, REALM_CANT_RESOLVE, CONFIG_NODEFREALM
    "no_kdc": (-1765328230, -1765328228, -1765328167, -1765328164, -1765328160),
    # CC_BADNAME, CC_NOTFOUND, CC_END, FCC_PERM, FCC_NOFILE, CC_FORMAT
    "no_ticket": (-1765328245, -1765328243, -1765328242, -1765328190, -1765328189, -1765328185),
    "keytab": (-1765328205, -1765328203, -1765328202, 2, 13),
}
_WORDS = (
    ("clock skew", "skew"),
    ("preauthentication failed", "wrong_password"),
    ("password incorrect", "wrong_password"),
    ("decrypt integrity", "wrong_password"),
    ("not found in kerberos database", "unknown_service"),
    ("cannot contact any kdc", "no_kdc"),
    ("cannot find kdc", "no_kdc"),
    ("no credentials cache", "no_ticket"),
    ("no kerberos credentials", "no_ticket"),
    ("credentials cache", "no_ticket"),
    ("ticket expired", "ticket_expired"),
    ("credential has expired", "ticket_expired"),
    ("keytab", "keytab"),
    ("cannot determine realm", "no_kdc"),
)


class NotPossible(Exception):
    """Kerberos cannot be used here, for a reason other than the credential; `error` is what to tell about it."""

    def __init__(self, error: CheckpointError, *, expired: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.expired = expired


@dataclass(frozen=True)
class Identity:
    """Who signs in, and as what the server is known. Without a password or keytab a ticket from the cache is used."""

    username: str = ""
    password: str = ""
    keytab: str = ""
    service: str = "HTTP"
    host: str = ""

    @property
    def spn(self) -> str:
        """The service principal name without its realm."""
        return f"{self.service}/{self.host}"


class Tickets:
    """Gets the ticket once for a task; a token is made from it for every request."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._lock = anyio.Lock()
        self._cache: str | None = None
        self._held: t.Any = None

    async def context(self, bindings: t.Any) -> tuple[t.Any, bytes]:
        """A security context for one request, and its token; NotPossible or an error that ends the sign-in."""
        try:
            return await self._made(bindings, self._cache)
        except NotPossible as problem:
            # A long run outlives its ticket; one that somebody else got is not ours to get anew.
            if not (problem.expired and (self._identity.keytab or self._identity.password)):
                raise
            return await self._made(bindings, None, instead_of=self._cache)

    async def _made(self, bindings: t.Any, cache: str | None, *, instead_of: str | None = None) -> tuple[t.Any, bytes]:
        async with self._lock:
            if self._cache is None or (cache is None and self._cache == instead_of):
                self._cache = await _in_thread(self._acquire)
        return t.cast("tuple[t.Any, bytes]", await _in_thread(self._begin, bindings))

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
                with pathlib.Path(who.keytab.removeprefix("FILE:")).open("rb"):
                    keytab = library.kt_resolve(context, who.keytab.encode())
                library.kt_get_entry(context, keytab, name)
                found = library.get_init_creds_keytab(context, name, options, keytab=keytab)
            else:
                found = library.get_init_creds_password(context, name, options, password=who.password.encode())
            cache = library.cc_new_unique(context, b"MEMORY")
            library.cc_initialize(context, cache, found.client)
            library.cc_store_cred(context, cache, found)
        except library.Krb5Error as error:
            raise self._explained(int(error.err_code), str(error)) from None
        except (OSError, ValueError):
            raise NotPossible(_wrong_keytab(_Failure(who.username, "spf_keytab", who, ""))) from None
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

    def _begin(self, bindings: t.Any) -> tuple[t.Any, bytes]:
        library = spnego()
        who = self._identity
        try:
            context = library.client(
                library.KerberosCCache(self._cache),
                hostname=who.host,
                service=who.service,
                channel_bindings=bindings,
                protocol="negotiate",
            )
            return context, context.step()
        except library.exceptions.SpnegoError as error:
            raise self._explained(_minor(error), str(error)) from None

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
            problem = self._explained(_minor(error), str(error))
            if isinstance(problem, SignInRefused):
                raise problem from None

    def _explained(self, minor: int, words: str) -> Exception:
        """The library's failure as an error of ours; NotPossible where another way may still be taken."""
        who = self._identity
        reason = next((name for name, codes in _MINOR.items() if minor in codes), None)
        if reason is None:
            reason = next((name for part, name in _WORDS if part in words.lower()), "other")
        whose = who.username or "the ticket"
        source = "spf_keytab" if who.keytab else "spf_password" if who.password else "KRB5CCNAME"
        failure = _Failure(whose, source, who, one_line(words, 300))
        error = _ERRORS[reason](failure)
        error.changed_nothing = True
        return error if reason in _FINAL else NotPossible(error, expired=reason == "ticket_expired")


_FINAL = {"wrong_password", "revoked", "expired", "skew"}
"""What another way to sign in must not be tried after: the credential, or a clock that has to be set."""


class _Failure(t.NamedTuple):
    whose: str
    source: str
    who: Identity
    words: str


def _wrong_keytab(failure: _Failure) -> CheckpointError:
    return InvalidInput(
        f"spf_keytab: {failure.who.keytab} cannot be read, or has no key for {failure.whose}.",
        remedy="Give a keytab that this user may read, and its principal as spf_username (klist -k shows it).",
    )


def _wrong(failure: _Failure) -> CheckpointError:
    return SignInRefused(
        f"Kerberos refused {failure.whose}: the password or key is wrong (KDC_ERR_PREAUTH_FAILED). It was tried once.",
        remedy=f"Check spf_username and {failure.source}.",
    )


_ERRORS: dict[str, t.Callable[[_Failure], CheckpointError]] = {
    "wrong_password": _wrong,
    "keytab": _wrong_keytab,
    "unknown_client": lambda failure: SignInRefused(
        f"Kerberos does not know {failure.whose} (KDC_ERR_C_PRINCIPAL_UNKNOWN).",
        remedy="Write spf_username as user@REALM, or set spf_auth: ntlm for an account of the server itself.",
    ),
    "unknown_service": lambda failure: SignInRefused(
        f"Kerberos does not know the service {failure.who.spn} (KDC_ERR_S_PRINCIPAL_UNKNOWN).",
        remedy="Set spf_service_principal to the SPN that is registered (setspn -L), or have this one registered.",
    ),
    "revoked": lambda failure: SignInRefused(
        f"Kerberos refused {failure.whose}: the account is disabled or locked (KDC_ERR_CLIENT_REVOKED).",
        remedy="Have the account of spf_username unlocked.",
    ),
    "expired": lambda failure: SignInRefused(
        f"Kerberos refused {failure.whose}: the password has expired (KDC_ERR_KEY_EXPIRED).",
        remedy="Change the password, then set spf_password.",
    ),
    "skew": lambda failure: SignInRefused(
        f"Kerberos refused {failure.whose}: this machine's clock and the KDC's differ too much (KRB_AP_ERR_SKEW).",
        remedy="Set this machine's clock (NTP), or use spf_auth: ntlm.",
    ),
    "no_kdc": lambda failure: Unreachable(
        f"no KDC could be reached for {failure.whose}: {failure.words}.",
        remedy="Check krb5.conf (KRB5_CONFIG), DNS and port 88, or set spf_auth: ntlm.",
    ),
    "no_ticket": lambda failure: InvalidInput(
        "spf_auth: there is no Kerberos ticket (KRB5CCNAME), and neither spf_password nor spf_keytab was given.",
        remedy="Run kinit, or give spf_username with spf_password or spf_keytab.",
    ),
    "ticket_expired": lambda failure: SignInRefused(
        "the Kerberos ticket has expired.", remedy="Run kinit, or give spf_keytab so that tickets are fetched."
    ),
    "other": lambda failure: SignInRefused(
        f"Kerberos failed for {failure.whose} and {failure.who.spn}: {failure.words}.",
        remedy="Check krb5.conf, spf_username and spf_service_principal, or set spf_auth: ntlm.",
    ),
}


def missing_kerberos(error: BaseException) -> MissingLibrary:
    """What to install for Kerberos, and for which interpreter."""
    return MissingLibrary(
        f"Kerberos needs the Python package {KERBEROS} for the Python that runs the module, {sys.executable}: "
        f"{one_line(str(error), 200)}.",
        remedy=f"Install it: {sys.executable} -m pip install '{KERBEROS}' (it needs the system's Kerberos libraries). "
        "Or set spf_auth: ntlm with spf_username and spf_password.",
    )


def _minor(error: t.Any) -> int:
    """The mechanism's own number in a SpnegoError, 0 where there is none."""
    base = getattr(error, "base_error", None) or error.__cause__
    for holder in (base, error.__cause__):
        for name in ("min_code", "err_code"):
            value = getattr(holder, name, None)
            if isinstance(value, int):
                # gssapi gives the number unsigned, and mapped to a table of its own where two mechanisms share it.
                return value - (1 << 32) if value > 1 << 31 else value
    return 0


async def _in_thread(function: t.Callable[..., t.Any], *given: t.Any) -> t.Any:
    return await anyio.to_thread.run_sync(function, *given, abandon_on_cancel=True)
