# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs an inventory is about, and whose reading of them it is. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t
from datetime import timedelta
from fnmatch import fnmatchcase

from .._core.errors import InvalidInput
from .._core.fields import Duration, OptionsModel
from .._core.settings import ENVIRONMENT
from .._core.spec import OMIT, Guid, ResourceGroup
from .._core.targets import VM
from .._deps import pydantic
from .._providers.base import Scope

Service = t.Literal["spf", "scvmm", "compute"]
IN_SUBSCRIPTIONS = ("scvmm", "compute")
"""The services whose VMs lie in resource groups of a subscription; SPF's scope is the tenant."""
_PASSWORDS = ("spf_password", "spf_client_cert_password", "secret", "x509_certificate_password")
"""They do not say who signs in, and a short one could be guessed from a digest. Tokens do, and cannot."""
_OTHER_IDENTITIES = ("KRB5CCNAME", "AZURE_CONFIG_DIR")
"""Where a ticket and the session of `az login` lie."""
_KEPT = ("services", "subscriptions", "resource_groups", "include", "exclude", "tags", "checkpoints", "collection")
"""The options that decide what is read, and so what a cache holds."""


def _not_empty(value: t.Any) -> t.Any:
    if not value:
        raise ValueError(f"is empty. {OMIT}")
    return value


def _text(value: object) -> object:
    """A tag's value as YAML may write it: `tier: 1`, `critical: true`."""
    return str(value).lower() if isinstance(value, int) else value


Some = pydantic.AfterValidator(_not_empty)
Pattern = t.Annotated[str, pydantic.Field(max_length=1000), Some]
TagPattern = t.Annotated[str, pydantic.BeforeValidator(_text)]


class InventoryQuery(OptionsModel):
    """What `hybridvm.checkpoints.vms` shows, and how. An empty list is an error: it must not widen what is meant."""

    services: t.Annotated[list[Service], Some]
    subscriptions: t.Optional[t.Annotated[list[Guid], Some]] = None
    resource_groups: t.Optional[t.Annotated[list[ResourceGroup], Some]] = None
    include: t.Optional[t.Annotated[list[Pattern], Some]] = None
    exclude: tuple[Pattern, ...] = ()
    tags: t.Optional[t.Annotated[dict[str, t.Optional[TagPattern]], Some]] = None
    checkpoints: bool = True
    fresh_within: Duration = timedelta(hours=24)
    on_duplicate: t.Literal["suffix", "fail"] = "suffix"

    @pydantic.model_validator(mode="after")
    def _of_azure(self) -> t.Self:
        if not any(service in IN_SUBSCRIPTIONS for service in self.services):
            for option in ("subscriptions", "resource_groups", "tags"):
                if getattr(self, option) is not None:
                    raise ValueError(f"{option}: is Azure's; add scvmm or compute to services, or leave it out")
        return self

    def scopes(self) -> list[Scope]:
        """The lists to be read, each once, service by service."""
        found = []
        for service in dict.fromkeys(self.services):
            if service not in IN_SUBSCRIPTIONS:
                found.append(Scope(service))
                continue
            for subscription in _distinct(self.subscriptions):
                found += [Scope(service, group, subscription) for group in _distinct(self.resource_groups)]
        return found

    def keeps(self, vm: VM) -> bool:
        """Whether the VM passes the filters. Names are compared without case; of tags the values with it."""
        name = vm.name.lower()
        if self.include is not None and not _fits_any(name, self.include):
            return False
        return not _fits_any(name, self.exclude) and _has_tags(vm.tags, self.tags or {})


def _distinct(values: t.Sequence[str] | None) -> list[str | None]:
    """Each once, without case; None where nothing was given."""
    return [None] if values is None else list({value.lower(): value for value in values}.values())


def _fits_any(name: str, patterns: t.Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns)


def _has_tags(tags: t.Mapping[str, str], wanted: t.Mapping[str, str | None]) -> bool:
    """Whether it has all of them; Azure compares names of tags without case."""
    had = {name.lower(): value for name, value in tags.items()}
    return all(
        name.lower() in had and (value is None or fnmatchcase(had[name.lower()], value))
        for name, value in wanted.items()
    )


def cache_key(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str], user: str) -> str:
    """A digest of what is read and of who reads it: services, scope, filters, addresses, users, never a password.

    `user` is the operating system's, for signing in may depend on files of theirs.
    """
    identity = {
        option: params.get(option) or [environ[name] for name in names if environ.get(name)]
        for option, names in ENVIRONMENT.items()
        if option not in _PASSWORDS
    }
    kept = {option: params.get(option) for option in _KEPT}
    other = [environ.get(name) for name in _OTHER_IDENTITIES]
    return hashlib.sha256(json.dumps([identity, kept, other, user], sort_keys=True).encode()).hexdigest()


def sign_in_key(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> str:
    """A digest of all that decides whether a sign-in is refused, passwords included: for memory, never for a file."""
    given = {
        option: [params.get(option), *(environ.get(name) for name in ENVIRONMENT[option])] for option in ENVIRONMENT
    }
    other = [environ.get(name) for name in _OTHER_IDENTITIES]
    return hashlib.sha256(json.dumps([given, other]).encode()).hexdigest()


def refuse_unknown(given: t.Iterable[str], known: t.Iterable[str]) -> None:
    """InvalidInput for options that there are not: Ansible would pass over a misspelt filter."""
    if unknown := sorted({str(option) for option in given} - set(known)):
        raise InvalidInput(
            f"{', '.join(unknown)}: no such option.",
            remedy="ansible-doc -t inventory hybridvm.checkpoints.vms lists them.",
        )
