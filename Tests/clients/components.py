"""External components made with slixmpp: a push service that wakes a phone, and what becomes of presence when it goes."""

import asyncio
import os
from xml.etree import ElementTree

from slixmpp import ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from checks import check
from person import PATIENCE, person

ADDRESS = "push.example.test"
PUBLISHED = "{jabber:component:accept}iq/{http://jabber.org/protocol/pubsub}pubsub/{http://jabber.org/protocol/pubsub}publish"


class PushService(ComponentXMPP):
    """A push service as app makers run it: it takes what is published and answers."""

    def __init__(self, secret="the component's secret"):
        super().__init__(ADDRESS, secret, "127.0.0.1", int(os.environ["PORT_COMPONENT"]))
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.plugin["xep_0030"].add_identity(category="pubsub", itype="push", name="Wakes phones")
        self.plugin["xep_0030"].add_feature("urn:xmpp:push:0")
        self.published = asyncio.Queue()
        self.register_handler(Callback("publish", MatchXPath(PUBLISHED), self.take))

    def take(self, iq):
        self.published.put_nowait(iq)
        iq.reply().send()

    async def __aenter__(self):
        started = asyncio.ensure_future(self.wait_until("session_start", PATIENCE))
        self.connect(self.server_host, self.server_port)
        await started
        return self

    async def __aexit__(self, *_):
        await self.disconnect()


async def enable(client, node):
    iq = client.make_iq_set(ito=client.boundjid.bare)
    iq.append(ElementTree.fromstring(
        f"<enable xmlns='urn:xmpp:push:0' jid='{ADDRESS}' node='{node}'><x xmlns='jabber:x:data' type='submit'>"
        "<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
        "<field var='secret'><value>s3&amp;cret</value></field></x></enable>"))
    await iq.send()


@check
async def push():
    """components: a real push service is found, wakes a phone that is gone, and gets the phone's secret"""
    async with PushService() as service, person("alice") as alice:
        items = (await alice.plugin["xep_0030"].get_items("example.test"))["disco_items"]["items"]
        assert ADDRESS in {item[0].full if hasattr(item[0], "full") else item[0] for item in items}, items
        info = (await alice.plugin["xep_0030"].get_info(ADDRESS))["disco_info"]
        assert ("pubsub", "push") in {identity[:2] for identity in info["identities"]}, str(info)
        await service.plugin["xep_0199"].ping("example.test", ifrom=ADDRESS, timeout=PATIENCE)
        async with person("bob", "phone") as phone:
            await enable(phone, "node of Bob's phone".replace("'", ""))
        alice.send_message("bob@example.test", "Are you there?", mtype="chat")
        iq = await asyncio.wait_for(service.published.get(), PATIENCE)
        text = str(iq)
        assert iq["from"] == "example.test", text
        assert "message-count" in text and "Are you there?" not in text and "alice" not in text, text
        assert "s3&amp;cret" in text and "node of Bobs phone" in text, text
        async with person("bob", "phone") as phone:
            await phone.message("Are you there?")
            alice.send_message("bob@example.test", "Good morning", mtype="chat")
            await phone.message("Good morning")
            await alice.settled()
            assert service.published.empty()


@check
async def component_goes():
    """components: who was there goes with its component, and messages for it come back"""
    async with person("alice") as alice:
        async with PushService() as service:
            service.send_presence(pto=alice.boundjid.full, pfrom=f"somebody@{ADDRESS}/x")
            await alice.presence(f"somebody@{ADDRESS}/x")
        await alice.presence(f"somebody@{ADDRESS}/x", "unavailable")
        message = alice.make_message(f"somebody@{ADDRESS}", "Hello?", mtype="chat")
        message["id"] = "gone"
        message.send()
        assert (await alice.bounced("gone"))["error"]["condition"] == "remote-server-timeout"
