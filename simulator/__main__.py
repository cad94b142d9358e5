# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m simulator`: the simulated services on a free loopback port, until a signal or the end of a parent."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

from simulator.ready import random_credentials
from simulator.seeding import DEFAULT_DOCUMENT
from simulator.server import serve
from simulator.switches import Switches
from simulator.world import World


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; 0 when that was in order, 2 when an option made no sense."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one (default)")
    parser.add_argument("--tls-dir", type=Path, help="where CA and certificate are written (default: a private one)")
    parser.add_argument("--http", action="store_true", help="no TLS; vendor SDKs then refuse to send tokens")
    parser.add_argument("--world", type=Path, help="a world document (JSON) instead of the default world")
    parser.add_argument("--ready-file", type=Path, help="written once connections are taken (default: in --tls-dir)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="simulated seconds in a real one")
    parser.add_argument("--seed", default="", help="the same seed gives the same ids (default: another one each time)")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="see docs/simulator.md")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="end when this process is gone")
    options = parser.parse_args(arguments)
    switches = Switches()
    try:
        switches.update(dict(_pair(each) for each in options.switch))
        document = json.loads(options.world.read_text()) if options.world else dict(DEFAULT_DOCUMENT)
        document["credentials"] = {**random_credentials(), **document.get("credentials", {})}
        seed = options.seed or uuid.uuid4().hex
        world = World(time.time, seed=seed, switches=switches, document=document, scale=options.time_scale)
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="hybridvm-simulator-") as private:
        directory = options.tls_dir or Path(private)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready_file = options.ready_file or directory / "ready.json"
        try:
            serve(
                world,
                port=options.port,
                tls_dir=None if options.http else directory,
                ready_file=ready_file,
                parent=options.with_parent,
            )
        except OSError as error:
            sys.stderr.write(f"simulator: {error}{os.linesep}")
            return 1
        finally:
            ready_file.unlink(missing_ok=True)
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--switch takes NAME=VALUE, not {text!r}")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
