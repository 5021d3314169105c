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
    await account("paris", "secret")
    async with user("paris", "secret", tls=ssl.TLSVersion.TLSv1_2) as paris:
        assert paris.socket.version() == "TLSv1.2"
        await paris.settled()


@check
async def passwords():
    """local: a password changed by the administrator and by the user himself"""
    await account("mercutio", "first")
    await account("mercutio", "second", command="password")
    assert await user("mercutio", "first", mechanism="SCRAM-SHA-1").refusals_of_login() == ["not-authorized"]
    async with user("mercutio", "second") as mercutio:
        await mercutio.plugin["xep_0077"].change_password("thi<rd>", jid="second.test")
    assert await user("mercutio", "second", mechanism="SCRAM-SHA-1").refusals_of_login() == ["not-authorized"]
    async with user("mercutio", "thi<rd>"):
        pass
    async with person("alice") as alice:
        try:
            await alice.plugin["xep_0077"].change_password("other", jid="example.test")
        except IqError as error:
            assert error.condition in ("not-allowed", "service-unavailable"), error.condition
        else:
            raise AssertionError("the server changed a password of the directory")


@check
async def between_domains():
    """local: the people of both domains add each other and chat"""
    await account("juliet", "balcony")
    async with user("juliet", "balcony") as juliet, person("grace") as grace:
        await juliet.befriend(grace)
        await juliet.presence("grace@example.test/desk")
        await grace.presence("juliet@second.test/desk")
        juliet.send_message("grace@example.test", "From the other house", mtype="chat")
        (await grace.message("From the other house")).reply("Welcome").send()
        await juliet.message("Welcome")
    assert await Person("grace@second.test", "pw-grace", mechanism="SCRAM-SHA-1").refusals_of_login() == ["not-authorized"]
    assert await Person("juliet@example.test", "balcony").refusals_of_login() == ["not-authorized"]
