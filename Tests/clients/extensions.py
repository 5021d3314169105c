"""What slixmpp's plugins make of the extensions that the server offers."""

import os
from datetime import datetime, timedelta, timezone

from slixmpp.exceptions import IqError
from slixmpp.plugins import xep_0082
from slixmpp.plugins.xep_0048.stanza import Bookmarks

from checks import check
from person import person

DOMAIN = "example.test"


async def refusal(request):
    """The condition of the error that answers a request."""
    try:
        answer = await request
    except IqError as error:
        return error.condition
    raise AssertionError(f"no error: {answer}")


@check
async def disco():
    """disco: the server, its items and one's own account"""
    async with person("alice") as alice:
        info = (await alice.plugin["xep_0030"].get_info(DOMAIN))["disco_info"]
        assert {("server", "im")} <= {identity[:2] for identity in info["identities"]}, str(info)
        wanted = {"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "urn:xmpp:ping",
                  "urn:xmpp:time", "jabber:iq:version", "jabber:iq:last", "vcard-temp", "urn:xmpp:blocking"}
        assert wanted <= info["features"], wanted - info["features"]
        for item in (await alice.plugin["xep_0030"].get_items(DOMAIN))["disco_items"]["items"]:
            try:
                await alice.plugin["xep_0030"].get_info(item[0])
            except IqError as error:
                # The component of another check, which is not there now.
                assert item[0].startswith("push.") and error.condition == "remote-server-timeout", str(error)
        account = (await alice.plugin["xep_0030"].get_info(alice.boundjid.bare, local=False))["disco_info"]
        assert ("account", "registered") in {identity[:2] for identity in account["identities"]}, str(account)


@check
async def capabilities():
    """entity capabilities: the server's and a contact's are right by slixmpp's own sum"""
    async with person("alice") as alice, person("bob") as bob:
        caps = alice.plugin["xep_0115"]
        server = await caps.get_caps(DOMAIN)
        assert server and "urn:xmpp:ping" in server["features"], str(server)
        await alice.befriend(bob)
        await bob.plugin["xep_0115"].update_caps(bob.boundjid.full, broadcast=False)
        bob.send_presence(pstatus="With capabilities")
        presence = await alice.presence(bob.boundjid.full, status="With capabilities")
        info = (await alice.plugin["xep_0030"].get_info(
            bob.boundjid.full, f"{presence['caps']['node']}#{presence['caps']['ver']}", cached=False))["disco_info"]
        assert caps.generate_verstring(info, presence["caps"]["hash"]) == presence["caps"]["ver"]
        alice.del_roster_item(bob.boundjid.bare)
        bob.del_roster_item(alice.boundjid.bare)
        await alice.settled()
        await bob.settled()


@check
async def ping_version_time():
    """ping, software version and time of the server, ping of another client"""
    async with person("alice") as alice, person("alice", "phone") as phone:
        for address in (DOMAIN, alice.boundjid.bare, phone.boundjid.full):
            await alice.plugin["xep_0199"].send_ping(address)
        version = (await alice.plugin["xep_0092"].get_version(DOMAIN))["software_version"]
        assert version["name"] == "Martlet" and version["version"] and not version["os"], str(version)
        # slixmpp 1.17 appends a second Z to the time it reads.
        answer = (await alice.plugin["xep_0202"].get_entity_time(DOMAIN))["entity_time"].xml
        time = xep_0082.parse(answer.findtext("{urn:xmpp:time}utc"))
        assert abs(time - datetime.now(timezone.utc)) < timedelta(minutes=1), time


@check
async def last_activity():
    """last activity: the server's uptime, a contact's absence, none of a stranger's"""
    async with person("erin") as erin:
        async with person("liu.yang") as liu:
            await erin.befriend(liu)
            liu.send_presence(ptype="unavailable", pstatus="Holidays")
            await erin.presence(liu.boundjid.full, "unavailable")
        last = (await erin.plugin["xep_0012"].get_last_activity("liu.yang@example.test"))["last_activity"]
        uptime = (await erin.plugin["xep_0012"].get_last_activity(DOMAIN))["last_activity"]["seconds"]
        assert last["status"] == "Holidays" and 0 <= last["seconds"] <= uptime < 600, (uptime, str(last))
        assert await refusal(erin.plugin["xep_0012"].get_last_activity("bob@example.test")) == "forbidden"


@check
async def vcard():
    """vCard: published with a photo, read by oneself and by others"""
    photo = os.urandom(40_000)
    async with person("heidi") as heidi, person("frank") as frank:
        card = heidi.plugin["xep_0054"].make_vcard()
        card["FN"], card["NICKNAME"] = "Heidi Häberle", "hh"
        card["PHOTO"]["TYPE"], card["PHOTO"]["BINVAL"] = "image/png", photo
        await heidi.plugin["xep_0054"].publish_vcard(card)
        for client in (heidi, frank):
            got = (await client.plugin["xep_0054"].get_vcard("heidi@example.test", local=False))["vcard_temp"]
            assert got["FN"] == "Heidi Häberle", str(got)[:500]
            assert got["PHOTO"]["TYPE"] == "image/png" and got["PHOTO"]["BINVAL"] == photo
        missing = frank.plugin["xep_0054"].get_vcard("nobody@example.test", local=False)
        assert await refusal(missing) in ("item-not-found", "service-unavailable")


@check
async def private_storage():
    """private storage: bookmarks kept for the next session"""
    async with person("dave") as dave:
        dave.plugin["xep_0049"].register(Bookmarks)
        bookmarks = Bookmarks()
        bookmarks.add_conference("chat@rooms.example.test", "dave", name="Küche & more", autojoin=True)
        await dave.plugin["xep_0049"].store(bookmarks)
    async with person("dave", "phone") as dave:
        kept = (await dave.plugin["xep_0049"].retrieve("bookmarks"))["private"]["bookmarks"]["conferences"]
        assert [(room["jid"], room["name"], room["autojoin"]) for room in kept] == \
            [("chat@rooms.example.test", "Küche & more", True)], kept


@check
async def blocking():
    """blocking: nothing comes through, other devices are told, unblocking lets it through again"""
    async with person("dave") as dave, person("dave", "phone") as phone, person("frank") as frank:
        pushed = phone.expected("blocked")
        await phone.plugin["xep_0191"].get_blocked()
        await dave.plugin["xep_0191"].block("frank@example.test")
        await pushed
        assert await phone.plugin["xep_0191"].get_blocked_jids() == {"frank@example.test"}
        message = frank.make_message("dave@example.test", "Psst", mtype="chat")
        message["id"] = "blocked"
        message.send()
        error = await frank.bounced("blocked")
        assert error["error"]["condition"] == "service-unavailable", str(error)
        own = dave.make_message("frank@example.test", "Psst yourself", mtype="chat")
        own["id"] = "own"
        own.send()
        assert (await dave.bounced("own"))["error"]["condition"] == "not-acceptable"
        pushed = phone.expected("unblocked")
        await dave.plugin["xep_0191"].unblock("frank@example.test")
        await pushed
        frank.send_message("dave@example.test", "Thank you", mtype="chat")
        await dave.message("Thank you")
        assert not [stanza for stanza in dave.arrived if stanza["body"] == "Psst"]


@check
async def nonsense():
    """a request that nobody understands gets service-unavailable and the stream goes on"""
    async with person("alice") as alice:
        request = alice.make_iq_get(queryxmlns="urn:example:unknown", ito=DOMAIN)
        assert await refusal(request.send()) == "service-unavailable"
        await alice.settled()
