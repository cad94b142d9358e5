# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third-party libraries, importable whether or not they are installed.

Ansible's sanity import test, and every user before `pip install -r requirements.txt`, loads these files without httpx,
pydantic and anyio. Definitions then get a stand-in; `_module` sees `IMPORT_ERROR` and ends with one clear line before
anything uses it. A library that is too old, as in a distribution's packages, or too new counts as missing.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

REQUIREMENTS = ("anyio>=4.4,<5", "httpx>=0.27,<1", "pydantic>=2.7,<3")
"""The lines of requirements.txt."""
IMPORT_ERROR: str | None = None


def meets(requirement: str, version: str) -> bool:
    """Whether a version such as "2.10.0b1" lies in the bounds of a requirement such as "pydantic>=2.7,<3"."""
    bounds = requirement.partition(">=")[2].split(",<")
    oldest, given, newer = (tuple(map(int, re.findall(r"\d+", text)[:2])) for text in (bounds[0], version, bounds[1]))
    return oldest <= given < newer


def version_of(library: t.Any) -> str:
    """The version of a library: as it says itself, or as the directory beside it is called.

    importlib.metadata knows too, and parses the package's whole description for it.
    """
    version = getattr(library, "__version__", "")
    if not version:
        name = library.__name__
        found = [path.name for path in pathlib.Path(library.__file__).parents[1].glob(f"{name}-*.dist-info")]
        if len(found) != 1:
            import importlib.metadata

            return importlib.metadata.version(name)
        version = found[0].removeprefix(f"{name}-").removesuffix(".dist-info")
    return str(version)


try:
    import anyio
    import httpx
    import pydantic

    for _library, _requirement in zip((anyio, httpx, pydantic), REQUIREMENTS, strict=True):
        if not meets(_requirement, version_of(_library)):
            raise ImportError(f"{_library.__name__} {version_of(_library)} is installed, {_requirement} is needed")
except ImportError as error:
    IMPORT_ERROR = str(error)

    class _Missing:
        """Stand-in that lets definitions which use an absent library still be imported."""

        def __getattr__(self, name: str) -> t.Any:
            return self

        def __call__(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
            return self

        def __mro_entries__(self, bases: tuple[t.Any, ...]) -> tuple[type, ...]:
            return ()

    anyio = httpx = pydantic = t.cast(t.Any, _Missing())


def load_transport() -> None:
    """Load what the first request would load: before a controller forks its workers, once for all of them."""
    import anyio._backends._asyncio
    import httpcore._backends.anyio

    _loaded = anyio._backends._asyncio, httpcore._backends.anyio


# The libraries of a single way to sign in are loaded by that way alone; each function raises ImportError without them.

WINDOWS = "pyspnego"
KERBEROS = "pyspnego[kerberos]"
CERTIFICATES = "cryptography"
"""What pip installs for them, as in requirements-windows.txt."""
MSAL = "msal>=1.29,<2"
"""What certificates and managed identities of Azure need, as in requirements-azure.txt."""


def spnego() -> t.Any:
    """pyspnego: NTLM and SPNEGO."""
    import spnego
    import spnego.channel_bindings
    import spnego.exceptions

    return spnego


def krb5() -> t.Any:
    """The bindings of MIT Kerberos, with gssapi, which pyspnego needs beside it."""
    import gssapi
    import krb5

    _loaded = gssapi
    return krb5


def truststore() -> t.Any:
    """What reads the operating system's store of authorities where OpenSSL does not."""
    import truststore

    return truststore


def msal() -> t.Any:
    """Microsoft's library for signing in to Entra."""
    import msal

    if not meets(MSAL, version_of(msal)):
        raise ImportError(f"msal {version_of(msal)} is installed, {MSAL} is needed")
    return msal


def cryptography() -> t.Any:
    """The parts of cryptography that read keys and certificates; pyspnego and msal bring it."""
    from types import SimpleNamespace

    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    return SimpleNamespace(
        UnsupportedAlgorithm=UnsupportedAlgorithm,
        hashes=hashes,
        pkcs12=pkcs12,
        rsa=rsa,
        serialization=serialization,
        x509=x509,
    )


__all__ = ["anyio", "httpx", "pydantic"]
"""What is imported from here and defined elsewhere."""
