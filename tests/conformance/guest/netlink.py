"""Just enough rtnetlink (rtnetlink(7), netlink(7)): requests with attributes, acknowledgements, dumps."""
import errno
import socket
import struct

NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE = 24, 25
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWQDISC, NEWTFILTER = 36, 44
ACK, DUMP, REPLACE, EXCL, CREATE = 4, 0x300, 0x100, 0x200, 0x400


def attr(kind, value):
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, list):
        value = b"".join(value)
    data = struct.pack("=HH", 4 + len(value), kind) + value
    return data + bytes(-len(data) % 4)


def u16(value):
    return struct.pack("=H", value)


def u32(value):
    return struct.pack("=I", value)


def attrs(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def word(number):
    """An error's name as the vectors write it."""
    if number == 0:
        return "ok"
    name = errno.errorcode.get(number, str(number))
    return {"EOPNOTSUPP": "ENOTSUP"}.get(name, name)


class Netlink:
    """A socket of the namespace it was made in."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, 0))
        self.sequence = 0

    def _send(self, kind, flags, body):
        self.sequence += 1
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags | 1, self.sequence, 0) + body)

    def request(self, kind, flags, body):
        """The error number of the answer."""
        self._send(kind, flags | ACK, body)
        while True:
            for answer, payload in self._messages():
                if answer == 2:
                    return -struct.unpack_from("=i", payload)[0]

    def get(self, kind, body):
        """The one message that answers, or None."""
        self._send(kind, 0, body)
        for answer, payload in self._messages():
            return None if answer == 2 else payload

    def dump(self, kind, body):
        self._send(kind, DUMP, body)
        found = []
        while True:
            for answer, payload in self._messages():
                if answer == 3:
                    return found
                if answer == 2:
                    raise OSError(-struct.unpack_from("=i", payload)[0], "dump")
                found.append(payload)

    def _messages(self):
        data = self.socket.recv(1 << 17)
        found = []
        while len(data) >= 16:
            length, kind, _, sequence, _ = struct.unpack_from("=IHHII", data)
            if sequence == self.sequence:
                found.append((kind, data[16:length]))
            data = data[(length + 3) & ~3:]
        return found


def link(index=0, flags=0, change=0):
    return struct.pack("=BBHiII", 0, 0, 0, index, flags, change)


def address_parts(text):
    """Family, bytes, prefix length of ADDRESS/PREFIX."""
    address, _, length = text.partition("/")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = socket.inet_pton(family, address)
    return family, data, int(length) if length else 8 * len(data)
