"""Runs the functions marked with @check one after another and counts which passed."""

import asyncio
import traceback

CHECKS = []
LIMIT = 45


def check(function):
    """Marks a coroutine function as a check; the first line of its doc string is its title."""
    CHECKS.append(function)
    return function


async def run(wanted):
    passed, failed = 0, 0
    for function in CHECKS:
        if wanted and not any(word in function.__name__ for word in wanted):
            continue
        title = function.__doc__.strip().splitlines()[0]
        try:
            await asyncio.wait_for(function(), LIMIT)
        except Exception:
            failed += 1
            print(f"FAILED  {title}\n{traceback.format_exc()}", flush=True)
        else:
            passed += 1
            print(f"ok      {title}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1

