# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one line whether this Python can run the project's tools. Any Python can run this file: no new syntax here."""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def complaint():
    # type: () -> str
    """Return what is wrong with this Python, or nothing."""
    found = "%s is %s" % (sys.executable, ".".join(str(number) for number in sys.version_info[:3]))
    if not OLDEST <= tuple(sys.version_info[:2]) <= NEWEST:
        return "Python %d.%d to %d.%d is needed, and %s." % (OLDEST + NEWEST + (found,))
    try:
        __import__("ensurepip")  # Debian and Ubuntu leave it out of python3
        __import__("venv")
    except ImportError:
        return "%s, but cannot make environments: install python3-venv, or what it is called here." % found
    return ""


if __name__ == "__main__":
    problem = complaint()
    if problem:
        sys.stdout.write("%s Choose another: make PYTHON=python3.12 test\n" % problem)
        sys.exit(1)
