# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to sign in, one short file each; each is an `Auth` of `_http/client`."""
