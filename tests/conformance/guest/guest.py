"""Runs in the guest: sets topologies up on the real driver, carries steps out and says what came of them. Interprets nothing.

The line /run/line carries job numbers in and out; a job's text lies in /run/exchange/N.job, its answer in N.answer.
"""
import ctypes
import errno
import fcntl
import json
import os
import select
import socket
import struct
import sys
import time
import tty

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netlink import *  # noqa: E402,F403

LIBC = ctypes.CDLL(None, use_errno=True)
MASTER = "eth0"
MARK = 1
SO_MARK, PACKET_IGNORE_OUTGOING, SOL_PACKET = 36, 23, 263
# Of a type for experiments (IEEE Std 802), which no stack takes.
LAST_TYPE = 0x88B5
LAST = bytes(12) + LAST_TYPE.to_bytes(2, "big") + bytes(46)
STATISTICS = ("rxPackets", "txPackets", "rxBytes", "txBytes", "rxErrors", "txErrors", "rxDropped", "txDropped", "multicast")
COUNTERS = ("rxPackets", "rxBytes", "multicast", "txPackets", "txBytes", "rxErrors", "txDropped")
MODES = {"l2": 0, "l3": 1, "l3s": 2}
FLAGS = {"bridge": 0, "private": 1, "vepa": 2, "private+vepa": 3}


def write(path, text):
    try:
        with open(path, "w") as file:
            file.write(text)
    except FileNotFoundError:
        pass


def mute():
    """The stack of this namespace, and of every device that comes to it, answers nothing and asks nothing by itself."""
    ipv4, ipv6 = "/proc/sys/net/ipv4/", "/proc/sys/net/ipv6/"
    for name in ("all", "default"):
        write(f"{ipv4}conf/{name}/arp_ignore", "8")
        write(f"{ipv4}conf/{name}/rp_filter", "0")
        write(f"{ipv4}conf/{name}/accept_redirects", "0")
        for key, value in (("accept_dad", 0), ("dad_transmits", 0), ("accept_ra", 0), ("router_solicitations", 0), ("router_solicitation_delay", 0), ("addr_gen_mode", 1), ("accept_redirects", 0)):
            write(f"{ipv6}conf/{name}/{key}", str(value))
    write(ipv4 + "icmp_echo_ignore_all", "1")
    write(ipv4 + "icmp_echo_ignore_broadcasts", "1")
    # No error is ever told: the rate limits are out of reach and hold for all types.
    write(ipv4 + "icmp_ratelimit", "1000000000")
    write(ipv4 + "icmp_ratemask", "2147483647")
    write(ipv4 + "icmp_msgs_per_sec", "0")
    write(ipv6 + "icmp/ratelimit", "1000000000")
    write(ipv6 + "icmp/ratemask", "0-255")
    for key in ("echo_ignore_all", "echo_ignore_multicast", "echo_ignore_anycast"):
        write(ipv6 + "icmp/" + key, "1")


class Namespace:
    """Where one interface lives, with what is needed to see it from outside."""

    host = None

    def __init__(self, is_host=False):
        if not is_host:
            LIBC.unshare(0x40000000)
        self.file = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.netlink = Netlink()
        mute()
        # What goes with a prefix's first address is told of interfaces; the master's are the host's own affair.
        write("/proc/sys/net/ipv4/conf/all/promote_secondaries", str(int(is_host)))
        self.netlink.request(SETLINK, 0, link(1, 1, 1))
        self.groups = open("/proc/self/net/dev_mcast")
        self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if not is_host:
            self.packets = Tap()
            LIBC.setns(Namespace.host.file, 0)

    def index(self, name):
        found = self.netlink.get(GETLINK, link() + attr(3, name))
        return struct.unpack_from("=i", found, 4)[0] if found else 0

    def filter_stack(self, index):
        """Only marked frames leave: what the stack says by itself does not."""
        net = self.netlink
        drop = attr(1, [attr(1, "gact"), attr(2, attr(2, struct.pack("=IIiii", 0, 0, 2, 0, 0)))])
        accept = attr(1, [attr(1, "gact"), attr(2, attr(2, struct.pack("=IIiii", 0, 0, 0, 0, 0)))])
        message = lambda handle, parent, info: struct.pack("=BBHiIII", 0, 0, 0, index, handle, parent, info)
        protocol = socket.htons(3)
        for error in (
            net.request(NEWQDISC, CREATE | EXCL, message(0xFFFF0000, 0xFFFFFFF1, 0) + attr(1, "clsact")),
            net.request(NEWTFILTER, CREATE | EXCL, message(MARK, 0xFFFFFFF3, (1 << 16) | protocol) + attr(1, "fw") + attr(2, [attr(4, accept)])),
            net.request(NEWTFILTER, CREATE | EXCL, message(0, 0xFFFFFFF3, (2 << 16) | protocol) + attr(1, "matchall") + attr(2, [attr(2, drop)])),
        ):
            if error:
                raise OSError(error, "filter")


