"""What `make run` reads from the environment."""

from __future__ import annotations

from typing import Annotated

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Processes = Annotated[int, msgspec.Meta(ge=1, le=64)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`port` is the first gateway's, further gateways take the ones after it. `data` holds everything that is kept.
    `metrics_port`: the first persister's, further processes without a port of their own take the ones after it; 0 for none.
    `drain_s`: how long a service that is told to stop may finish what it does; KILL_MARGIN_S later it is killed.
    """

    port: Port = 8000
    data: str = ".anabranch"
    workers: Processes = 1
    gateways: Processes = 1
    persisters: Processes = 1
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65_000)] = 0
    database_url: str = ""
    drain_s: Annotated[float, msgspec.Meta(ge=0, le=300)] = 25.0
    model: Annotated[str, msgspec.Meta(extra={"env": "MODEL"})] = ""
    openai_api_key: Annotated[str, msgspec.Meta(extra={"env": "OPENAI_API_KEY"})] = ""
    openai_base_url: Annotated[str, msgspec.Meta(extra={"env": "OPENAI_BASE_URL"})] = ""

    @property
    def wants_local_model(self) -> bool:
        """Nothing to sign up for: with no model configured, one is served from this machine."""
        return self.model != "scripted" and not self.openai_api_key and not self.openai_base_url
