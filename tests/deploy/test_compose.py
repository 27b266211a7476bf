"""deploy/compose.yaml keeps every policy, and every policy is seen to fail; the broker takes its configuration."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from deploy.compose import prepare
from schemas.errors import Invalid
from services.broker.stream_file import VOLUME_PART, read_layout
from services.standalone.nats import binary
from tests.deploy.compose import DEPLOY, POLICIES, Doc, Policy, load
from tests.nats_users import USERS


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_compose_keeps(policy: Policy):
    assert list(policy(load())) == []


def service(doc: Doc, name: str) -> Doc:
    return doc["services"][name]


BREAKS: dict[str, list[Callable[[Doc], object]]] = {
    "every_container_is_hardened": [
        lambda doc: service(doc, "gateway").pop("read_only"),
        lambda doc: service(doc, "nats").pop("user"),
        lambda doc: service(doc, "worker").update(user="0:0"),
        lambda doc: service(doc, "migrate").update(cap_add=["CHOWN"]),
        lambda doc: service(doc, "prometheus").pop("security_opt"),
        lambda doc: service(doc, "prepare").pop("network_mode"),
    ],
    "every_container_has_limits": [
        lambda doc: service(doc, "grafana")["deploy"]["resources"]["limits"].pop("memory"),
        lambda doc: service(doc, "balancer").pop("logging"),
    ],
    "what_stays_has_a_health_check": [
        lambda doc: service(doc, "balancer").pop("healthcheck"),
        lambda doc: service(doc, "streams").pop("healthcheck"),
        lambda doc: service(doc, "gateway").update(restart="no"),
    ],
    "images_are_versions": [
        lambda doc: service(doc, "nats").update(image="${NATS_IMAGE:-nats}"),
        lambda doc: service(doc, "grafana").update(image="grafana/grafana:latest"),
    ],
    "networks_are_apart": [
        lambda doc: doc["networks"].update(broker=None),
        lambda doc: service(doc, "postgres").update(networks=["archive", "outside"]),
        lambda doc: service(doc, "balancer").update(ports=["8000:8000"]),
    ],
    "each_mounts_its_own_secrets": [
        lambda doc: service(doc, "gateway")["volumes"].append("admin-login:/run/admin:ro"),
        lambda doc: service(doc, "worker").update(volumes=["worker-login:/run/nats"]),
        lambda doc: service(doc, "worker")["environment"].update(NATS_PASSWORD="x"),
        lambda doc: doc["volumes"].pop("gateway-login"),
    ],
    "settings_are_known_and_taken": [
        lambda doc: service(doc, "gateway")["environment"].update(ANABRANCH_CONNECTION_S="3600"),
        lambda doc: service(doc, "worker")["environment"].update(ANABRANCH_DRAIN_S="a minute"),
        lambda doc: service(doc, "migrate")["environment"].update(ANABRANCH_PARTITIONS="4"),
    ],
    "there_is_time_to_drain": [
        lambda doc: service(doc, "gateway").update(stop_grace_period="30s"),
    ],
}


def test_every_policy_has_a_file_that_breaks_it():
    assert {policy.__name__ for policy in POLICIES} == set(BREAKS)


@pytest.mark.parametrize(
    ("policy", "number"),
    [(policy, number) for policy in POLICIES for number in range(len(BREAKS.get(policy.__name__, [])))],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_a_broken_file_is_noticed(policy: Policy, number: int):
    doc = load()
    BREAKS[policy.__name__][number](doc)
    assert list(policy(doc)) != []


@pytest.mark.parametrize("name", ["nats.conf", "nats-cluster.conf"])
def test_the_broker_takes_the_configuration_with_the_passwords_that_were_made(tmp_path, name, monkeypatch):
    monkeypatch.setattr(prepare.os, "chown", lambda *_: None)  # to users that this machine does not have
    for user in (*USERS, "broker"):
        (tmp_path / user).mkdir()
    prepare.write(prepare.of_broker(tmp_path))
    (tmp_path / "secret").symlink_to(tmp_path / "broker")
    for file in ("compose/users.conf", f"compose/{name}", "nats/permissions.conf"):
        text = (DEPLOY / file).read_text().replace("store_dir: /data", f"store_dir: {tmp_path}/data")
        (tmp_path / file.rpartition("/")[2]).write_text(text)
    tested = subprocess.run([binary(), "-t", "-c", tmp_path / name], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr


def test_passwords_are_made_once_and_those_of_an_interrupted_start_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare.os, "chown", lambda *_: None)
    for user in (*USERS, "broker"):
        (tmp_path / user).mkdir()
    prepare.write(prepare.of_broker(tmp_path)[:1])
    first = (tmp_path / "gateway" / "login").read_text()
    assert first.startswith("gateway:")
    (tmp_path / "broker" / "passwords.conf").unlink(missing_ok=True)
    prepare.write(prepare.of_broker(tmp_path))
    made = {file: file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    assert made[tmp_path / "gateway" / "login"] != first
    assert f'GATEWAY_PASSWORD: "{made[tmp_path / "gateway" / "login"].partition(":")[2]}"' in "".join(made.values())
    prepare.write(prepare.of_broker(tmp_path))
    assert made == {file: file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    assert {file.stat().st_mode & 0o777 for file in made} == {0o400}


def test_the_users_are_those_of_the_other_deployments():
    ours, theirs = (
        re.sub(r"^(#|include).*\n", "", (DEPLOY / file).read_text(), flags=re.MULTILINE).strip()
        for file in ("compose/users.conf", "nats/accounts.conf")
    )
    assert ours == theirs
    assert set(prepare.USERS) == set(USERS)


def test_three_partitions_fit_the_brokers_disk_and_four_are_refused():
    volume = load()["services"]["migrate"]["environment"]["ANABRANCH_VOLUME_BYTES"]
    for name in ("nats.conf", "nats-cluster.conf"):
        (store,) = re.findall(r"max_file_store: (\d+)GiB", (DEPLOY / "compose" / name).read_text())
        assert int(volume) * VOLUME_PART <= int(store) * 2**30
    read_layout({"ANABRANCH_VOLUME_BYTES": volume, "ANABRANCH_PARTITIONS": "3"})
    with pytest.raises(Invalid, match="add up to"):
        read_layout({"ANABRANCH_VOLUME_BYTES": volume, "ANABRANCH_PARTITIONS": "4"})
