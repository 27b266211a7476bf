"""The users of deploy/nats on a nats-server of the tests: `NatsServer(folder, accounts=ACCOUNTS)`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from tests.nats_server import NatsServer

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "nats"

USERS = ("gateway", "agent_worker", "persister", "admin", "monitor", "system")

PASSWORDS = {user: f"0{user}/@:?" for user in USERS}
"""As hard on a URL as a generated one may be."""

ACCOUNTS = "\n".join(
    [
        *(f'{user.upper()}_PASSWORD: "{password}"' for user, password in PASSWORDS.items()),
        (FOLDER / "permissions.conf").read_text(),
        (FOLDER / "accounts.conf").read_text().replace('include "permissions.conf"', ""),
    ]
)


def user_url(server: NatsServer, user: str) -> str:
    return server.url.replace("://", f"://{user}:{quote(PASSWORDS[user], safe='')}@")


def violations(server: NatsServer) -> list[str]:
    """What the server has refused its users."""
    return [line for line in server.log.splitlines() if "Violation" in line]
