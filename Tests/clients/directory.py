"""People of the directory log in with their directory passwords and talk to each other."""

import asyncio
import os
from datetime import datetime, timezone

from checks import check
from person import Person, Refused, person


async def directory(command):
    """Plays a failure of the directory: pause, resume."""
    process = await asyncio.create_subprocess_exec(
        os.environ["TESTBED"] + "/openldap/ctl.sh", "--dir", os.environ["LDAP_DIR"], command, "primary")
    assert await process.wait() == 0


@check
async def login():
    """directory: PLAIN after STARTTLS, the only mechanism offered; an empty roster"""
    async with person("alice", mechanism="PLAIN") as alice:
        assert alice.plugin["feature_mechanisms"].mech_list == {"PLAIN"}, alice.plugin["feature_mechanisms"].mech_list
        assert alice.boundjid.full == "alice@example.test/desk"
        assert "starttls" in alice.features
        assert not [jid for jid in alice.client_roster if jid != alice.boundjid.bare]


@check
async def login_direct():
    """directory: log-in on the port with direct TLS"""
    async with person("alice", direct=True) as alice:
        assert "starttls" not in alice.features
        await alice.settled()


@check
async def login_unusual():
    """directory: unusual names and passwords"""
    passwords = {
        "pw.utf8": "pässwörd-密码-🔑", "pw.space": "  two  spaces  ", "pw.special": "a:b,c=d\\e\"f<g>&h;i'j",
        "pw.long": "x" * 120 + "-end", "josé": "pw-josé", "李雷": "pw-李雷", "mixedcase": "pw-MixedCase",
        "o\\27brien": "pw-o'brien", "space\\20user": "pw-space user", "a\\26b\\3cc\\3e\\2fd": "pw-a&b<c>/d",
        "star*user": "pw-star*user", "paren(x)": "pw-paren(x)",
    }
    for uid, password in passwords.items():
        try:
            async with Person(f"{uid}@example.test/desk", password) as client:
                assert client.boundjid.bare == f"{uid}@example.test", client.boundjid
        except Refused as refused:
            raise AssertionError(f"{uid}: {refused.args}") from None


@check
async def refused():
    """directory: a wrong password, a stranger and a disabled account get not-authorized"""
    for uid, password in (("bob", "pw-alice"), ("nobody", "pw-nobody"), ("disabled.ivan", "pw-disabled.ivan"), ("*", "pw-alice")):
        got = await Person(f"{uid}@example.test", password).refusals_of_login()
        assert got == ["not-authorized"], (uid, got)


@check
async def hung():
    """directory: while it hangs log-ins get temporary-auth-failure, sessions go on; afterwards all is well"""
    async with person("grace") as grace, person("heidi") as heidi:
        await directory("pause")
        try:
            got = await person("erin").refusals_of_login()
            assert got == ["temporary-auth-failure"], got
            grace.send_message(heidi.boundjid.full, "Is the directory down?", mtype="chat")
            await heidi.message("Is the directory down?")
        finally:
            await directory("resume")
    # The server finds out by itself, within the seconds between two probes of a directory that is out of use.
    async with asyncio.timeout(20):
        while (got := await person("erin").refusals_of_login()) == ["temporary-auth-failure"]:
            await asyncio.sleep(0.2)
    assert got is None, got


@check
async def friends():
    """directory: alice adds bob, bob accepts, both see each other come, change and go"""
    async with person("alice") as alice:
        async with person("bob") as bob:
            await alice.befriend(bob)
            await alice.presence("bob@example.test/desk")
            await bob.presence("alice@example.test/desk")
            bob.send_presence(pshow="away", pstatus="Lunch")
            await alice.presence("bob@example.test/desk", "away", "Lunch")
            await alice.update_roster("bob@example.test", name="Bob Braun", groups=["Engineering", "Bücher"])
        await alice.presence("bob@example.test/desk", "unavailable")
    async with person("bob") as bob, person("alice", "phone") as alice:
        await alice.presence("bob@example.test/desk")
        await bob.presence("alice@example.test/phone")
        contact = alice.client_roster["bob@example.test"]
        assert contact["subscription"] == "both" and contact["name"] == "Bob Braun", contact._state
        assert sorted(contact["groups"]) == ["Bücher", "Engineering"], contact["groups"]
        alice.del_roster_item("bob@example.test")
        await bob.presence("alice@example.test", "unsubscribe")
        await bob.presence("alice@example.test/phone", "unavailable")
        await alice.settled()
        assert "bob@example.test" not in alice.client_roster


@check
async def chat():
    """directory: chat both ways, to full and bare addresses, also from two devices"""
    async with person("carol") as carol, person("dave", "desk") as desk, person("dave", "phone") as phone:
        carol.send_message("dave@example.test", "Hello ☺ <&>", mtype="chat")
        first = await desk.message("Hello ☺ <&>")
        await phone.message("Hello ☺ <&>")
        assert first["from"] == "carol@example.test/desk" and first["to"].bare == "dave@example.test", str(first)
        first.reply("Hello Carol").send()
        reply = await carol.message("Hello Carol")
        assert reply["from"] == "dave@example.test/desk", str(reply)
        carol.send_message("dave@example.test/phone", "Only there", mtype="chat")
        await phone.message("Only there")
        await desk.settled()
        assert not [stanza for stanza in desk.arrived if stanza["body"] == "Only there"]


@check
async def absent():
    """directory: what is sent to someone absent arrives when he comes back, in order, with the time"""
    async with person("carol") as carol:
        before = datetime.now(timezone.utc).replace(microsecond=0)
        for number in range(3):
            carol.send_message("frank@example.test", f"Call me, {number}", mtype="chat")
        await carol.settled()
    async with person("frank") as frank:
        await frank.message("Call me, 2")
        messages = [stanza for stanza in frank.arrived if stanza["body"].startswith("Call me")]
        assert [message["body"] for message in messages] == ["Call me, 0", "Call me, 1"]
        for message in messages:
            assert message["from"] == "carol@example.test/desk", str(message)
            assert before <= message["delay"]["stamp"] <= datetime.now(timezone.utc), str(message)
    async with person("frank") as frank:
        await frank.settled()
        assert not [stanza for stanza in frank.arrived if stanza["body"]]


@check
async def stranger():
    """directory: a message to nobody comes back"""
    async with person("carol") as carol:
        message = carol.make_message("nobody@example.test", "Hello?", mtype="chat")
        message["id"] = "to-nobody"
        message.send()
        error = await carol.bounced("to-nobody")
        assert error["error"]["condition"] == "service-unavailable", str(error)
