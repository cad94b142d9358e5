# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the shell's export lines that point the collection at a running simulator, from its ready file.

It works in a checkout, whose collection `make` installs under build/, and in an installed collection.
"""

from __future__ import annotations

import json
import os
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
DEFAULT_PATH = ("~/.ansible/collections", "/usr/share/ansible/collections")


def own_path(root: Path) -> str:
    """The directory in which Ansible finds this collection."""
    installed = root.parts[-3:] == ("ansible_collections", "hybridvm", "checkpoints")
    return str(root.parents[2] if installed else root / "build")


def configured_path() -> list[str]:
    """Where Ansible looks for collections: by the environment, by ansible.cfg (which Ansible reads), or by default."""
    try:
        from ansible import constants
    except ImportError:
        given = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
        return [part for part in given.split(os.pathsep) if part] or [
            str(Path(part).expanduser()) for part in DEFAULT_PATH
        ]
    return [str(part) for part in constants.COLLECTIONS_PATHS]


def exports(ready: dict[str, Any], root: Path) -> list[str]:
    """One line a variable; what the ready file leaves null is left out."""
    variables = {name: str(ready[key]) for name, key in KEYS.items() if ready.get(key) is not None}
    own = own_path(root)
    variables["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join([own, *(part for part in configured_path() if part != own)])
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


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
