"""A program in a tmux terminal of its own: what is typed goes in, what the screen shows comes out."""

import asyncio
import os
import shlex

from person import PATIENCE


class Terminal:
    """`async with Terminal("name", "program", "argument") as terminal:`; leaving ends the program."""

    def __init__(self, name, *command):
        self.folder = os.path.join(os.environ["WORK"], name)
        self.command = command

    async def __aenter__(self):
        os.makedirs(self.folder)
        home = [f"HOME={self.folder}", f"XDG_CONFIG_HOME={self.folder}/config", f"XDG_DATA_HOME={self.folder}/data"]
        program = ["env", "-u", "DISPLAY", "-u", "DBUS_SESSION_BUS_ADDRESS", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", *home]
        # The shell keeps the last screen of a program that ended by itself.
        await self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50",
                        shlex.join([*program, *self.command]), ";", "set-option", "-g", "remain-on-exit", "on")
        return self

    async def __aexit__(self, *_):
        await self.tmux("kill-server")

    async def tmux(self, *arguments):
        process = await asyncio.create_subprocess_exec(
            "tmux", "-u", "-S", f"{self.folder}/tmux", *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "TERM": "xterm-256color"})
        output, _ = await process.communicate()
        assert process.returncode == 0, (arguments, output.decode())
        return output.decode()

    async def type(self, text):
        """Types the text and the return key."""
        await self.tmux("send-keys", "-l", "--", text)
        await self.tmux("send-keys", "Enter")

    async def screen(self):
        return await self.tmux("capture-pane", "-p")

    async def until(self, holds, what):
        """Waits until a condition holds for what the screen shows."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds(await self.screen()):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the screen does not show {what}:\n{await self.screen()}") from None

    async def shows(self, *texts):
        """Waits until the screen shows all of the texts."""
        await self.until(lambda screen: all(text in screen for text in texts), texts)
