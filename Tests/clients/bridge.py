"""A bot that carries what is said in one room to another, and makes the rooms itself."""

from slixmpp import JID
from slixmpp.exceptions import IqError

from checks import check
from person import PATIENCE
from rooms import SERVICE, configure, enter, say, visiting

BRIDGE = "urn:example:bridge"


class Bridge:
    """Relays between two rooms under the senders' names. What a bridge has said carries a mark, so that neither this one
    nor another carries it further."""

    def __init__(self, client, *rooms):
        self.client, self.rooms, self.relayed, self.nickname = client, rooms, [], "bridge"
        client.add_event_handler("groupchat_message", self.heard)
        client.add_event_handler("session_start", self.started)

    async def started(self, _):
        self.client.send_presence()
        for room in self.rooms:
            await enter(self.client, room, self.nickname)

    def heard(self, message):
        room, text = message["from"].bare, message["body"]
        if room not in self.rooms or not text or message["delay"]["stamp"]:
            return
        if message["mucnick"] == self.client.plugin["xep_0045"].our_nicks[JID(room)]:
            return
        if message.xml.find(f"{{{BRIDGE}}}relayed") is not None:
            return
        for other in self.rooms:
            if other != room:
                copy = self.client.make_message(JID(other), f"{message['mucnick']}: {text}", mtype="groupchat")
                copy.append(self.mark())
                copy.send()
                self.relayed.append(text)

    def mark(self):
        from xml.etree import ElementTree
        return ElementTree.Element(f"{{{BRIDGE}}}relayed")


async def found(client, room, **values):
    """A bot makes a room and configures it, without a person."""
    await enter(client, room, "founder")
    await configure(client, room, persistentroom=True, **values)


async def said(client, room, nickname, text):
    """Waits for a message of somebody."""
    return await client.take(
        lambda stanza: stanza["type"] == "groupchat" and stanza["from"] == JID(f"{room}/{nickname}")
        and stanza["body"] == text, f"{text!r} of {nickname} in {room}")


@check
async def bridge_between_rooms():
    """rooms: a bot makes two rooms, relays between them with voice, does not loop, and comes back by itself"""
    north, south = f"north@{SERVICE}", f"south@{SERVICE}"
    async with visiting("alice") as alice, visiting("bob") as bob:
        bot, second = visiting("carol", "bridge"), visiting("dave", "bridge")
        async with bot, second:
            for room in (north, south):
                await found(bot, room, moderatedroom=True)
                for uid, affiliation in (("alice", "member"), ("bob", "member"), ("dave", "member")):
                    await bot.plugin["xep_0045"].set_affiliation(
                        JID(room), affiliation=affiliation, jid=JID(f"{uid}@example.test"))
            bridges = [Bridge(bot, north, south), Bridge(second, north, south)]
            for room in (north, south):
                await enter(second, room, "another bridge")
            await enter(alice, north, "Alice")
            await enter(bob, south, "Bob")

            # Who has no affiliation has no voice in a moderated room; the bridges have one.
            async with visiting("erin") as erin:
                await enter(erin, north, "Erin")
                request = erin.make_message(JID(north), "May I?", mtype="groupchat")
                request["id"] = "voiceless"
                request.send()
                assert (await erin.bounced("voiceless"))["error"]["condition"] == "forbidden"

            say(alice, north, "Hello over there")
            await said(bob, south, "founder", "Alice: Hello over there")
            await said(bob, south, "another bridge", "Alice: Hello over there")
            say(bob, south, "Hello back")
            await said(alice, north, "founder", "Bob: Hello back")
            await said(alice, north, "another bridge", "Bob: Hello back")
            for _ in range(3):
                for client in (bot, second, alice, bob):
                    await client.settled()
            for bridge in bridges:
                assert bridge.relayed == ["Hello over there", "Hello back"], bridge.relayed

            # The connection is lost without a word; the bot comes back and says so to nobody.
            lost = bot.expected("disconnected")
            bot.abort()
            await lost
            started = bot.expected("session_start")
            bot.connect("127.0.0.1", bot.port)
            await started
            await alice.take(
                lambda stanza: stanza.name == "presence" and stanza["from"] == JID(f"{north}/bridge")
                and stanza["type"] != "unavailable", "the bridge to be back")
            await bob.take(
                lambda stanza: stanza.name == "presence" and stanza["from"] == JID(f"{south}/bridge")
                and stanza["type"] != "unavailable", "the bridge to be back")
            say(alice, north, "Still there?")
            await said(bob, south, "bridge", "Alice: Still there?")
            for room in (north, south):
                await bot.plugin["xep_0045"].destroy(JID(room))


@check
async def bot_refused():
    """rooms: a bot that is not in a room hears not-acceptable, and finds out by pinging itself"""
    room = f"lonely@{SERVICE}"
    async with visiting("carol", "bot") as bot, visiting("alice") as alice:
        await found(alice, room)
        message = bot.make_message(JID(room), "Anybody?", mtype="groupchat")
        message["id"] = "outside"
        message.send()
        assert (await bot.bounced("outside"))["error"]["condition"] == "not-acceptable"
        try:
            await bot.plugin["xep_0199"].send_ping(JID(f"{room}/bot"), timeout=PATIENCE)
            raise AssertionError("the ping was answered")
        except IqError as error:
            assert error.condition == "not-acceptable", error.condition
        await enter(bot, room, "bot")
        await bot.plugin["xep_0199"].send_ping(JID(f"{room}/bot"), timeout=PATIENCE)
        await alice.plugin["xep_0045"].destroy(JID(room))
