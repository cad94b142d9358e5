# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""MIT Kerberos for the tests, from Debian's packages unpacked under build/krb5: no root, nothing outside of build.

    python tools/kerberos.py PYTHON

builds the client's bindings (gssapi, krb5) into the environment of PYTHON, and unpacks libfaketime, for a KDC whose
clock is off. Where that cannot be done it prints why, and the tests that need them are skipped.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNPACKED = ROOT / "build" / "krb5"
MACHINE = f"{platform.machine()}-linux-gnu"
LIBRARIES = UNPACKED / "usr" / "lib" / MACHINE
PACKAGES = [
    "krb5-kdc",
    "krb5-admin-server",
    "krb5-user",
    "libkadm5srv-mit12",
    "libkadm5clnt-mit12",
    "libkdb5-10",
    "libgssrpc4",
    "libverto1",
    "libverto-libev1",
    "libev4",
    "libgssapi-krb5-2",
    "libkrb5-3",
    "libk5crypto3",
    "libkrb5support0",
    "libcom-err2",
    "libkeyutils1",
    "libkrb5-dev",
    "krb5-multidev",
    "comerr-dev",
]


class Unavailable(Exception):
    """There can be no Kerberos here; says why."""


def unpack() -> None:
    """Fetch and unpack MIT Kerberos once."""
    _unpack(PACKAGES, UNPACKED, UNPACKED / "usr/sbin/krb5kdc")


def clock_changer() -> Path:
    """The library that, preloaded, gives a KDC another clock (libfaketime); fetched and unpacked once."""
    directory = ROOT / "build" / "faketime"
    library = directory / "usr" / "lib" / MACHINE / "faketime" / "libfaketime.so.1"
    _unpack(["libfaketime"], directory, library)
    return library


def _unpack(packages: list[str], directory: Path, wanted: Path) -> None:
    if wanted.is_file():
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Unavailable(f"no apt-get and dpkg, so no Debian package {packages[0]}")
    downloads = directory.with_name(f"{directory.name}-debs")
    downloads.mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "download", *packages], "apt-get download", cwd=downloads)
    # A directory that is there is a whole one.
    part = directory.with_name(f"{directory.name}.{os.getpid()}")
    for package in sorted(downloads.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(part)], "dpkg -x")
    shutil.rmtree(directory, ignore_errors=True)
    part.rename(directory)


def build_client(python: str) -> None:
    """The bindings, built against the unpacked libraries and bound to them."""
    if not shutil.which("cc"):
        raise Unavailable("no C compiler (cc)")
    unpack()
    programs = UNPACKED / "config"
    programs.mkdir(exist_ok=True)
    script = (UNPACKED / "usr/bin/krb5-config.mit").read_text()
    for name in ("prefix", "includedir", "libdir"):
        script = script.replace(f"\n{name}=/usr", f"\n{name}={UNPACKED}/usr")
    config = programs / "krb5-config"
    config.write_text(script)
    config.chmod(0o755)
    headers = f"-I{UNPACKED}/usr/include/mit-krb5 -I{UNPACKED}/usr/include"
    # DT_RPATH: the libraries that these libraries need are found there, too.
    bound = f"-L{LIBRARIES}/mit-krb5 -L{LIBRARIES} -Wl,-rpath,{LIBRARIES} -Wl,--disable-new-dtags"
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CFLAGS": headers, "LDFLAGS": bound}
    install = ["uv", "pip", "install", "-q", "-p", python, "gssapi~=1.9", "krb5~=0.7"]
    _run(install, "building gssapi and krb5", environ)
    loads = [python, "-c", "import gssapi, krb5"]
    if subprocess.run(loads, capture_output=True, check=False).returncode:
        # What was built once for another place may not find its libraries here.
        _run([*install, "--reinstall", "--no-cache"], "building gssapi and krb5", environ)
        _run(loads, "importing gssapi and krb5")


def _run(command: list[str], what: str, environ: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    done = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{what}: {said[-1][:300] if said else 'failed'}")


def main() -> None:
    """Build, or print why not."""
    try:
        build_client(sys.argv[1])
    except (Unavailable, OSError) as problem:
        print(f"The Kerberos tests are skipped: {problem}.")
        return
    try:
        clock_changer()
    except (Unavailable, OSError) as problem:
        print(f"The Kerberos tests with a wrong clock are skipped: {problem}.")


if __name__ == "__main__":
    main()
