# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one line whether this Python can run the project's tools; any Python can run this file, so no new syntax here."""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def complaint():
    # type: () -> str
    """Return what is wrong with this Python, or nothing."""
    found = "%d.%d.%d" % tuple(sys.version_info[:3])
    needed = "Python %d.%d to %d.%d is needed" % (OLDEST + NEWEST)
    if not OLDEST <= tuple(sys.version_info[:2]) <= NEWEST:
        return "%s, and %s is %s. Choose another: make PYTHON=python3.12 test" % (needed, sys.executable, found)
    try:
        import ensurepip  # noqa: F401 - Debian and Ubuntu leave it out of python3
        import venv  # noqa: F401
    except ImportError:
        return "%s %s has no venv module: install python3-venv (or the like), or choose another: make PYTHON=python3.12 test" % (
            sys.executable,
            found,
        )
    return ""


if __name__ == "__main__":
    problem = complaint()
    if problem:
        sys.stderr.write(problem + "\n")
        sys.exit(1)
