# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft Entra knows of a client beside its secret, and what identities a machine has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Identities:
    """`text` makes up secrets. Tests add what a tenant's administrator would."""

    text: Callable[[int], str]
    certificates: dict[str, bytes] = field(default_factory=dict)  # SHA-1 thumbprint, lower case -> PEM
    trusted_names: set[str] = field(default_factory=set)  # subjects that are trusted by name and issuer
    assertions: dict[str, float] = field(default_factory=dict)  # federated token -> end, seconds since 1970
    system_assigned: bool = True
    user_assigned: set[str] = field(default_factory=set)  # client ids and ARM ids, lower case
    adfs: bool = False  # the authority is AD FS, as of an Azure Stack Hub
    arc_keys: Path | None = None  # where Azure Arc's agent would leave the key of a challenge
    arc_key_bytes: int = 64
    open_challenges: set[str] = field(default_factory=set)
    seen_claims: list[str] = field(default_factory=list)
    identity_header: str = ""
    request_token: str = ""
    service_connection: str = "3f0e2c7a-1111-4222-8333-944455556666"

    def __post_init__(self) -> None:
        self.identity_header = self.text(40)
        self.request_token = self.text(60)

    def assert_identity(self, end: float) -> str:
        """A token of another identity provider that the client's federated credential fits."""
        token = f"eyJhbGciOiJSUzI1NiJ9.{self.text(120)}.{self.text(80)}"
        self.assertions[token] = end
        return token
