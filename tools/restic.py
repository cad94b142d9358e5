# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""restic for the tests, from Debian's package unpacked under build/restic: no root, nothing outside of build.

    python tools/restic.py

prints nothing where it can be had, else why not, and the test that compares retention with it is skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNPACKED = ROOT / "build" / "restic"
PROGRAM = UNPACKED / "usr" / "bin" / "restic"
SKIPPED = "The comparison with restic is skipped"


def found() -> str:
    """The restic at hand: the unpacked one, else one on the way of programs; empty where there is none."""
    return str(PROGRAM) if PROGRAM.is_file() else shutil.which("restic") or ""


def unpack() -> str:
    """Fetch and unpack the package once; why it cannot be had, or nothing."""
    if found():
        return ""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return "there is neither restic nor apt-get and dpkg to fetch Debian's package with"
    downloads = ROOT / "build" / "restic-debs"
    downloads.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(
        ["apt-get", "download", "-q", "restic"], cwd=downloads, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        said = (fetched.stderr or fetched.stdout).strip().splitlines()
        return f"apt-get download restic: {said[-1][:300] if said else 'failed'}"
    (package,) = sorted(downloads.glob("restic_*.deb"))[-1:]
    unpacked = subprocess.run(["dpkg", "-x", str(package), str(UNPACKED)], capture_output=True, check=False)
    return f"dpkg -x {package.name} failed" if unpacked.returncode else ""


if __name__ == "__main__":
    if why := unpack():
        print(f"{SKIPPED}: {why}.")
