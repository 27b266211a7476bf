"""The list of policies. Each takes rendered manifests and says, one line each, where it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.deploy.manifests import Manifests

Policy = Callable[[Manifests], Iterator[str]]
POLICIES: list[Policy] = []


def policy(check: Policy) -> Policy:
    POLICIES.append(check)
    return check
