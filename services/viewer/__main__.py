"""`python -m services.viewer`: the terminal viewer, or, where there is no terminal, plain lines."""

from __future__ import annotations

import asyncio
import os
import sys

from rich.console import Console

from schemas.errors import AnabranchError
from services.viewer.client import Client
from services.viewer.lines import Lines
from services.viewer.opening import begin_conversation
from services.viewer.options import Options, read_options
from services.viewer.pipe import follow
from services.viewer.terminal import Terminal
from services.viewer.visit import Visit


async def _visit(options: Options) -> int:
    conversation = options.conversation or await begin_conversation(options.urls, options.token)
    console = Console()
    drawn = console.is_terminal and not console.is_dumb_terminal and (bool(options.message) or sys.stdin.isatty())
    lines = Lines()
    client = Client(conversation, options.after, None if drawn else lines.observe)
    visit = Visit(client, options.urls, options.agent, options.token)
    if options.message:
        visit.say(options.message)
    if drawn:
        await Terminal(visit, console, typing=not options.message).run()
    else:
        source = None if options.message else sys.stdin
        await follow(visit, lines, source=source, output=sys.stdout, notes=sys.stderr)
    if client.failure:
        print(f"viewer: {client.failure}", file=sys.stderr)
    if client.cursor:
        print(f"-- to come back: --conversation {conversation} --after {client.cursor}", file=sys.stderr)
    # who types has seen how it came out; a script has the exit code alone
    return visit.exit_code if options.message or not drawn else int(bool(client.failure))


def main() -> int:
    try:
        return asyncio.run(_visit(read_options(sys.argv[1:], os.environ)))
    except AnabranchError as error:
        print(f"viewer: {error}", file=sys.stderr)
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


if __name__ == "__main__":
    sys.exit(main())
