"""What the volumes of compose.yaml need before anything starts: owners, and passwords that nobody has to choose and that no
environment has. Each container mounts its own; the broker has all of them.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import NamedTuple

VOLUMES = Path("/volumes")
SERVICE = 10001
POSTGRES = 999

USERS = ("gateway", "agent_worker", "persister", "admin", "monitor", "system")
"""Of deploy/compose/users.conf. Nobody is `system`, so that its password goes to nobody."""

NODES = ("nats", "nats-2", "nats-3")


class Secret(NamedTuple):
    """A file of a volume, readable by `owner` alone."""

    file: Path
    text: str
    owner: int = SERVICE


def of_database(volumes: Path) -> list[Secret]:
    password = secrets.token_urlsafe(32)
    return [
        Secret(volumes / "archive" / "pgpass", f"*:*:*:*:{password}"),
        Secret(volumes / "postgres" / "password", password, POSTGRES),
    ]


def of_broker(volumes: Path) -> list[Secret]:
    """A login for each user, what the servers compare it with, and how they know each other: whoever could pose as one of them
    would have the rights of all users.
    """
    passwords = {user: secrets.token_urlsafe(32) for user in USERS}
    routes = secrets.token_urlsafe(32)
    addresses = ", ".join(f"nats://routes:{routes}@{node}:6222" for node in NODES)
    return [
        *(Secret(volumes / user / "login", f"{user}:{passwords[user]}") for user in USERS if user != "system"),
        Secret(
            volumes / "broker" / "routes.conf",
            f'authorization {{ user: routes, password: "{routes}" }}\nroutes: [{addresses}]\n',
        ),
        Secret(
            volumes / "broker" / "passwords.conf",
            "".join(f'{user.upper()}_PASSWORD: "{password}"\n' for user, password in passwords.items()),
        ),
    ]


def write(found: list[Secret]) -> None:
    """All or none: if the last one is there, all were written."""
    if found[-1].file.exists():
        return
    for secret in found:
        secret.file.unlink(missing_ok=True)
        secret.file.touch(mode=0o600)
        secret.file.write_text(secret.text)
        secret.file.chmod(0o400)
        os.chown(secret.file, secret.owner, secret.owner)


if __name__ == "__main__":
    for node in NODES:
        os.chown(VOLUMES / node, SERVICE, SERVICE)
    write(of_database(VOLUMES))
    write(of_broker(VOLUMES))
