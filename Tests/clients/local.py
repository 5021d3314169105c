"""Accounts of the server's own database, in a second domain beside that of the directory."""

import asyncio
import os
import ssl

from slixmpp.exceptions import IqError

from checks import check
from person import Person, person


async def account(name, password, command="add"):
    """Makes or changes an account with the program, while the server runs."""
    process = await asyncio.create_subprocess_exec(
        os.environ["MARTLET"], "user", command, "--config", os.environ["CONFIGURATION"], "--password-stdin",
        f"{name}@second.test", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    output, _ = await process.communicate(password.encode() + b"\n")
    assert process.returncode == 0, output.decode()


def user(name, password, resource="desk", **options):
    return Person(f"{name}@second.test/{resource}", password, **options)


@check
async def scram():
    """local: every kind of SCRAM that slixmpp knows, with the password as it was typed"""
    await account("romeo", "Ünverwüstlich 42")
    async with user("romeo", "Ünverwüstlich 42") as romeo:
        offered = romeo.plugin["feature_mechanisms"].mech_list
        chosen = romeo.plugin["feature_mechanisms"].mech.name
        assert chosen.startswith("SCRAM-"), chosen
    for mechanism in sorted(name for name in offered if name.startswith("SCRAM-") and not name.endswith("-PLUS")):
        async with user("romeo", "Ünverwüstlich 42", mechanism=mechanism) as romeo:
            assert romeo.plugin["feature_mechanisms"].mech.name == mechanism
    got = await user("romeo", "unverwüstlich 42", mechanism="SCRAM-SHA-256").refusals_of_login()
    assert got == ["not-authorized"], got
    async with user("romeo", "Ünverwüstlich 42", direct=True) as romeo:
        await romeo.settled()


@check
async def older_tls():
    """local: a client with TLS 1.2, whose channel binding the server does not know, gets in nevertheless"""
    await account("paris", "secret of Paris")
    async with user("paris", "secret of Paris", tls=ssl.TLSVersion.TLSv1_2) as paris:
        assert paris.socket.version() == "TLSv1.2"
        await paris.settled()


@check
async def passwords():
    """local: a password changed by the administrator and by the user himself"""
    await account("mercutio", "the first one")
    await account("mercutio", "the second one", command="password")
    assert await user("mercutio", "the first one", mechanism="SCRAM-SHA-1").refusals_of_login() == ["not-authorized"]
    async with user("mercutio", "the second one") as mercutio:
        await mercutio.plugin["xep_0077"].change_password("the thi<rd> one", jid="second.test")
    assert await user("mercutio", "the second one", mechanism="SCRAM-SHA-1").refusals_of_login() == ["not-authorized"]
    async with user("mercutio", "the thi<rd> one"):
        pass
    async with person("alice") as alice:
        try:
            await alice.plugin["xep_0077"].change_password("other", jid="example.test")
        except IqError as error:
            assert error.condition in ("not-allowed", "service-unavailable"), error.condition
        else:
            raise AssertionError("the server changed a password of the directory")


@check
async def mistyped_password():
    """local: a client that tries tls-unique first has as many attempts left as others"""
    await account("benvolio", "peace, ye fools")
    got = await user("benvolio", "piece, ye fools", tls=ssl.TLSVersion.TLSv1_2).refusals_of_login()
    # One for each mechanism that can be spoken; the stream is closed after five.
    assert got.count("malformed-request") >= 2 and got.count("not-authorized") == 4, got
    async with user("benvolio", "peace, ye fools", tls=ssl.TLSVersion.TLSv1_2) as benvolio:
        await benvolio.settled()


@check
async def short_passwords():
    """local: a user cannot choose a password that is shorter than the administrator wants"""
    await account("rosaline", "fair as the day")
    async with user("rosaline", "fair as the day") as rosaline:
        try:
            await rosaline.plugin["xep_0077"].change_password("night", jid="second.test")
        except IqError as error:
            assert error.condition == "not-acceptable", error.condition
        else:
            raise AssertionError("the server accepted a short password")


@check
async def between_domains():
    """local: the people of both domains add each other and chat"""
    await account("juliet", "on the balcony")
    async with user("juliet", "on the balcony") as juliet, person("grace") as grace:
        await juliet.befriend(grace)
        await juliet.presence("grace@example.test/desk")
        await grace.presence("juliet@second.test/desk")
        juliet.send_message("grace@example.test", "From the other house", mtype="chat")
        (await grace.message("From the other house")).reply("Welcome").send()
        await juliet.message("Welcome")
    assert await Person("grace@second.test", "pw-grace", mechanism="SCRAM-SHA-1").refusals_of_login() == ["not-authorized"]
    assert await Person("juliet@example.test", "on the balcony").refusals_of_login() == ["not-authorized"]
