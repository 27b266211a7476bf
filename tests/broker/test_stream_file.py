"""deploy/streams.yaml: what it says for each profile, and that a mistake in it is named by file and key."""

from __future__ import annotations

import pytest

from schemas.errors import Invalid
from services.broker.stream_file import STREAMS_FILE, VOLUME_PART, layout, read_layout

GIB = 2**30


@pytest.fixture
def edited(tmp_path):
    """A function that changes the text of the file and reads the layout of the result, in an environment."""

    def read(old: str, new: str, **environment: str):
        text = STREAMS_FILE.read_text()
        assert old in text
        path = tmp_path / "streams.yaml"
        path.write_text(text.replace(old, new, 1))
        return read_layout({"ANABRANCH_STREAMS": str(path), **environment})

    return read


def test_a_profile_changes_what_it_names_and_nothing_else():
    development, production = layout().deployment, layout("production").deployment
    assert (development.replicas, development.partitions, development.mirror) == (1, 1, False)
    assert (production.replicas, production.partitions, production.mirror) == (3, 16, True)
    assert production.sync_interval == "always"
    assert production.mirror_replicas == production.replicas
    assert production.events_bytes == development.events_bytes == 2 * GIB


def test_the_limits_of_production_stay_below_its_volume():
    production = layout("production")
    assert 0 < production.bytes_max < VOLUME_PART * production.deployment.volume_bytes


def test_the_environment_changes_single_variables_of_a_profile():
    found = read_layout(
        {"ANABRANCH_PROFILE": "production", "ANABRANCH_PARTITIONS": "2", "ANABRANCH_REPLAY_MIRROR": "0"}
    )
    assert [stream.name for stream in found.streams if "EVENTS" in stream.name] == ["AB_EVENTS_0", "AB_EVENTS_1"]
    assert not [stream for stream in found.streams if stream.mirror]
    assert found.stream("AB_EVENTS_1").num_replicas == 3


def test_mirrors_stand_after_what_they_copy():
    names = [stream.name for stream in layout("production").streams]
    assert all(names.index(f"AB_EVENTS_{p}") < names.index(f"AB_REPLAY_{p}") for p in range(16))


def test_a_stream_can_be_added_without_a_line_of_code(edited):
    keys = ['subjects: ["audit.>"]', "retention: limits", "discard: old", "replicas: $replicas", "max_bytes: 1.5GiB"]
    added = "\n    ".join(["AB_AUDIT:", *keys]) + "\n  AB_SEALS:"
    found = edited("AB_SEALS:", added.replace("1.5GiB", "3GiB"))
    assert found.stream("AB_AUDIT").max_bytes == 3 * GIB
    with pytest.raises(Invalid, match=r"streams\.AB_AUDIT\.max_bytes: '1.5GiB' is no number of bytes"):
        edited("AB_SEALS:", added)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("discard: new", "discrd: new", "streams.AB_COMMANDS: Object contains unknown field `discrd`"),
        ("retention: workqueue", "retention: queue", "streams.AB_COMMANDS.retention: Invalid enum value 'queue'"),
        ("max_bytes: $seals_bytes", "max_bytes: $seal_bytes", "streams.AB_SEALS.max_bytes: there is no variable seal_bytes"),
        ("max_bytes: $dead_bytes", "max_bytes: 128 MB", "streams.AB_DEAD.max_bytes: '128 MB' is no number of bytes"),
        ("max_bytes: $dead_bytes", "max_bytes: 0", "streams.AB_DEAD.max_bytes: Expected `int` >= 1"),
        ("    discard: new\n", "", "streams.AB_COMMANDS: Object missing required field `discard`"),
        ("max_age_s: 600", "max_age_s: 10min", "streams.AB_AGENTS.max_age_s: Expected `float`, got `str`"),
        ("  AB_DEAD:", "  AB_GRAVES:", "AB_DEAD: the services need it"),
        ("AB_SEALS.persisters:", "AB_SEALS.writers:", "AB_SEALS.persisters: the services need it"),
        ("AB_SEALS.persisters:", "AB_SEAL.persisters:", "consumers.AB_SEAL.persisters: there is no stream AB_SEAL"),
        ("AB_SEALS.persisters:", "persisters:", "consumers.persisters: the name is that of the stream, a dot"),
        ("max_ack_pending: 10000", "max_ack_pending: many", "consumers.AB_COMMANDS.workers.max_ack_pending: Expected"),
        ("each: partition", "each: tenant", "streams.AB_EVENTS_{partition}.each: Invalid enum value 'tenant'"),
        ("when: $mirror", "when: sometimes", "streams.AB_REPLAY_{partition}.when: Expected `bool`"),
        ("    mirror: AB_EVENTS_{partition}", "    mirror: AB_EVENT_{partition}", ".mirror: there is no stream AB_EVENT_0"),
        ("    mirror: AB_EVENTS_{partition}\n", "", "streams.AB_REPLAY_0: it has either `subjects` or `mirror`"),
        ("to: \"ab.live", "into: \"ab.live", "streams.AB_EVENTS_{partition}.republish: Object contains unknown field"),
        ("  partitions: 1 ", "  partitions: 0 ", "variables.partitions: Expected `int` >= 1"),
        ("  dead_bytes: ", "  grave_bytes: ", "variables: Object contains unknown field `grave_bytes`"),
        ("    replicas: 3", "    replicas: 7", "profiles.production.replicas: Expected `int` <= 5"),
        ("    replicas: 3", "    copies: 3", "profiles.production.copies: there is no such variable"),
        ("sync_interval: always", "sync_interval: often", "profiles.production.sync_interval: Expected `str` matching"),
        ("volume_bytes: 100GiB", "volume_bytes: 90GiB", "variables.volume_bytes: the limits of all streams add up to"),
        ("streams:\n", "stream:\n", "the file: Object contains unknown field `stream`"),
        ("  AB_DEAD:", "  AB_SEALS:", "AB_SEALS stands twice"),
        ("variables:", "variables: [", "expected"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_and_key(edited, old, new, message):
    with pytest.raises(Invalid) as wrong:
        edited(old, new, ANABRANCH_PROFILE="production")
    assert "streams.yaml: " in str(wrong.value)
    assert message in str(wrong.value)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ANABRANCH_PROFILE": "staging"}, "ANABRANCH_PROFILE='staging': "),
        ({"ANABRANCH_EVENTS_BYTES": "7"}, "ANABRANCH_EVENTS_BYTES='7': Expected `int` >= 1048576"),
        ({"ANABRANCH_STREAMS": "nowhere/streams.yaml"}, "nowhere/streams.yaml: No such file"),
    ],
)
def test_a_wrong_choice_is_named(environment, message):
    with pytest.raises(Invalid) as wrong:
        read_layout(environment)
    assert message in str(wrong.value)
