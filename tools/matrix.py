# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the integration targets on other versions of ansible-core, each in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

CORES = {
    "2.16": ("3.11", "3.12"),
    "2.17": ("3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13"),
    "2.21": ("3.12", "3.13"),
}
"""Each supported ansible-core, and the Pythons that run both it and the modules; the first one found is taken."""
REQUIREMENTS = ("requirements.txt", "requirements-simulator.txt")
COLLECTION = Path("ansible_collections/hybridvm/checkpoints")


def interpreter(versions: tuple[str, ...]) -> tuple[str, Path] | None:
    """The first of these Pythons on the PATH or in pyenv, and its version."""
    for version in versions:
        places = [Path(part) for part in os.environ["PATH"].split(os.pathsep) if "/shims" not in part]
        for place in (*places, *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin"))):
            if (place / f"python{version}").is_file():
                return version, place / f"python{version}"
    return None


def run(core: str, root: Path, place: Path) -> str:
    """How the targets fare on this ansible-core: passed, skipped with a reason, or what went wrong and the log."""
    found = interpreter(CORES[core])
    if found is None:
        return f"skipped: there is no Python {' or '.join(CORES[core])}"
    version, python = found
    environment = place / core
    begun = time.monotonic()
    subprocess.run(["uv", "venv", "-q", "--clear", "-p", str(python), str(environment)], check=True)
    packages = [f"ansible-core~={core}.0", *(part for name in REQUIREMENTS for part in ("-r", str(root / name)))]
    install = ["uv", "pip", "install", "-q", "--compile-bytecode", "-p", str(environment / "bin/python")]
    subprocess.run([*install, *packages], check=True)
    # Nothing of the environment that runs this tool: ansible-test takes what it finds on the PATH.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    clean["PATH"] = f"{environment / 'bin'}:/usr/bin:/bin"
    log = place / f"{core}.log"
    with log.open("wb") as stream:
        command = [str(environment / "bin/ansible-test"), "integration", "--local", "--python", version]
        ended = subprocess.run(
            command, cwd=place / COLLECTION, env=clean, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    unsupported = "does not support Ansible version" in " ".join(log.read_text("utf-8", "replace").split())
    if ended.returncode or unsupported:
        why = "meta/runtime.yml does not admit it" if unsupported else "failed"
        return f"{why} on Python {version}: see {log.relative_to(root)}"
    return f"passed on Python {version} in {time.monotonic() - begun:.0f} s"


def main(cores: list[str], root: Path) -> int:
    """1 if any fails, 2 for a version that is none of ours."""
    if unknown := [core for core in cores if core not in CORES]:
        sys.stderr.write(f"{', '.join(unknown)}: the versions are {', '.join(CORES)}\n")
        return 2
    place = root / "build/matrix"
    subprocess.run([sys.executable, str(root / "tools/tree.py"), str(place / COLLECTION)], cwd=root, check=True)
    failed = False
    for core in cores or CORES:
        outcome = run(core, root, place)
        failed |= not outcome.startswith(("passed", "skipped"))
        sys.stdout.write(f"ansible-core {core}: {outcome}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[1]))
