"""What slixmpp's plugins make of rooms."""

from slixmpp import JID
from slixmpp.exceptions import IqError, PresenceError

from checks import check
from person import PATIENCE, person

SERVICE = "rooms.example.test"


def visiting(uid, resource="desk"):
    """Somebody whose client knows rooms, and their archives."""
    somebody = person(uid, resource)
    for number in (45, 59, 249, 313, 359, 421):
        somebody.register_plugin(f"xep_{number:04}")
    return somebody


async def enter(client, room, nickname, **options):
    return await client.plugin["xep_0045"].join_muc_wait(JID(room), nickname, timeout=PATIENCE, **options)


async def configure(owner, room, **values):
    """Fills in the form that the room shows."""
    rooms = owner.plugin["xep_0045"]
    form = await rooms.get_room_config(JID(room))
    for name, value in values.items():
        field = f"muc#roomconfig_{name}"
        assert field in form.get_fields(), f"{field} is not among {list(form.get_fields())}"
        form.get_fields()[field]["value"] = value
    form["type"] = "submit"
    await rooms.set_room_config(JID(room), form)


def say(client, room, text):
    client.send_message(mto=JID(room), mbody=text, mtype="groupchat")


def heard(client):
    """What was said to all since it was asked last."""
    texts = [(stanza["from"].bare, stanza["mucnick"], stanza["body"]) for stanza in client.arrived
             if stanza["type"] == "groupchat" and stanza["body"]]
    client.arrived.clear()
    return texts


@check
async def bot_in_two_rooms():
    """rooms: a bot answers in two rooms, is sent out of one and stays in the other"""
    garden, cell = f"garden@{SERVICE}", f"cell@{SERVICE}"
    async with visiting("alice") as alice, visiting("bob") as bob, visiting("carol") as bot:
        answered = []

        def answer(message):
            if message["mucnick"] != "bot" and message["body"].startswith("bot: "):
                answered.append((message["from"].bare, message["body"]))
                say(bot, message["from"].bare, message["body"].removeprefix("bot: ").upper())

        bot.add_event_handler("groupchat_message", answer)
        for room, owner in ((garden, alice), (cell, bob)):
            await enter(owner, room, owner.boundjid.user)
            await configure(owner, room, roomname=room, persistentroom=False)
            await enter(bot, room, "bot")
            # XEP-0410: whoever is there gets an answer from their own name.
            await bot.plugin["xep_0199"].ping(JID(f"{room}/bot"), timeout=PATIENCE)
        heard(alice), heard(bob)
        say(alice, garden, "bot: wherefore")
        say(bob, cell, "bot: art thou")
        await alice.message("WHEREFORE")
        await bob.message("ART THOU")
        assert sorted(answered) == [(cell, "bot: art thou"), (garden, "bot: wherefore")], answered
        # Nothing of the one room is heard in the other.
        assert heard(alice) == [(garden, "alice", "bot: wherefore")]
        assert heard(bob) == [(cell, "bob", "bot: art thou")]
        await alice.plugin["xep_0045"].set_role(JID(garden), "bot", "none", reason="too loud")
        await bot.presence(f"{garden}/bot", "unavailable")
        await alice.presence(f"{garden}/bot", "unavailable")
        say(bot, garden, "once more")
        error = await bot.take(lambda s: s["type"] == "error" and s["from"].bare == garden, "a refusal")
        assert error["error"]["condition"] == "not-acceptable", str(error)
        say(bob, cell, "bot: still there")
        await bob.message("STILL THERE")


@check
async def room_for_members():
    """rooms: a room for members with a password, its history and archive, and what service discovery tells of it"""
    room = f"council@{SERVICE}"
    async with visiting("alice") as alice, visiting("bob") as bob:
        rooms = alice.plugin["xep_0045"]
        await enter(alice, room, "Alice")
        await configure(
            alice, room, roomname="Council", membersonly=True, persistentroom=True, passwordprotectedroom=True,
            roomsecret="sesame")
        information = await bob.plugin["xep_0030"].get_info(jid=JID(room))
        features = information["disco_info"]["features"]
        assert {"muc_membersonly", "muc_passwordprotected", "muc_persistent", "urn:xmpp:mam:2"} <= set(features), features
        items = await bob.plugin["xep_0030"].get_items(jid=JID(SERVICE))
        assert (JID(room), None, "Council") in items["disco_items"]["items"], str(items)
        try:
            await enter(bob, room, "Bob", password="sesame")
            raise AssertionError("a stranger is let in")
        except PresenceError as refusal:
            assert refusal.condition == "registration-required", str(refusal)
        await rooms.set_affiliation(JID(room), "member", jid=bob.boundjid.bare)
        invitation = await bob.take(lambda s: s.xml.find("{http://jabber.org/protocol/muc#user}x/{*}invite") is not None, "an invitation")
        assert invitation.xml.find("{http://jabber.org/protocol/muc#user}x/{*}password").text == "sesame", str(invitation)
        texts = [f"said {number}" for number in range(5)]
        for text in texts:
            say(alice, room, text)
            await alice.message(text)
        rooms.set_subject(JID(room), "Matters")
        await alice.take(lambda s: s["type"] == "groupchat" and s["subject"] == "Matters", "the subject")
        joined = await enter(bob, room, "Bob", password="sesame", maxstanzas=3)
        _, subject, occupants, history = joined
        assert [message["body"] for message in history] == texts[-3:], str(history)
        assert subject["subject"] == "Matters", str(subject)
        assert [presence["from"].resource for presence in occupants] == ["Alice", "Bob"], str(occupants)
        archive = [result async for result in bob.plugin["xep_0313"].iterate(jid=JID(room))]
        kept = [result["mam_result"]["forwarded"]["stanza"] for result in archive]
        assert [message["body"] for message in kept if message["body"]] == texts, str(kept)
        assert [message["subject"] for message in kept if not message["body"]] == ["Matters"], str(kept)
        assert {message["from"].resource for message in kept} == {"Alice"}, str(kept)
        try:
            await bob.plugin["xep_0045"].get_room_config(JID(room))
            raise AssertionError("a member sees the configuration")
        except (IqError, ValueError):
            pass
        await rooms.destroy(JID(room), reason="done")
        await bob.presence(f"{room}/Bob", "unavailable")
