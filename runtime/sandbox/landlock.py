"""Landlock: take away every file, and TCP, signals and abstract sockets where the kernel can (Linux 5.13 and later).

A ruleset that handles every access right and grants none is a wall without doors. The structures follow the kernel's
``include/uapi/linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CREATE, _RESTRICT = 444, 446
_VERSION_FLAG = 1
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many file rights each version of the interface knows."""


def version(libc: ctypes.CDLL) -> int:
    """The version of Landlock in this kernel; 0 where there is none."""
    found = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG)
    return max(0, int(found))


def deny_all(libc: ctypes.CDLL) -> int:
    """Deny every handled right to this process and its children, for good; gives the version, 0 where unavailable.

    Needs no_new_privs. Raises OSError when the kernel has Landlock but refuses the ruleset.
    """
    known = version(libc)
    if known == 0:
        return 0
    files = (1 << _FS_RIGHTS.get(known, 16)) - 1
    network = 3 if known >= 4 else 0
    scope = 3 if known >= 6 else 0
    attributes = struct.pack("=QQQ", files, network, scope)[: 8 if known < 4 else 16 if known < 6 else 24]
    ruleset = libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock ruleset refused")
    refused = libc.syscall(_RESTRICT, ruleset, 0) != 0
    os.close(ruleset)
    if refused:
        raise OSError(ctypes.get_errno(), "landlock restriction refused")
    return known
