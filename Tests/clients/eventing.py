"""What slixmpp's plugins make of publish-subscribe and personal eventing."""

from hashlib import sha1
from xml.etree import ElementTree

from slixmpp.exceptions import IqError

from checks import check
from person import person

SERVICE = "pubsub.example.test"
ATOM = "http://www.w3.org/2005/Atom"
DEVICES = "eu.siacs.conversations.axolotl"


def entry(title):
    element = ElementTree.Element(f"{{{ATOM}}}entry")
    ElementTree.SubElement(element, f"{{{ATOM}}}title").text = title
    return element


def eventing(uid, resource="desk", plugins=()):
    """Somebody whose client knows publish-subscribe and the plugins named."""
    somebody = person(uid, resource)
    for number in (60, 163, *plugins):
        somebody.register_plugin(f"xep_{number:04}")
    return somebody


def options(client, **fields):
    form = client.plugin["xep_0004"].make_form(ftype="submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
    for name, value in fields.items():
        form.add_field(var=f"pubsub#{name}", value=value)
    return form


@check
async def publish_subscribe():
    """publish-subscribe: a node is made, subscribed to, published to, emptied and deleted"""
    async with eventing("alice") as alice, eventing("bob") as bob:
        items = (await alice.plugin["xep_0030"].get_items("example.test"))["disco_items"]["items"]
        assert SERVICE in {str(item[0]) for item in items}, items
        info = (await alice.plugin["xep_0030"].get_info(SERVICE))["disco_info"]
        assert ("pubsub", "service") in {identity[:2] for identity in info["identities"]}, str(info)
        pubsub = alice.plugin["xep_0060"]
        await pubsub.create_node(SERVICE, "news")
        subscription = (await bob.plugin["xep_0060"].subscribe(SERVICE, "news"))["pubsub"]["subscription"]
        assert subscription["subscription"] == "subscribed", str(subscription)
        published = bob.expected("pubsub_publish")
        await pubsub.publish(SERVICE, "news", id="one", payload=entry("One"))
        event = (await published)["pubsub_event"]["items"]
        assert event["node"] == "news" and event["item"]["id"] == "one", str(event)
        assert event["item"]["payload"].find(f"{{{ATOM}}}title").text == "One", str(event)
        kept = (await bob.plugin["xep_0060"].get_items(SERVICE, "news"))["pubsub"]["items"]
        assert [item["id"] for item in kept] == ["one"], str(kept)
        retracted = bob.expected("pubsub_retract")
        await pubsub.retract(SERVICE, "news", "one", notify=True)
        assert (await retracted)["pubsub_event"]["items"]["retract"]["id"] == "one"
        configuration = await pubsub.get_node_config(SERVICE, "news")
        form = configuration["pubsub_owner"]["configure"]["form"]
        assert form.get_values()["pubsub#access_model"] in ("open", ["open"]), str(form)
        deleted = bob.expected("pubsub_delete")
        await pubsub.delete_node(SERVICE, "news")
        assert (await deleted)["pubsub_event"]["delete"]["node"] == "news"


@check
async def avatar():
    """avatar: published once, told to contacts, and the photo of the vCard"""
    image = b"\x89PNG an image"
    digest = sha1(image).hexdigest()
    async with eventing("alice", plugins=(84,)) as alice, eventing("bob", plugins=(84,)) as bob:
        await alice.befriend(bob)
        await bob.plugin["xep_0115"].update_caps(broadcast=False)
        bob.send_presence(pstatus="Curious")
        await alice.presence(bob.boundjid.full, status="Curious")
        await bob.settled()
        heard = bob.expected("avatar_metadata_publish")
        public = options(alice, access_model="open")
        await alice.plugin["xep_0084"].publish_avatar(image, options=public)
        await alice.plugin["xep_0084"].publish_avatar_metadata(
            [{"id": digest, "type": "image/png", "bytes": str(len(image))}], options=options(alice, access_model="open"))
        metadata = (await heard)["pubsub_event"]["items"]["item"]["avatar_metadata"]
        assert [info["id"] for info in metadata["items"]] == [digest], str(metadata)
        data = await bob.plugin["xep_0084"].retrieve_avatar("alice@example.test", digest)
        assert data["pubsub"]["items"]["item"]["avatar_data"]["value"] == image, str(data)
        vcard = (await bob.plugin["xep_0054"].get_vcard("alice@example.test", cached=False))["vcard_temp"]
        assert vcard["PHOTO"]["BINVAL"] == image, str(vcard)
        alice.send_presence(pstatus="With a face")
        presence = await bob.presence(alice.boundjid.full, status="With a face")
        assert presence.xml.find("{vcard-temp:x:update}x/{vcard-temp:x:update}photo").text == digest, str(presence)
        alice.del_roster_item(bob.boundjid.bare)
        bob.del_roster_item(alice.boundjid.bare)
        await alice.settled()
        await bob.settled()


@check
async def encryption_keys():
    """OMEMO's nodes: published with options as Conversations does, read by a stranger, refused where they do not fit"""
    async with eventing("alice") as alice, eventing("carol") as carol:
        account = (await alice.plugin["xep_0030"].get_info(alice.boundjid.bare, local=False))["disco_info"]
        assert "http://jabber.org/protocol/pubsub#publish-options" in account["features"], str(account)
        devices = ElementTree.Element(f"{{{DEVICES}}}list")
        ElementTree.SubElement(devices, f"{{{DEVICES}}}device", id="31415")
        node = f"{DEVICES}.devicelist"
        own = alice.plugin["xep_0060"]
        await own.publish(
            None, node, id="current", payload=devices,
            options=options(alice, persist_items="true", access_model="open"))
        found = (await carol.plugin["xep_0060"].get_items("alice@example.test", node))["pubsub"]["items"]
        assert found["item"]["payload"].find(f"{{{DEVICES}}}device").get("id") == "31415", str(found)
        await own.set_node_config(None, node, configuration(alice, access_model="whitelist"))
        try:
            await own.publish(None, node, id="current", payload=devices, options=options(alice, access_model="open"))
            raise AssertionError("the precondition was not met")
        except IqError as error:
            assert error.condition == "conflict", str(error)
        try:
            await carol.plugin["xep_0060"].get_items("alice@example.test", node)
            raise AssertionError("carol is not on the whitelist")
        except IqError as error:
            assert error.condition == "not-allowed", str(error)


def configuration(client, **fields):
    form = client.plugin["xep_0004"].make_form(ftype="submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#node_config")
    for name, value in fields.items():
        form.add_field(var=f"pubsub#{name}", value=value)
    return form
