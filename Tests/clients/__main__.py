"""Runs all checks, or those with one of the given words in their names; run.sh has started what they need."""

import asyncio
import logging
import sys

import archive  # noqa: F401
import bridge  # noqa: F401
import components  # noqa: F401
import directory  # noqa: F401
import eventing  # noqa: F401
import extensions  # noqa: F401
import local  # noqa: F401
import profanity  # noqa: F401
import rooms  # noqa: F401
import survivors  # noqa: F401
from checks import run

# slixmpp reports every refused log-in as an error; here they are expected.
logging.basicConfig(level=logging.CRITICAL)
sys.exit(asyncio.run(run(sys.argv[1:])))