class Tap:
    """A packet socket on one device: sends as its stack would, sees what comes to it."""

    def __init__(self, protocol=3):
        self.protocol = protocol
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_MARK, MARK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)

    def bind(self, name):
        self.take()
        self.socket.bind((name, self.protocol))

    def take(self):
        """(type, frame) of all that waits."""
        found = []
        while True:
            try:
                frame, address = self.socket.recvfrom(1 << 17)
                found.append((address[2], frame))
            except BlockingIOError:
                return found
            except OSError as fault:
                if fault.errno != errno.ENETDOWN:
                    raise


class Bed:
    """One port: the master is a TAP device whose other end is the wire."""

    def __init__(self):
        Namespace.host = self.host = Namespace(is_host=True)
        self.namespaces = {}
        self.loopback = Tap()
        self.loopback.bind("lo")
        self.by_protocol = {}
        self.wire = None

    def set_up(self, start):
        self.tear_down()
        master = start["master"]
        self.wire = os.open("/run/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.wire, 0x400454CA, struct.pack("16sH22x", MASTER.encode(), 0x1002))
        self.index = self.host.index(MASTER)
        self.bound = set()
        self.interfaces = {}
        self.own_mtus = {}
        self.addresses = list(master.get("addresses", []))
        self.routes = master.get("routes", [])
        self.neighbors = [(one["address"], one["mac"]) for one in master.get("neighbors", [])]
        self.must(self.host.netlink.request(SETLINK, 0, link(self.index) + attr(1, bytes.fromhex(master["mac"].replace(":", "")))), "mac")
        self.must(self.host.netlink.request(SETLINK, 0, link(self.index) + attr(4, u32(master["mtu"]))), "mtu")
        self.must(self.host.netlink.request(SETLINK, 0, link(self.index, 1, 1)), "up")
        self.configure_host()
        for one in start["interfaces"]:
            name = one["name"]
            self.must(self.add_interface(name, MODES[start["mode"]], FLAGS[start["flag"]]), name)
            if one["up"]:
                self.change(name, SETLINK, flags=1, change=1)
            for on, flag in ((one.get("promiscuous"), 0x100), (one.get("allmulti"), 0x200)):
                if on:
                    self.change(name, SETLINK, flags=flag, change=flag)
            for address in one.get("addresses", []):
                self.must(self.address(name, address, True), address)
            for group in one.get("multicast", []):
                if group not in self.groups(name):
                    self.must(self.group(name, group, True), group)
        self.settle()
        self.take_wire()

    def tear_down(self):
        if self.wire is not None:
            # With the lower device go all interfaces on it, at the price of one.
            os.close(self.wire)
            self.wire = None

    @staticmethod
    def must(error, what):
        if error:
            raise OSError(error, f"{what}: {word(error)}")

    def configure_host(self):
        """What the host has on the master, put back where an action made it go."""
        for address in self.addresses:
            self.host_address(address, True)
        for route in self.routes:
            family, via, _ = address_parts(route["via"])
            destination, length = b"", 0
            if route["destination"] != "default":
                _, destination, length = address_parts(route["destination"])
            body = struct.pack("=BBBBBBBBI", family, length, 0, 0, 254, 4, 0, 1, 4)
            body += (attr(1, destination) if length else b"") + attr(5, via) + attr(4, u32(self.index))
            self.host.netlink.request(NEWROUTE, CREATE | REPLACE, body)
        for address, mac in self.neighbors:
            self.neighbor(address, mac)

    def host_address(self, text, add):
        family, data, length = address_parts(text)
        scope = 253 if text.startswith("fe80") else 0
        body = struct.pack("=BBBBI", family, length, 0x02 if family == socket.AF_INET6 else 0, scope, self.index) + attr(2, data) + attr(1, data)
        return self.host.netlink.request(NEWADDR if add else DELADDR, CREATE | EXCL if add else 0, body)

    def neighbor(self, address, mac):
        family, data, _ = address_parts(address)
        body = struct.pack("=BBHiHBB", family, 0, 0, self.index, 0x80, 0, 0) + attr(1, data) + attr(2, bytes.fromhex(mac.replace(":", "")))
        return self.host.netlink.request(NEWNEIGH, CREATE | REPLACE, body)

    def forget_neighbors(self):
        """Takes out every neighbor that was not configured."""
        for found in self.host.netlink.dump(GETNEIGH, struct.pack("=BBHiHBB", 0, 0, 0, 0, 0, 0, 0)):
            family, _, _, index, state, _, kind = struct.unpack_from("=BBHiHBB", found)
            if index == self.index and not state & 0xC0 and kind == 1:
                self.host.netlink.request(DELNEIGH, 0, struct.pack("=BBHiHBB", family, 0, 0, index, 0, 0, 0) + attr(1, attrs(found[12:])[1]))

    def add_interface(self, name, mode, flag):
        if name not in self.namespaces:
            self.namespaces[name] = Namespace()
        space = self.namespaces[name]
        data = ([] if mode is None else [attr(1, u16(mode))]) + ([] if flag is None else [attr(2, u16(flag))])
        info = [attr(1, "ipvlan")] + ([attr(2, data)] if data else [])
        body = link() + attr(3, name) + attr(5, u32(self.index)) + attr(28, u32(space.file)) + attr(18, info)
        error = self.host.netlink.request(NEWLINK, CREATE | EXCL, body)
        if not error:
            index = space.index(name)
            space.filter_stack(index)
            space.packets.bind(name)
            self.interfaces[name] = index
        return error

    def change(self, name, kind, body=b"", flags=0, change=0):
        space, index = (self.host, self.index) if name == MASTER else (self.namespaces[name], self.interfaces[name])
        return space.netlink.request(kind, 0, link(index, flags, change) + body)

    def set_port(self, data):
        name = next(iter(self.interfaces))
        return self.change(name, NEWLINK, attr(18, [attr(1, "ipvlan"), attr(2, data)]))

    def address(self, name, text, add):
        if name == MASTER:
            if add and text not in self.addresses:
                self.addresses.append(text)
            if not add and text in self.addresses:
                self.addresses.remove(text)
            return self.host_address(text, add)
        family, data, length = address_parts(text)
        # No prefix route, so that the stack has nowhere to answer to.
        body = struct.pack("=BBBBI", family, length, 0, 0, self.interfaces[name]) + attr(2, data) + attr(1, data) + attr(8, u32(0x202))
        return self.namespaces[name].netlink.request(NEWADDR if add else DELADDR, CREATE | EXCL if add else 0, body)

    def group(self, name, mac, add):
        request = struct.pack("16sH6s8x", name.encode(), 0, bytes.fromhex(mac.replace(":", "")))
        try:
            fcntl.ioctl(self.namespaces[name].control, 0x8931 if add else 0x8932, request)
            return 0
        except OSError as fault:
            return fault.errno

    def groups(self, name):
        file = self.namespaces[name].groups
        file.seek(0)
        found = set()
        for line in file:
            parts = line.split()
            if parts[1] == name:
                found.add(":".join(parts[4][i:i + 2] for i in range(0, 12, 2)))
        return sorted(found)

    def look(self, name):
        """Flags, MTU, MAC, port attributes and counters of a device."""
        space, index = (self.host, self.index) if name == MASTER else (self.namespaces[name], self.interfaces[name])
        found = space.netlink.get(GETLINK, link(index))
        flags = struct.unpack_from("=I", found, 8)[0]
        return flags, attrs(found[16:])

    def counters(self):
        all = {}
        for name in self.interfaces:
            values = dict(zip(STATISTICS, struct.unpack_from("=9Q", self.look(name)[1][23])))
            all[name] = [values[counter] for counter in COUNTERS]
        return all

    def addresses_of(self, name):
        found = []
        for payload in self.namespaces[name].netlink.dump(GETADDR, struct.pack("=BBBBI", 0, 0, 0, 0, 0)):
            family, length, _, _, index = struct.unpack_from("=BBBBI", payload)
            if index == self.interfaces[name]:
                parts = attrs(payload[8:])
                found.append(f"{socket.inet_ntop(family, parts.get(2, parts.get(1)))}/{length}")
        return sorted(found)

    def state(self):
        after = {}
        port = None
        for name in sorted(self.interfaces):
            flags, parts = self.look(name)
            data = attrs(attrs(parts[18])[2])
            port = (struct.unpack("=H", data[1])[0], struct.unpack("=H", data[2])[0])
            mac = parts[1].hex()
            after[name] = {
                "up": bool(flags & 1), "mtu": struct.unpack("=I", parts[4])[0], "mac": ":".join(mac[i:i + 2] for i in range(0, 12, 2)),
                "addresses": self.addresses_of(name), "multicast": self.groups(name),
                "promiscuous": bool(flags & 0x100), "allmulti": bool(flags & 0x200),
            }
        flags, parts = self.look(MASTER)
        word_of = lambda table, value: next((key for key, number in table.items() if number == value), str(value))
        return {
            "port": {"mode": word_of(MODES, port[0]) if port else "none", "flag": word_of(FLAGS, port[1]) if port else "none",
                     "up": bool(flags & 1), "mtu": struct.unpack("=I", parts[4])[0]},
            "after": after,
        }

    # Frames

    def settle(self):
        """Lets the kernel's own threads run until they have nothing left to do."""
        for _ in range(3):
            time.sleep(0)
            os.sched_yield()

    def take_wire(self):
        found = []
        while True:
            try:
                found.append((4, os.read(self.wire, 1 << 17)))
            except BlockingIOError:
                return found
            except OSError as fault:
                if fault.errno != errno.EIO:
                    raise
                return found

    def listen(self, frame):
        """What the host gets is seen by sockets of single protocols alone: they sit behind the driver."""
        protocols = {0x0800, 0x0806, 0x86DD}
        for offset in range(12, len(frame) - 1, 4):
            kind = int.from_bytes(frame[offset:offset + 2], "big")
            protocols |= {kind} if kind >= 0x600 else {1, 4}
            if kind not in (0x8100, 0x88A8):
                break
        for protocol in protocols - self.bound:
            if protocol in (0, 3):
                continue
            if protocol not in self.by_protocol:
                self.by_protocol[protocol] = Tap(protocol)
            self.by_protocol[protocol].bind(MASTER)
            self.bound.add(protocol)

    def take(self):
        found = [("wire",) + one for one in self.take_wire()]
        for protocol in self.bound:
            found += [("host",) + one for one in self.by_protocol[protocol].take()]
        found += [("lo",) + one for one in self.loopback.take()]
        for name in sorted(self.interfaces):
            found += [(name,) + one for one in self.namespaces[name].packets.take()]
        return found

    def take_queued(self):
        """What waits in the kernel's queue of frames that are turned round, seen when one that was put behind it is."""
        self.loopback.socket.sendto(LAST, ("lo", LAST_TYPE))
        found = []
        while select.select([self.loopback.socket], [], [], 10)[0]:
            found += self.loopback.take()
            if any(frame == LAST for _, frame in found):
                return [("lo", kind, frame) for kind, frame in found if frame != LAST] + self.take()
        raise OSError(errno.ETIMEDOUT, "lo hands nothing on")

    def inject(self, at, text):
        frame = bytes.fromhex(text)
        self.listen(frame)
        self.take()
        before = self.counters()
        error = 0
        try:
            if at == "wire":
                os.write(self.wire, frame)
            elif at == "host":
                self.by_protocol[0x0800].socket.sendto(frame, (MASTER, 3))
            else:
                # The driver goes by the protocol that the sender states; a stack states the type field.
                self.namespaces[at].packets.socket.sendto(frame, (at, int.from_bytes(frame[12:14], "big")))
        except OSError as fault:
            error = fault.errno
        out = self.take()
        if frame[:1] and frame[0] & 1:
            # Copies are made by another thread, the master's last.
            deadline = time.monotonic() + 0.03
            while True:
                time.sleep(0.001)
                came = self.take()
                out += came
                if not came and (any(one[0] in ("wire", "host") for one in out) or time.monotonic() > deadline):
                    break
        elif not error:
            out += self.take_queued()
        now = self.counters()
        # What is counted is on its way; on a machine that is busy it may take its time. Above the link layer (l3s) nothing more comes.
        deadline = time.monotonic() + (0.1 if at != "wire" or frame[0] & 1 else 0.002)
        while time.monotonic() < deadline and any(now[name][0] > before[name][0] and all(one[0] != name for one in out) for name in now):
            time.sleep(0.001)
            out += self.take()
        counters = {}
        for name, values in now.items():
            added = {counter: values[i] - before[name][i] for i, counter in enumerate(COUNTERS) if values[i] != before[name][i]}
            if added:
                counters[name] = added
        self.forget_neighbors()
        return {"out": [[place, kind, data.hex()] for place, kind, data in out], "counters": counters, "error": word(error)}

    # Actions

    def act(self, kind, a):
        name = a.get("interface")
        if kind in ("address-add", "address-del"):
            return self.address(name, a["address"], kind == "address-add")
        if kind in ("link-up", "link-down"):
            return self.change(name, SETLINK, flags=int(kind == "link-up"), change=1)
        if kind == "set-mode":
            return self.set_port([attr(1, u16(MODES.get(a["mode"], 7)))])
        if kind == "set-flag":
            return self.set_port([attr(2, u16(FLAGS.get(a["flag"], 7)))])
        if kind == "link-add":
            mode, flag = a.get("mode"), a.get("flag")
            return self.add_interface(name, None if mode is None else MODES.get(mode, 7), None if flag is None else FLAGS.get(flag, 7))
        if kind == "link-del":
            error = self.change(name, DELLINK)
            if not error:
                del self.interfaces[name]
                self.own_mtus.pop(name, None)
            return error
        if kind in ("promiscuous", "allmulti"):
            flag = 0x100 if kind == "promiscuous" else 0x200
            return self.change(name, SETLINK, flags=flag if a["on"] else 0, change=flag)
        if kind in ("multicast-add", "multicast-del"):
            return self.group(name, a["mac"], kind == "multicast-add")
        if kind == "set-mtu":
            return self.change(name, SETLINK, attr(4, u32(a["mtu"] & 0xFFFFFFFF)))
        if kind == "set-mac":
            return self.change(name, SETLINK, attr(1, bytes.fromhex(a["mac"].replace(":", ""))))
        if kind == "neighbor-add":
            self.neighbors.append((a["address"], a["mac"]))
            return self.neighbor(a["address"], a["mac"])
        raise ValueError(kind)

    def step(self, step):
        if "inject" in step:
            if "refused" in step:
                return {"out": [], "counters": {}, "error": "ok"}
            at, frame = step["inject"]["at"], step["inject"]["frame"]
            answer = self.inject(at, frame)
            if "twin" in step:
                answer["twin"] = self.inject(at, step["twin"])
                answer["twin"]["frame"] = step["twin"]
            return answer
        (kind, arguments), = step["action"].items()
        answer = {"result": word(self.act(kind, arguments))}
        self.settle()
        if kind in ("set-mode", "link-up", "link-add", "address-add"):
            # The stack's work on its addresses, and with it the groups it joins, is done by a thread of its own.
            time.sleep(0.005)
        if arguments.get("interface") == MASTER and self.look(MASTER)[0] & 1:
            self.configure_host()
        answer.update(self.state())
        # Where the port deliberately goes on otherwise than Linux, Linux is led there: the recorder names what to do.
        for undo_kind, undo in step.get("then", []):
            self.must(self.act(undo_kind, undo), undo_kind)
        if step.get("then"):
            answer["then"] = self.state()
        return answer


def main():
    bed = Bed()
    try:
        bed.set_up({"master": {"mac": "02:00:00:00:00:01", "mtu": 1500}, "interfaces": [{"name": "ipvl0", "up": True}], "mode": "l2", "flag": "bridge"})
        bed.tear_down()
    except OSError as fault:
        sys.exit(f"the kernel must have ipvlan, TUN, IPv6, clsact and the classifiers fw and matchall, built in or in the folder of its modules: {fault}")
    line = os.open("/run/line", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    os.write(line, b"ready\n")
    pending = b""
    while True:
        data = os.read(line, 64)
        pending += data
        while b"\n" in pending:
            number, pending = pending.split(b"\n", 1)
            if number == b"end":
                return
            number = number.decode()
            with open(f"/run/exchange/{number}.job") as file:
                job = json.load(file)
            answers = []
            for scenario in job:
                try:
                    bed.set_up(scenario)
                    answers.append({"start": bed.state(), "steps": [bed.step(step) for step in scenario["steps"]]})
                except Exception as fault:  # One scenario's fault is told as its answer; the others go on.
                    answers.append({"fault": f"{type(fault).__name__}: {fault}"})
            bed.tear_down()
            with open(f"/run/exchange/{number}.answer", "w") as file:
                json.dump(answers, file, separators=(",", ":"))
                file.flush()
                os.fsync(file.fileno())
            os.write(line, f"done {number}\n".encode())


main()
