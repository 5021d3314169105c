"""What slixmpp's plugins make of the archive."""

from slixmpp import JID

from checks import check
from person import person

RETRACTION = "urn:xmpp:message-retract:1"


def archiving(uid, resource="desk"):
    """Somebody whose client knows archives, their preferences, and retraction."""
    somebody = person(uid, resource)
    for number in (59, 297, 313, 359, 424, 441):
        somebody.register_plugin(f"xep_{number:04}")
    return somebody


def body(result):
    return result["mam_result"]["forwarded"]["stanza"]["body"]


async def bodies(client, **query):
    return [body(result) async for result in client.plugin["xep_0313"].iterate(**query)]


@check
async def archive():
    """archive: pages forwards and backwards, one conversation, places of messages that were delivered"""
    async with archiving("alice") as alice, archiving("bob") as bob:
        texts = [f"archived {number}" for number in range(25)]
        for text in texts:
            alice.send_message(mto=bob.boundjid.bare, mbody=text, mtype="chat")
            arrived = await bob.message(text)
        bob.send_message(mto="carol@example.test", mbody="of another conversation", mtype="chat")
        await bob.settled()
        own = [text for text in await bodies(bob, with_jid=alice.boundjid.bare) if text in texts]
        assert own == texts, own
        assert (await bodies(bob, rsm={"max": 7}))[-26:] == texts + ["of another conversation"]
        assert (await bodies(bob, rsm={"max": 7}, reverse=True, total=3)) == ["of another conversation", texts[24], texts[23]]
        assert (await bodies(alice, jid=JID(alice.boundjid.bare)))[-25:] == texts
        last = [result async for result in bob.plugin["xep_0313"].iterate(with_jid=alice.boundjid.bare, reverse=True, total=1)][0]
        assert last["mam_result"]["id"] == arrived["stanza_id"]["id"] != "", str(arrived)
        metadata = (await bob.plugin["xep_0313"].get_archive_metadata())["mam_metadata"]
        assert metadata["start"]["timestamp"] < metadata["end"]["timestamp"], str(metadata)
        form = await bob.plugin["xep_0313"].get_fields()
        assert {"with", "start", "end", "before-id", "after-id", "ids"} <= set(form.get_fields()), str(form)


@check
async def archive_preferences():
    """archive: what is not to be archived is not"""
    async with archiving("alice") as alice, archiving("bob") as bob:
        preferences = bob.plugin["xep_0441"]
        answer = await preferences.set_preferences(default="always", always=set(), never={JID(alice.boundjid.bare)})
        assert answer["mam_prefs"]["never"] == {JID(alice.boundjid.bare)}, str(answer)
        alice.send_message(mto=bob.boundjid.bare, mbody="not for the archive", mtype="chat")
        await bob.message("not for the archive")
        assert "not for the archive" not in await bodies(bob)
        assert "not for the archive" in await bodies(alice)
        await preferences.set_preferences(default="always", always=set(), never=set())


@check
async def archive_retraction():
    """archive: of a message that was taken back a tombstone is left"""
    async with archiving("alice") as alice, archiving("bob") as bob:
        message = alice.make_message(mto=bob.boundjid.bare, mbody="said too much", mtype="chat")
        message.send()
        await bob.message("said too much")
        alice.plugin["xep_0424"].send_retraction(JID(bob.boundjid.bare), id=message["id"])
        await alice.settled()
        for client in (alice, bob):
            results = [result async for result in client.plugin["xep_0313"].iterate(reverse=True, total=2)]
            assert "said too much" not in [body(result) for result in results]
            tombstone = results[1]["mam_result"]["forwarded"]["stanza"]
            assert tombstone["id"] == message["id"], str(tombstone)
            assert tombstone.xml.find(f"{{{RETRACTION}}}retracted") is not None, str(tombstone)
