"""What must hold of any of our manifests."""

from tests.deploy.policies import fitting, flows, leaving, nodes, observing, pods, scaling, settings
from tests.deploy.policies.registry import POLICIES, Policy

__all__ = ["POLICIES", "Policy", "fitting", "flows", "leaving", "nodes", "observing", "pods", "scaling", "settings"]
