#!/usr/bin/env python3
"""Many devices at once: answers mDNS for N instances of _hither._tcp at one address. Standard library only.

    crowd_host.py COUNT ADDRESS
"""

import os
import random
import socket
import struct
import sys
import time

GROUP, PORT, SERVICE = "224.0.0.251", 5353, "_hither._tcp.local"


def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def record(owner, kind, ttl, data, unique=True):
    return name(owner) + struct.pack("!HHIH", kind, 0x8001 if unique else 1, ttl, len(data)) + data


def text(pairs):
    return b"".join(bytes([len(pair)]) + pair for pair in pairs)


def answers(number, address):
    chance = random.Random(number)
    digits = f"{chance.getrandbits(128):032x}"
    host = f"{chance.getrandbits(128):032x}.local"
    instance = f"{digits}.{SERVICE}"
    epoch = str(int(time.time()) // 900).encode()
    tags = b"t0=" + bytes(chance.randrange(1, 256) for _ in range(64))
    entries = [b"v=1", b"e=" + epoch, b"r=" + f"{chance.getrandbits(128):032x}".encode(), f"n=Crowd {number}".encode(), tags]
    return [
        record(SERVICE, 12, 4500, name(instance), unique=False),
        record(instance, 33, 120, struct.pack("!HHH", 0, 0, 7777) + name(host)),
        record(instance, 16, 4500, text(entries)),
        record(host, 1, 120, socket.inet_aton(address)),
    ]


def main():
    count, address = int(sys.argv[1]), sys.argv[2]
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    link.bind(("", PORT))
    here = socket.inet_aton(address)
    link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + here)
    link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
    link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    packets = []
    for first in range(0, count, 4):
        records = [r for number in range(first, min(first + 4, count)) for r in answers(number, address)]
        packets.append(struct.pack("!HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records))

    def tell():
        for packet in packets:
            link.sendto(packet, (GROUP, PORT))
            time.sleep(0.001)

    tell()
    told = time.monotonic()
    while True:
        packet, (sender, _) = link.recvfrom(9000)
        asked = sender != address and not packet[2] & 0x80 and name(SERVICE)[:14] in packet
        if asked and time.monotonic() - told > 1:
            tell()
            told = time.monotonic()


if __name__ == "__main__":
    os.nice(5)
    main()
