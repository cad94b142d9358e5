# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the shell's export lines that point the collection at a running simulator, from its ready file."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

KEYS = {
    "SPF_URL": "spf_url",
    "SPF_USERNAME": "spf_username",
    "SPF_PASSWORD": "spf_password",
    "AZURE_CLOUD_ENVIRONMENT": "arm_url",
    "AZURE_SUBSCRIPTION_ID": "subscription_id",
    "AZURE_TENANT": "tenant",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_SECRET": "secret",
    "HYBRIDVM_CA_PATH": "ca_file",
}


def exports(ready: dict[str, Any], root: Path) -> list[str]:
    """One line a variable; what the ready file leaves null is left out."""
    told = {name: str(ready[key]) for name, key in KEYS.items() if ready.get(key) is not None}
    told["ANSIBLE_COLLECTIONS_PATH"] = str(root / "build")
    return [f"export {name}={shlex.quote(value)}" for name, value in told.items()]


def main() -> int:
    """2 without a ready file."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.stderr.write("usage: rehearse.py READY_FILE (of a simulator that runs)\n")
        return 2
    ready = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    sys.stdout.write("\n".join([*exports(ready, Path(__file__).resolve().parents[1]), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
