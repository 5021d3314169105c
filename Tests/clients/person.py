"""A person with a slixmpp client that remembers what arrives until a test takes it."""

import asyncio
import os
from pathlib import Path

from slixmpp import ClientXMPP
from slixmpp.stanza import Message, Presence

PATIENCE = 20
PLUGINS = (4, 12, 30, 49, 54, 77, 92, 115, 191, 199, 202, 203)


class Refused(Exception):
    """The server refused the log-in; the arguments are the SASL conditions, one for each attempt."""


class Person(ClientXMPP):
    """One client of one account: `async with Person("alice@example.test/home", "secret") as alice:`.

    Entering logs in, asks for the roster and sends presence; leaving closes the stream."""

    def __init__(self, address, password, mechanism=None, direct=False, tls=None):
        super().__init__(address, password, sasl_mech=mechanism)
        self.ca_certs = Path(os.environ["CERTIFICATES"], self.boundjid.domain + ".pem")
        self.enable_direct_tls, self.enable_starttls, self.enable_plaintext = direct, not direct, False
        self.port = int(os.environ["PORT_DIRECT" if direct else "PORT"])
        if tls:
            self.ssl_context.maximum_version = tls
        # Whoever asks for a subscription waits until the test answers.
        self.roster.auto_authorize, self.roster.auto_subscribe = None, False
        self.arrived, self.refusals = [], []
        self.changed = asyncio.Event()
        self.ended = asyncio.Event()
        for number in PLUGINS:
            self.register_plugin(f"xep_{number:04}")
        self.add_filter("in", self.remember)
        self.add_event_handler("failed_auth", lambda failure: self.refusals.append(failure["condition"]))
        self.add_event_handler("disconnected", lambda _: self.ended.set())

    async def __aenter__(self):
        started = asyncio.ensure_future(self.wait_until("session_start", PATIENCE))
        ended = asyncio.ensure_future(self.ended.wait())
        self.connect("127.0.0.1", self.port)
        try:
            await asyncio.wait([started, ended], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not started.done() or started.exception():
                raise Refused(*self.refusals)
            await asyncio.wait_for(self.get_roster(), PATIENCE)
            self.send_presence()
            await self.presence(self.boundjid.full)
        except BaseException:
            await self.leave()
            raise
        finally:
            started.cancel()
            ended.cancel()
        return self

    async def __aexit__(self, *_):
        await self.leave()

    async def refusals_of_login(self):
        """Tries to log in: the conditions of the refusals, or None if the server let it in."""
        try:
            async with self:
                return None
        except Refused as refused:
            return list(refused.args)

    async def leave(self):
        """Closes the stream and waits for the server to close it too."""
        self.cancel_connection_attempt()
        await self.disconnect()
        if self._run_out_filters:
            self._run_out_filters.cancel()

    def remember(self, stanza):
        if isinstance(stanza, (Message, Presence)):
            self.arrived.append(stanza)
            self.changed.set()
        return stanza

    async def take(self, matches, what):
        """The first stanza that matches and was not taken before; waits for it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for index, stanza in enumerate(self.arrived):
                        if matches(stanza):
                            return self.arrived.pop(index)
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            others = "\n".join(map(str, self.arrived)) or "nothing"
            raise AssertionError(f"{self.boundjid.full} waited for {what}, but there is only: {others}") from None

    async def message(self, text):
        """The message with that body."""
        return await self.take(lambda s: isinstance(s, Message) and s["body"] == text, f"the message {text!r}")

    async def bounced(self, identifier):
        """The error that answers the message with that id."""
        return await self.take(
            lambda s: isinstance(s, Message) and s["type"] == "error" and s["id"] == identifier,
            f"an error for the message {identifier}")

    async def presence(self, sender, kind="available", status=None):
        """A presence of that type from that address, which is full or bare. `kind` is as slixmpp has it: also `away`."""
        def matches(stanza):
            return (isinstance(stanza, Presence) and stanza["type"] == kind
                    and sender in (stanza["from"].full, stanza["from"].bare)
                    and status in (None, stanza["status"]))
        return await self.take(matches, f"presence {kind} of {sender}")

    def expected(self, event):
        """What slixmpp tells next about that event; ask before it can happen."""
        return asyncio.ensure_future(self.wait_until(event, PATIENCE))

    async def settled(self):
        """Returns when everything that the server sent this client before now has arrived."""
        await self.plugin["xep_0199"].ping(self.boundjid.domain, timeout=PATIENCE)

    async def befriend(self, other):
        """Both subscribe to each other's presence, as two people do who add one another."""
        for one, two in ((self, other), (other, self)):
            one.send_presence_subscription(pto=two.boundjid.bare)
            await two.presence(one.boundjid.bare, "subscribe")
            two.send_presence_subscription(pto=one.boundjid.bare, ptype="subscribed")
            await one.presence(two.boundjid.bare, "subscribed")


def person(uid, resource="desk", **options):
    """Somebody of the directory, where the password of `uid` is `pw-uid`."""
    return Person(f"{uid}@example.test/{resource}", f"pw-{uid}", **options)
