"""deploy/streams.yaml: read, its variables filled in, checked. Every error names the file and the key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from schemas.errors import Invalid
from services.broker.stream_keys import ConsumerKeys, File, StreamKeys
from services.broker.streams import Consumer, Deployment, Layout, Stream, needed
from services.runtime import read_settings

STREAMS_FILE = Path(__file__).resolve().parents[2] / "deploy" / "streams.yaml"

VOLUME_PART = 0.9
"""Of a volume, what the limits may take: the file system and the logs of the replicas want some, too."""

_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`streams`: path of the file; empty: the one of this tree."""

    streams: str = ""
    profile: str = "development"


def read_layout(environment: Mapping[str, str] = os.environ) -> Layout:
    """The layout that the environment chooses: file, profile, single variables.

    Raises:
        Invalid: the file, or a variable of the environment, is wrong; the message names file and key, or the variable.
    """
    chosen = read_settings(Settings, environment)
    return _Reader(Path(chosen.streams or STREAMS_FILE)).layout(chosen.profile, environment)


def layout(profile: str = "development", **variables: Any) -> Layout:
    """The layout of a profile of this tree's file, with some variables changed, whatever the environment says."""
    return _Reader(STREAMS_FILE).layout(profile, {}, **variables)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = yaml.load(path.read_text(), _Loader)
        except OSError as error:
            raise Invalid(f"{path}: {error.strerror}", code="invalid_streams") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise Invalid(f"{path}: {' '.join(str(error).split())}", code="invalid_streams") from error
        self._file = self._convert(content, File, "")

    def layout(self, profile: str, environment: Mapping[str, str], **variables: Any) -> Layout:
        deployment = msgspec.structs.replace(self._deployment(profile, environment), **variables)
        found = Layout(deployment, list(self._streams(deployment)), list(self._consumers(deployment)))
        self._check(found)
        return found

    def _deployment(self, profile: str, environment: Mapping[str, str]) -> Deployment:
        if profile not in self._file.profiles:
            known = ", ".join(self._file.profiles)
            raise Invalid(f"ANABRANCH_PROFILE={profile!r}: {self._path} has {known}", code="invalid_setting")
        changed = self._file.profiles[profile]
        for name in changed:
            if name not in self._file.variables:
                raise self._wrong(f"profiles.{profile}.{name}", "there is no such variable")
        values = self._variables(self._file.variables, "variables")
        self._convert(values, Deployment, "variables")
        values |= self._variables(changed, f"profiles.{profile}")
        self._convert(values, Deployment, f"profiles.{profile}")
        return read_settings(Deployment, environment, values)

    def _variables(self, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        return {name: self._plain(value, name, f"{where}.{name}", {}) for name, value in values.items()}

    def _streams(self, deployment: Deployment) -> Iterator[Stream]:
        variables: dict[str, Any] = msgspec.to_builtins(deployment)
        for template, keys in self._file.streams.items():
            where = f"streams.{template}"
            entry = {key: self._plain(value, key, f"{where}.{key}", variables) for key, value in keys.items()}
            each = self._convert(entry.pop("each", None), Literal["partition"] | None, f"{where}.each")
            if self._convert(entry.pop("when", True), bool, f"{where}.when"):
                for partition in range(deployment.partitions) if each else [None]:
                    name, numbered = _numbered(template, partition), _numbered(entry, partition)
                    yield self._convert(numbered, StreamKeys, where).named(name)

    def _consumers(self, deployment: Deployment) -> Iterator[Consumer]:
        variables: dict[str, Any] = msgspec.to_builtins(deployment)
        for name, keys in self._file.consumers.items():
            where = f"consumers.{name}"
            stream, dot, durable = name.rpartition(".")
            if not dot:
                raise self._wrong(where, "the name is that of the stream, a dot, and its own")
            entry = {key: self._plain(value, key, f"{where}.{key}", variables) for key, value in keys.items()}
            yield self._convert(entry, ConsumerKeys, where).named(stream, durable)

    def _check(self, found: Layout) -> None:
        names = {stream.name for stream in found.streams}
        for stream in found.streams:
            if bool(stream.mirror) == bool(stream.subjects):
                raise self._wrong(f"streams.{stream.name}", "it has either `subjects` or `mirror`")
            if stream.mirror and stream.mirror.name not in names:
                raise self._wrong(f"streams.{stream.name}.mirror", f"there is no stream {stream.mirror.name}")
        for consumer in found.consumers:
            if consumer.stream not in names:
                raise self._wrong(f"consumers.{consumer.name}", f"there is no stream {consumer.stream}")
        missing = needed(found.deployment) - names - {consumer.name for consumer in found.consumers}
        if missing:
            raise self._wrong(", ".join(sorted(missing)), "the services need it")
        volume = found.deployment.volume_bytes
        if volume and found.bytes_max > volume * VOLUME_PART:
            raise self._wrong(
                "variables.volume_bytes",
                f"the limits of all streams add up to {found.bytes_max} bytes: more than {VOLUME_PART:.0%} of {volume}",
            )

    def _plain(self, value: Any, key: str, where: str, variables: Mapping[str, Any]) -> Any:
        """A value of the file without `$name` and units."""
        if not isinstance(value, str):
            return value
        if value.startswith("$") and value[1:].isidentifier():
            if value[1:] not in variables:
                raise self._wrong(where, f"there is no variable {value[1:]}")
            return variables[value[1:]]
        if key.endswith("_bytes"):
            return self._bytes(value, where)
        return value

    def _bytes(self, text: str, where: str) -> int:
        found = re.fullmatch(r"(\d+) ?(KiB|MiB|GiB|TiB)", text)
        if found is None:
            raise self._wrong(where, f"{text!r} is no number of bytes: write 1048576, or 1MiB (KiB, MiB, GiB, TiB)")
        return int(found[1]) * _UNITS[found[2]]

    def _convert(self, value: Any, kind: Any, where: str) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            message, _, inside = str(error).partition(" - at `$")
            raise self._wrong((where + inside.rstrip("`")).strip(".") or "the file", message) from error

    def _wrong(self, where: str, message: str) -> Invalid:
        return Invalid(f"{self._path}: {where}: {message}", code="invalid_streams")


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML's last one would win, silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key_node.value} stands twice", key_node.start_mark
                )
            seen.add(key_node.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def _numbered(value: Any, partition: int | None) -> Any:
    """`value` with the number of the partition in it."""
    match value:
        case str() if partition is not None:
            return value.replace("{partition}", str(partition))
        case list():
            return [_numbered(one, partition) for one in value]
        case dict():
            return {key: _numbered(one, partition) for key, one in value.items()}
    return value
