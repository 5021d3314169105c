"""A server of a check's own, which may be stopped and killed: the domain island.test with local accounts, and a bridge as
an external component."""

import asyncio
import ctypes
import os
import signal
import socket
import tempfile
from pathlib import Path

from person import PATIENCE, Person

DOMAIN, BRIDGE = "island.test", "bridge.island.test"
SERVICE = f"rooms.{DOMAIN}"
SECRET = "the bridge's secret"


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Island:
    """`async with Island("romeo", "juliet") as island:` is a server with these accounts, in a folder of its own."""

    def __init__(self, *names):
        self.names = names
        self.port, self.component_port = free_ports(2)

    async def __aenter__(self):
        self.folder = tempfile.TemporaryDirectory(dir=os.environ["WORK"])
        self.configuration = Path(self.folder.name, "martlet.yaml")
        secret = Path(self.folder.name, "bridge.secret")
        secret.touch(0o600)
        secret.write_text(SECRET)
        self.configuration.write_text(
            f"domains:\n  {DOMAIN}: {{accounts: [local]}}\n"
            f"listen:\n  - {{kind: client, port: {self.port}, address: 127.0.0.1}}\n"
            f"  - {{kind: component, port: {self.component_port}}}\n"
            f"components:\n  {BRIDGE}: {{secret-file: bridge.secret}}\n")
        await self.start()
        for name in self.names:
            adding = await asyncio.create_subprocess_exec(
                os.environ["MARTLET"], "user", "add", "--config", self.configuration, "--password-stdin",
                f"{name}@{DOMAIN}", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT)
            output, _ = await adding.communicate(f"password of {name}\n".encode())
            assert adding.returncode == 0, output.decode()
        return self

    async def __aexit__(self, *_):
        await self.end(signal.SIGKILL)
        self.folder.cleanup()

    async def start(self):
        # The server goes with the checks, however they end.
        self.process = await asyncio.create_subprocess_exec(
            os.environ["MARTLET"], "serve", "--config", self.configuration, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
        output = b""
        while b"The server is running" not in output:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
            assert line, f"the server did not start: {output.decode()}"
            output += line
        self.reading = asyncio.ensure_future(self.process.stdout.read())

    async def end(self, how):
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()
        await self.reading

    async def restart(self, how):
        """Stops the server with that signal, and starts it again."""
        await self.end(how)
        await self.start()

    def person(self, name, resource="desk", managed=False):
        """Somebody whose client knows rooms."""
        somebody = Person(f"{name}@{DOMAIN}/{resource}", f"password of {name}")
        somebody.ca_certs, somebody.port = Path(self.folder.name, "data", "certs", f"{DOMAIN}.pem"), self.port
        for number in (45, 59, 249, 313, 359, 421, *((198,) if managed else ())):
            somebody.register_plugin(f"xep_{number:04}")
        return somebody
