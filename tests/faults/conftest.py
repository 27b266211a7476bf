from tests.web.conftest import anyio_backend, chromium, world

__all__ = ["anyio_backend", "chromium", "world"]
