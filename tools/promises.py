# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's table of what differs between services, from the capabilities: `python tools/promises.py` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import scvmm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute import capabilities as compute
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import provider as spf

README = Path(__file__).resolve().parent.parent / "README.md"
SERVICES: tuple[Capabilities, ...] = (spf.CAPABILITIES, scvmm.CAPABILITIES, compute.CAPABILITIES)
ROWS = {
    "identity": "Identity",
    "time": "Time of creation",
    "exactly_once": "Exactly once",
    "joining": "Joining what runs",
    "restore": "Proof of a restore",
}
# What the modules do on each service; the capabilities say the rest.
DOES = (
    ("Checkpoint present, absent, `max_age`, `supersede`", "yes", "yes", "yes"),
    ("Restore", "yes", "yes", "yes, by swapping the VM's disks"),
    ("List a VM, many, a whole scope; select by age, name, owner, pin ([how][selecting])", "yes", "yes", "yes"),
    ("Inventory with the age of each VM's checkpoints", "yes", "yes", "yes"),
    ("Many VMs as one unit ([`group`][groups]), with `on_failure: undo` all of them or none", "yes", "yes", "yes"),
    ("Change a description", "yes", "not possible there; shown as `drift`", "restore points have none; a warning"),
    (
        "Pin a checkpoint ([how][pins])",
        "in its mark; changed like a description",
        "in its mark, at creation only",
        "by a tag of its collection, and a lock if you like",
    ),
    ("Restore points as resources, copies to other regions", "no", "no", "yes"),
    (
        "Sign in",
        "Kerberos, NTLM, Basic, bearer token, client certificate ([how][sign-in-spf])",
        "as azure.azcollection does ([how][sign-in-azure])",
        "as there",
    ),
)
_PLACE = re.compile(r"(<!-- promises:[^>]*-->\n).*?(<!-- /promises -->)", re.S)


def table() -> str:
    """The table in Markdown: a row per promise, a column per service."""
    lines = ["| | " + " | ".join(service.title for service in SERVICES) + " |", "|---" * (len(SERVICES) + 1) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in DOES]
    lines += [f"| {title} | " + " | ".join(s.why[row] for s in SERVICES) + " |" for row, title in ROWS.items()]
    most = " | ".join(str(service.max_points) for service in SERVICES)
    lines.append(f"| Checkpoints per VM, at most | {most} |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """The README with the table in its place."""
    return _PLACE.sub(lambda found: found[1] + "\n" + table() + "\n" + found[2], text)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
