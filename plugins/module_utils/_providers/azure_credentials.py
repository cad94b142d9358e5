# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Azure credentials count: azure.azcollection's sources in azure.azcollection's order.

Options of the task, variables of the environment, a profile of ~/.azure/credentials, `az login`. What is begun in one
of them is not completed by a later one, except that the environment completes the task.
"""

from __future__ import annotations

import configparser
import pathlib
import typing as t

from .._core.errors import InvalidInput
from .._core.settings import (
    AZURE_CREDENTIALS,
    AZURE_WAYS,
    ArmSettings,
    lacking,
    settings,
    without_variables,
)
from .._http.files import open_file

Kind = t.Literal["access_token", "secret", "x509_certificate_path", "federated_token_file", "pipeline", "msi", "cli"]
_KEYS = (*AZURE_CREDENTIALS, "subscription_id", "cloud_environment")
_LARGEST = 1024 * 1024
"""Bytes of a file of credentials."""

_NO_USERS = (
    "users with a password are not supported; put a service principal's client_id there, with secret, "
    "x509_certificate_path or federated_token_file"
)


class Choice(t.NamedTuple):
    """How to sign in and with which settings. `tried` says of each source before it why it has nothing."""

    kind: Kind
    settings: ArmSettings
    tried: tuple[str, ...] = ()

    def given(self, name: str) -> str:
        """A setting that its kind is never without."""
        return t.cast(str, getattr(self.settings, name))


class _Incomplete(t.NamedTuple):
    """Why a source cannot be used."""

    reason: str


def choose(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Choice:
    """The credentials of a task; InvalidInput where a source is begun or asked for, and lacks something."""
    found = settings(ArmSettings, params, environ)
    source = found.auth_source
    if source in ("msi", "cli"):
        return Choice(source, found)
    if source == "token":
        return _sure(_complete(found, "signing in to Azure with auth_source token", ("access_token",)))
    if source == "oidc":
        return _oidc(found, environ)
    if source == "credential_file" or (source == "auto" and params.get("profile")):
        by = "auth_source credential_file" if source == "credential_file" else "profile"
        return _sure(_from_file(found.profile or "default", params, environ), f"{by}: ")
    own = source == "auto" and [name for name in AZURE_CREDENTIALS if params.get(name)]
    if own:
        _refuse_two(params)
    elif found.profile:  # of the environment
        return _sure(_from_file(found.profile, params, environ), "AZURE_PROFILE: ")
    alone = " from the environment alone (auth_source env)" if source == "env" else ""
    first = _complete(found, f"signing in to Azure{alone} without access_token")
    if isinstance(first, _Incomplete) and environ.get("AZURE_AD_USER"):
        first = _Incomplete(f"{first.reason}; AZURE_AD_USER is not read: {_NO_USERS}")
    if isinstance(first, Choice) or own or source == "env":
        return _sure(first)
    second = _from_file("default", params, environ)
    if isinstance(second, Choice):
        return second
    return Choice("cli", found, (f"task and environment: {first.reason}", f"credential file: {second.reason}"))


def _sure(found: Choice | _Incomplete, option: str = "") -> Choice:
    if isinstance(found, _Incomplete):
        raise InvalidInput(f"{option}{found.reason}.", remedy="docs/sign-in-azure.md shows every way to sign in.")
    return found


def _refuse_two(params: t.Mapping[str, t.Any]) -> None:
    given = [name for name in AZURE_WAYS if params.get(name)]
    if len(given) > 1 and "access_token" not in given:
        raise InvalidInput(
            f"{' and '.join(given)}: the task gives more than one credential.",
            remedy="Give the one that is to be used.",
        )


def _complete(found: ArmSettings, what: str, ways: t.Sequence[str] = AZURE_WAYS) -> Choice | _Incomplete:
    """The first way that the settings give, if it has all that it needs."""
    given = next((name for name in ways if getattr(found, name)), None)
    if given == "access_token":
        return Choice("access_token", found)
    needed = ("access_token",) if tuple(ways) == ("access_token",) else ("tenant", "client_id", given or "secret")
    lacks = [name for name in needed if not getattr(found, name)]
    if lacks:
        others = "" if given or len(ways) == 1 else "; x509_certificate_path or federated_token_file may replace secret"
        return _Incomplete(f"{lacking(what, lacks)}{others}")
    return Choice(t.cast(Kind, given), found)


def _oidc(found: ArmSettings, environ: t.Mapping[str, str]) -> Choice:
    lacks = [name for name in ("tenant", "client_id") if not getattr(found, name)]
    if lacks:
        raise InvalidInput(f"{lacking('signing in to Azure with auth_source oidc', lacks)}.")
    if found.federated_token_file:
        return Choice("federated_token_file", found)
    if environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") or environ.get("SYSTEM_OIDCREQUESTURI"):
        return Choice("pipeline", found)
    raise InvalidInput(
        "auth_source oidc finds no token to exchange: neither federated_token_file (AZURE_FEDERATED_TOKEN_FILE), nor "
        "ACTIONS_ID_TOKEN_REQUEST_URL of GitHub Actions, nor SYSTEM_OIDCREQUESTURI of Azure Pipelines is set.",
        remedy="Give federated_token_file, or in GitHub Actions the job `permissions: id-token: write`.",
    )


def _from_file(profile: str, params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Choice | _Incomplete:
    """The profile, with what the task says beside credentials; the environment's credentials do not mix with it."""
    home = environ.get("HOME")
    if not home:
        return _Incomplete("HOME is not set, so there is no ~/.azure/credentials")
    values = _read_profile(pathlib.Path(home, ".azure", "credentials"), profile)
    if isinstance(values, _Incomplete):
        return values
    own = {name: value for name, value in params.items() if name not in AZURE_CREDENTIALS and value not in (None, "")}
    rest = without_variables(environ, AZURE_CREDENTIALS)
    origins = dict.fromkeys(values, f"profile {profile} of ~/.azure/credentials")
    found = settings(ArmSettings, {**values, **own, "auth_source": "auto"}, rest, origins)
    return _complete(found, f"the profile {profile} of ~/.azure/credentials")


def _read_profile(path: pathlib.Path, profile: str) -> dict[str, str] | _Incomplete:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        if path.stat().st_size > _LARGEST:
            return _Incomplete("~/.azure/credentials is larger than 1 MiB")
        with open_file(path) as stream:
            parser.read_string(stream.read(_LARGEST).decode("utf-8-sig"))
    except FileNotFoundError:
        return _Incomplete("there is no ~/.azure/credentials")
    except OSError as error:
        return _Incomplete(f"~/.azure/credentials cannot be read ({error.strerror})")
    except (configparser.Error, UnicodeDecodeError):  # their words would show lines of the file
        return _Incomplete("~/.azure/credentials is no INI file")
    if not parser.has_section(profile):
        names = ", ".join(parser.sections()[:20]) or "none"
        return _Incomplete(f"~/.azure/credentials has no profile {profile} (option profile); it has {names}")
    values = dict(parser.items(profile))
    found = {name: values[name] for name in _KEYS if values.get(name) and name != "profile"}
    if not any(name in found for name in AZURE_WAYS) and "ad_user" in values:
        return _Incomplete(f"the profile {profile} of ~/.azure/credentials has ad_user: {_NO_USERS}")
    return found
