# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away MIT KDC on loopback, from Debian's packages unpacked under build: no root, nothing outside build."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import HANG, until
from tools.kerberos import LIBRARIES, UNPACKED, Unavailable, clock_changer, unpack

REALM = "SIM.TEST"


@dataclass(frozen=True)
class Kdc:
    """Where it keeps its files, and what its clients must have in their environment."""

    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"KRB5_CONFIG": str(self.config), "KRB5CCNAME": f"FILE:{self.directory / 'no-ticket'}"}

    @property
    def config(self) -> Path:
        return self.directory / "krb5.conf"

    @property
    def server_keytab(self) -> Path:
        return self.directory / "http.keytab"

    @property
    def user_keytab(self) -> Path:
        return self.directory / "user.keytab"

    def kinit(self, user: str, password: str, cache: Path) -> None:
        """Put a ticket into that cache."""
        self.run("bin/kinit", "-c", str(cache), user, given=f"{password}\n")

    def run(self, program: str, *arguments: str, given: str = "") -> None:
        """One of the unpacked programs."""
        command = [str(UNPACKED / "usr" / program), *arguments]
        done = subprocess.run(command, env=self._environ(), input=given, text=True, capture_output=True, check=False)
        if done.returncode:
            raise Unavailable(f"{program}: {done.stderr.strip()[-300:]}")

    def _environ(self) -> dict[str, str]:
        own = {"KRB5_KDC_PROFILE": str(self.directory / "kdc.conf"), "LD_LIBRARY_PATH": str(LIBRARIES)}
        return {**os.environ, **self.environment, **own}

    def start(self, clock: str) -> subprocess.Popen[bytes]:
        """The KDC as a child; `clock` is how far its clock is off, such as `+1h`, or empty."""
        off = {"LD_PRELOAD": str(clock_changer()), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        environ = {**self._environ(), **(off if clock else {})}
        log = (self.directory / "kdc.out").open("wb")
        child = subprocess.Popen([str(UNPACKED / "usr/sbin/krb5kdc"), "-n"], env=environ, stdout=log, stderr=log)
        log.close()
        return child


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(directory: Path, user: str, password: str, *, clock: str = "") -> Iterator[Kdc]:
    """A KDC with `user`, whose keytab it also has, and the service HTTP/localhost."""
    unpack()
    port = free_port()
    (directory / "krb5.conf").write_text(f"""\
[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 dns_canonicalize_hostname = false
 udp_preference_limit = 1
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{port}
 }}
 DOWN.TEST = {{
  kdc = 127.0.0.1:1
 }}
[domain_realm]
 localhost = {REALM}
[dbmodules]
 db_module_dir = {LIBRARIES}/krb5/plugins/kdb
""")
    (directory / "kdc.conf").write_text(f"""\
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {REALM} = {{
  database_name = {directory}/principal
  key_stash_file = {directory}/stash
  acl_file = {directory}/kadm5.acl
  max_life = 1h
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
 }}
[dbmodules]
 db_module_dir = {LIBRARIES}/krb5/plugins/kdb
[logging]
 kdc = FILE:{directory}/kdc.log
""")
    kdc = Kdc(directory)
    kdc.run("sbin/kdb5_util", "create", "-s", "-P", "of no worth", "-r", REALM)
    requests = (
        f"addprinc -pw {password} +requires_preauth {user}@{REALM}",
        f"addprinc -randkey HTTP/localhost@{REALM}",
        f"ktadd -k {kdc.server_keytab} HTTP/localhost@{REALM}",
        f"ktadd -norandkey -k {kdc.user_keytab} {user}@{REALM}",
    )
    for request in requests:
        kdc.run("sbin/kadmin.local", "-r", REALM, "-q", request)
    child = kdc.start(clock)
    try:
        _wait(child, port)
        yield kdc
    finally:
        child.terminate()
        child.wait(HANG)


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    def answers() -> bool:
        if child.poll() is not None:
            raise Unavailable("the KDC ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=HANG).close()
        except OSError:
            return False
        return True

    until(answers, "a connection of the KDC")
