"""Bots whose server is stopped, or killed, and started again."""

import asyncio
import signal
from xml.etree import ElementTree

from slixmpp import JID, ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from bridge import Bridge, found, said
from checks import check
from island import BRIDGE, SECRET, SERVICE, Island
from person import PATIENCE
from rooms import enter, say

NORTH, SOUTH = f"north@{SERVICE}", f"south@{SERVICE}"


def always_connected(client, host, port):
    """As bots do: whenever the connection is lost, another one is tried for until it is there."""
    client.add_event_handler("disconnected", lambda _: client.is_over or client.connect(host, port))
    client.is_over = False


async def until(holds, what):
    """Waits for what no stanza tells."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)
    assert holds(), what


async def seen(client, room, nickname):
    """Waits until somebody is in a room."""
    await client.take(
        lambda stanza: stanza.name == "presence" and stanza["from"] == JID(f"{room}/{nickname}")
        and stanza["type"] not in ("unavailable", "error"), f"{nickname} in {room}")


async def kept(client, room):
    """What is in the archive of a room: it is read from the disk, and so stays when the server is killed."""
    found = [result async for result in client.plugin["xep_0313"].iterate(jid=JID(room))]
    return [result["mam_result"]["forwarded"]["stanza"]["body"] for result in found]


async def conversation(people, bridges, names, number):
    """What is said on one side is heard on the other, once from each bridge, and nothing else is."""
    alice, bob = people
    for client in people:
        client.arrived.clear()
    say(alice, NORTH, f"To the south {number}")
    say(bob, SOUTH, f"To the north {number}")
    for name in names:
        await said(bob, SOUTH, name, f"Alice: To the south {number}")
        await said(alice, NORTH, name, f"Bob: To the north {number}")
    for _ in range(3):
        for client in (*people, *(bridge.client for bridge in bridges)):
            await client.settled()
    for client, room in ((alice, NORTH), (bob, SOUTH)):
        more = [str(stanza) for stanza in client.arrived
                if stanza["type"] == "groupchat" and stanza["body"].startswith(("Alice: ", "Bob: "))]
        assert not more, more
    for bridge in bridges:
        assert sorted(bridge.relayed) == sorted(
            f"To the {side} {one}" for side in ("north", "south") for one in range(number + 1)), bridge.relayed


async def bots(how, managed):
    async with Island("alice", "bob", "carol", "dave") as island:
        alice, bob = island.person("alice"), island.person("bob")
        first, second = island.person("carol", "bridge", managed), island.person("dave", "bridge", managed)
        clients = (alice, bob, first, second)
        for client in clients:
            await client.__aenter__()
        try:
            for room in (NORTH, SOUTH):
                await found(first, room)
            bridges = [Bridge(client, NORTH, SOUTH) for client in (first, second)]
            for room in (NORTH, SOUTH):
                await first.plugin["xep_0045"].set_self_nick(JID(room), "one")
                await enter(second, room, "two")
            for bridge, name in zip(bridges, ("one", "two")):
                bridge.nickname = name
            for client in clients:
                always_connected(client, "127.0.0.1", island.port)
            await enter(alice, NORTH, "Alice")
            await enter(bob, SOUTH, "Bob")
            await conversation((alice, bob), bridges, ("one", "two"), 0)
            for number in (1, 2):
                # Whose session goes on has never left; who was in a room with a session that ended comes back.
                back = [client.expected("session_start") for client in (alice, bob)]
                resumed = [client.expected("session_resumed" if managed and how == signal.SIGTERM else "session_start")
                           for client in (first, second)]
                if managed and how == signal.SIGKILL:
                    resumed += [client.expected("sm_failed") for client in (first, second)]
                for room, client in ((NORTH, alice), (SOUTH, bob)):
                    assert len(await kept(client, room)) == 3 * number
                await island.restart(how)
                await asyncio.gather(*back, *resumed)
                for client, room, name in ((alice, NORTH, "Alice"), (bob, SOUTH, "Bob")):
                    client.send_presence()
                    client.arrived.clear()
                    _, _, occupants, history = await enter(client, room, name)
                    there = {presence["from"].resource for presence in occupants}
                    for bot in {"one", "two"} - there:
                        await seen(client, room, bot)
                    texts = [message["body"] for message in history]
                    assert texts and len(texts) == 3 * number and len(set(texts)) == 2 * number, texts
                await conversation((alice, bob), bridges, ("one", "two"), number)
        finally:
            for client in clients:
                client.is_over = True
                await client.leave()


@check
async def bots_survive_a_restart():
    """survivors: two bridges come back into their rooms by themselves when the server was restarted, and do not loop"""
    await bots(signal.SIGTERM, managed=False)


@check
async def bots_survive_a_kill():
    """survivors: two bridges come back into their rooms by themselves when the server was killed, and do not loop"""
    await bots(signal.SIGKILL, managed=False)


@check
async def managed_bots_survive_a_restart():
    """survivors: two bridges with stream management have never left their rooms when the server was restarted"""
    await bots(signal.SIGTERM, managed=True)


@check
async def managed_bots_survive_a_kill():
    """survivors: two bridges with stream management are told that their sessions are no more when the server was killed"""
    await bots(signal.SIGKILL, managed=True)


class Network(ComponentXMPP):
    """A gateway: the people of another network are in a room, each under their own name, and the network hears what is
    said there."""

    MESSAGE = "{jabber:component:accept}message"
    PRESENCE = "{jabber:component:accept}presence"

    def __init__(self, port, room, *people):
        super().__init__(BRIDGE, SECRET, "127.0.0.1", port)
        self.room, self.people, self.heard, self.inside = room, people, [], set()
        self.register_handler(Callback("messages", MatchXPath(self.MESSAGE), self.hear))
        self.register_handler(Callback("presence", MatchXPath(self.PRESENCE), self.see))
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("disconnected", lambda _: self.inside.clear())
        always_connected(self, "127.0.0.1", port)

    def address(self, name):
        return f"{name.lower()}%net@{BRIDGE}/net"

    def started(self, _):
        for name in self.people:
            presence = self.make_presence(pto=f"{self.room}/{name}", pfrom=self.address(name))
            presence.append(ElementTree.Element("{http://jabber.org/protocol/muc}x"))
            presence.send()

    def see(self, presence):
        if presence["from"].resource not in self.people:
            return
        if presence["to"] == self.address(presence["from"].resource):
            (self.inside.discard if presence["type"] == "unavailable" else self.inside.add)(presence["from"].resource)

    def hear(self, message):
        # One of the people listens for all; what they say themselves the network knows.
        if message["type"] == "groupchat" and message["to"] == self.address(self.people[0]) and message["body"] \
                and message["from"].resource not in self.people and message.xml.find("{urn:xmpp:delay}delay") is None:
            self.heard.append((message["from"].resource, message["body"]))

    def say(self, name, text):
        self.make_message(self.room, text, mtype="groupchat", mfrom=self.address(name)).send()


async def gateway(how):
    async with Island("alice") as island:
        alice = island.person("alice")
        await alice.__aenter__()
        network = Network(island.component_port, NORTH, "Tybalt", "Mercutio")
        try:
            await found(alice, NORTH)
            always_connected(alice, "127.0.0.1", island.port)
            network.connect()
            for number in range(3):
                for name in network.people:
                    await seen(alice, NORTH, name)
                await until(lambda: network.inside == set(network.people), "all are told that they are in")
                for name in network.people:
                    network.say(name, f"{name} {number}")
                    await said(alice, NORTH, name, f"{name} {number}")
                say(alice, NORTH, f"Peace {number}")
                await said(alice, NORTH, "founder", f"Peace {number}")
                await until(lambda: len(network.heard) > number, "the network hears what is said")
                await alice.settled()
                assert network.heard == [("founder", f"Peace {one}") for one in range(number + 1)], network.heard
                if number == 2:
                    break
                assert len(await kept(alice, NORTH)) == 3 * (number + 1)
                back = alice.expected("session_start")
                await island.restart(how)
                await back
                alice.send_presence()
                alice.arrived.clear()
                _, _, occupants, history = await enter(alice, NORTH, "founder")
                texts = [message["body"] for message in history]
                assert texts == [text for one in range(number + 1)
                                 for text in (f"Tybalt {one}", f"Mercutio {one}", f"Peace {one}")], texts
                alice.arrived += occupants
        finally:
            for client in (alice, network):
                client.is_over = True
            await network.disconnect()
            await alice.leave()


@check
async def gateway_survives_a_restart():
    """survivors: the people of another network come back into a room when the server was restarted"""
    await gateway(signal.SIGTERM)


@check
async def gateway_survives_a_kill():
    """survivors: the people of another network come back into a room when the server was killed"""
    await gateway(signal.SIGKILL)


@check
async def gateway_goes():
    """survivors: when a gateway is gone, its people are not in the room any more"""
    async with Island("alice") as island:
        async with island.person("alice") as alice:
            network = Network(island.component_port, NORTH, "Tybalt", "Mercutio")
            await found(alice, NORTH)
            network.connect()
            for name in network.people:
                await seen(alice, NORTH, name)
            network.is_over = True
            network.abort()
            for name in network.people:
                await alice.presence(f"{NORTH}/{name}", "unavailable")
            network.cancel_connection_attempt()
