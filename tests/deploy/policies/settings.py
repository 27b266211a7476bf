"""Settings: those that exist, with values that the services take."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import fields
from opentelemetry.sdk import environment_variables

from schemas.errors import Invalid
from services import health, tracing
from services.admin import nodes
from services.admin import settings as admin
from services.agent_worker import settings as worker
from services.agent_worker.models import choose
from services.broker import stream_file, streams
from services.broker.credentials import Credentials
from services.broker.stream_file import read_layout
from services.gateway import settings as gateway
from services.gateway.admission import check_admission
from services.persister import settings as persister
from services.runtime import Logging, _variable, read_settings
from tests.deploy.manifests import (
    Manifests,
    literal_environment,
)
from tests.deploy.policies.registry import policy

READ_BY = {
    "gateway": [gateway.Settings, tracing.Settings, Credentials, Logging],
    "worker": [worker.Settings, choose.Settings, tracing.Settings, health.Settings, Credentials, Logging],
    "persister": [persister.Settings, tracing.Settings, health.Settings, Credentials, Logging],
    "monitor": [
        admin.Settings, nodes.Settings, health.Settings, stream_file.Settings, streams.Deployment, Credentials, Logging,
    ],
}  # fmt: skip
"""The settings of each service; the migration's are among those of the monitor."""


OF_THE_URL = {"NATS_PASSWORD", "NATS_SCHEME", "NATS_ADDRESS", "MIGRATED_BY"}
"""Not settings: parts of ANABRANCH_NATS_URL, and what makes a new version a new Job."""


OF_THE_DRIVER = {"PGSSLROOTCERT"}
"""Read by the driver of PostgreSQL."""


OF_THE_SDK = {name for name in dir(environment_variables) if name.startswith("OTEL_")}
"""Read by the SDK of OpenTelemetry."""


@policy
def variables_are_settings_and_have_values_that_are_taken(manifests: Manifests) -> Iterator[str]:
    known = known_variables()
    shared = set(manifests.one("ConfigMap", "anabranch")["data"])
    if strange := shared - set().union(*known.values()) - OF_THE_URL - OF_THE_SDK - OF_THE_DRIVER:
        yield f"ConfigMap anabranch: nobody reads {', '.join(sorted(strange))}"
    for name, kinds in READ_BY.items():
        container = manifests.one("Deployment", name)["spec"]["template"]["spec"]["containers"][0]
        if strange := {one["name"] for one in container["env"]} - known[name] - OF_THE_URL:
            yield f"{name} does not read {', '.join(sorted(strange))}"
        environment = literal_environment(manifests, container)
        for kind in kinds:
            try:
                _ = read_layout(environment) if kind is streams.Deployment else read_settings(kind, environment)
            except Invalid as error:
                yield f"{name}: {error}"
        if left := needed_of(name) - set(environment):
            yield f"{name} would use a default made for one machine: {', '.join(sorted(left))}"
        if environment.get("ANABRANCH_NATS_URL", "").count("$"):
            yield f"{name}: something in its ANABRANCH_NATS_URL is not filled in"
        host = environment.get("ANABRANCH_HOST" if name == "gateway" else "ANABRANCH_METRICS_HOST")
        if host != "0.0.0.0":
            yield f"{name} listens on {host}, where no probe reaches it"


@policy
def the_gateway_asks_who_is_there(manifests: Manifests) -> Iterator[str]:
    """But where it is only tried, and nobody from outside reaches it."""
    container = manifests.one("Deployment", "gateway")["spec"]["template"]["spec"]["containers"][0]
    settings = read_settings(gateway.Settings, literal_environment(manifests, container))
    try:
        check_admission(settings)
    except Invalid as error:
        yield f"gateway: {error}"
    meant_for_others = manifests.one("ConfigMap", "anabranch")["data"].get("ANABRANCH_PROFILE") == "production"
    if settings.allow_insecure and (meant_for_others or any(manifests.of("Ingress"))):
        yield "the gateway serves everybody"
    mounts = [one["mountPath"] for one in container.get("volumeMounts", [])]
    if settings.jwt_keys.startswith("/") and not any(settings.jwt_keys.startswith(f"{path}/") for path in mounts):
        yield f"gateway: nothing is mounted where its keys are: {settings.jwt_keys}"


def known_variables() -> dict[str, set[str]]:
    return {name: {_variable(field) for kind in kinds for field in fields(kind)} for name, kinds in READ_BY.items()}


def needed_of(service: str) -> set[str]:
    """Settings whose default is another process on the same machine."""
    archive = {"ANABRANCH_DATABASE_URL"} if service != "worker" else set()
    return {"ANABRANCH_NATS_URL"} | archive
