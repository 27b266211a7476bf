"""What the volumes of compose.yaml need before anything starts: an owner, and a password that nobody has to choose."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

VOLUMES = Path("/volumes")
SERVICE = 10001
POSTGRES = 999

for volume in VOLUMES.glob("nats*"):
    os.chown(volume, SERVICE, SERVICE)

password = secrets.token_urlsafe(32)
for file, owner, text in (
    (VOLUMES / "postgres" / "password", POSTGRES, password),
    (VOLUMES / "archive" / "pgpass", SERVICE, f"*:*:*:*:{password}"),
):
    if not file.exists():
        file.write_text(text)
        file.chmod(0o400)
        os.chown(file, owner, owner)
