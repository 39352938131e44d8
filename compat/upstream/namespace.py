"""The first program inside a fresh network namespace: brings up its interfaces, then becomes the command it is given.

    python namespace.py ADDRESS COMMAND...

Loopback, and a pair of virtual interfaces of which one has ADDRESS. A machine without `ip` gets loopback only.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from typing import Final

# linux/sockios.h and linux/if.h
SIOCGIFFLAGS: Final = 0x8913
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 1


def bring_up_loopback() -> None:
    """Sets the interface `lo` up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def add_address(address: str) -> None:
    """Adds a pair of virtual interfaces, the first with an address."""
    for words in (
        "link add v0 type veth peer name v1",
        f"addr add {address}/24 dev v0",
        "link set v0 up",
        "link set v1 up",
    ):
        subprocess.run(["ip", *words.split()], check=True)


if __name__ == "__main__":
    bring_up_loopback()
    if shutil.which("ip") is not None:
        add_address(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])
