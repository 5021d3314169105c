"""A person of the directory uses Profanity in a terminal; the contact on the other side has slixmpp."""

import itertools
import os
import re

from checks import check
from person import person
from terminal import Terminal


class Profanity(Terminal):
    """Carol's client, with the roster on the right of the screen."""

    def __init__(self, name):
        super().__init__(name, "profanity")

    async def log_in(self, password="pw-carol"):
        await self.shows("Type '/help' to show complete help.")
        await self.type(f"/connect carol@example.test/tty server 127.0.0.1 port {os.environ['PORT']} tls force")
        await self.shows("Enter password:")
        await self.type(password)
        await self.shows("TLS certificate verification failed", "Use '/tls allow' to accept this certificate.")
        await self.type("/tls allow")

    async def shows_contact(self, group, name):
        """Waits until the roster has the contact below that group's title."""
        await self.until(lambda screen: name in rows_below(group, screen), f"{name} below {group}")


def rows_below(group, screen):
    """The lines of the roster between a group's title and the next one's."""
    lines = screen.splitlines()
    column = max(line.find("Available for chat (") for line in lines)
    rows = [line[column:].strip() for line in lines] if column > 0 else []
    start = next((index + 1 for index, row in enumerate(rows) if row.startswith(f"{group} (")), len(rows))
    return list(itertools.takewhile(lambda row: not re.search(r" \(\d+\)$", row), rows[start:]))


@check
async def profanity_refused():
    """Profanity: a wrong password is refused"""
    async with Profanity("profanity-refused") as terminal:
        await terminal.log_in("pw-bob")
        await terminal.shows("Login failed")


@check
async def profanity_day():
    """Profanity: carol logs in, finds a contact, sees presence, chats, and goes away"""
    async with Profanity("profanity") as carol:
        await carol.log_in()
        await carol.shows("carol@example.test/tty logged in successfully", "[TLS]", "Online (0)", "Offline (0)")

        await carol.type("/ping")
        await carol.shows("Ping response from")
        await carol.type("/disco info")
        await carol.shows("Service discovery info for example.test", "Martlet im server", "urn:xmpp:blocking")

        await carol.type("/roster add liu.yang@example.test Liu")
        await carol.shows("Roster item added: liu.yang@example.test (Liu)")
        await carol.shows_contact("Offline", "Liu")
        await carol.type("/sub request liu.yang@example.test")
        await carol.shows("Sent subscription request to liu.yang@example.test")

        # The request waited for Liu, who answers it with one of his own.
        async with person("liu.yang") as liu:
            await liu.presence("carol@example.test", "subscribe")
            liu.send_presence_subscription(pto="carol@example.test", ptype="subscribed")
            await carol.shows_contact("Online", "Liu")
            liu.send_presence_subscription(pto="carol@example.test")
            await carol.shows("Received authorization request from liu.yang@example.test")
            await carol.type("/sub allow liu.yang@example.test")
            await liu.presence("carol@example.test", "subscribed")
            await liu.presence("carol@example.test/tty")

            liu.send_presence(pshow="dnd", pstatus="Deep in work")
            await carol.shows_contact("Do not disturb", "Liu")
            await carol.shows('Liu (desk) is dnd, "Deep in work"')

            await carol.type("/msg liu.yang@example.test Grüße, 刘!")
            message = await liu.message("Grüße, 刘!")
            assert message["from"] == "carol@example.test/tty" and message["type"] == "chat", str(message)
            message.reply("Not now & not <here>").send()
            await carol.shows("me: Grüße, 刘!", "Liu/desk: Not now & not <here>")

            await carol.type('/status set away "Lunch"')
            await liu.presence("carol@example.test/tty", "away", "Lunch")
        await carol.shows("Liu [offline]")

        await carol.type("/quit")
    async with person("liu.yang") as liu, person("carol") as carol:
        await liu.presence("carol@example.test/desk")
        assert carol.client_roster["liu.yang@example.test"]["name"] == "Liu"
        assert carol.client_roster["liu.yang@example.test"]["subscription"] == "both"
