"""What the viewer is asked to do: the command line, read once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import msgspec

from schemas import cursor
from schemas.errors import Invalid
from schemas.ids import check_id
from schemas.wire import TEXT_CHARS_MAX


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`token`: what says who is asking, where a gateway wants to know. Of the environment alone: others see a command line."""

    urls: list[str]
    token: str
    conversation: str
    after: str
    agent: str
    message: str


def read_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Raises Invalid for what cannot be meant; argparse itself ends the process for what it cannot read."""
    parser = argparse.ArgumentParser(
        prog="python -m services.viewer",
        description="See a conversation's agents stream, and talk to them. Without a terminal: plain lines.",
        epilog="A gateway that asks who you are is given the token in ANABRANCH_TOKEN.",
    )
    port = environment.get("ANABRANCH_PORT") or "8000"
    if not port.isdecimal():
        raise Invalid(f"ANABRANCH_PORT={port!r} is not a number")
    parser.add_argument(
        "--url",
        default=environment.get("ANABRANCH_URL") or f"http://127.0.0.1:{port}",
        help="the gateway; several, separated by commas, stand in for one another (default: %(default)s)",
    )
    parser.add_argument("--conversation", default="", metavar="ID", help="one that exists; without it a new one begins")
    parser.add_argument("--after", default="", metavar="CURSOR", help="see only what came after this cursor")
    parser.add_argument("--agent", default="assistant", metavar="NAME", help="who answers (default: %(default)s)")
    parser.add_argument("--message", default="", metavar="TEXT", help="send this, stream the answer, and end")
    said = parser.parse_args(arguments)
    return Options(
        urls=[_url(url) for url in said.url.split(",")],
        token=environment.get("ANABRANCH_TOKEN", "").strip(),
        conversation=check_id(said.conversation, "conversation") if said.conversation else "",
        after=_after(said.after, said.conversation),
        agent=check_id(said.agent, "agent"),
        message=_message(said.message),
    )


def _url(text: str) -> str:
    url = text.strip().rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise Invalid(f"--url {text.strip()!r} does not start with http:// or https://")
    return url


def _after(text: str, conversation: str) -> str:
    if text and not conversation:
        raise Invalid("--after needs the --conversation that the cursor is of")
    return str(cursor.parse(text)) if text else ""


def _message(text: str) -> str:
    if len(text) > TEXT_CHARS_MAX:
        raise Invalid(f"--message has {len(text):,} characters, the limit is {TEXT_CHARS_MAX:,}")
    return text.strip()
