"""The build of the page: which Node it takes, when it installs, and what it says when something outside of it fails."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.gateway.web import build

ENGINES = "^20.19.0 || >=22.12.0"


@pytest.mark.parametrize(
    ("versions", "will_do"),
    [
        (["v20.19.0", "v20.20.2", "v22.12.0", "v26.1.0"], True),
        (["v18.20.4", "v20.18.9", "v21.7.3", "v22.11.0"], False),
    ],
)
def test_a_node_is_taken_in_the_range_that_the_packages_need(versions: list[str], will_do: bool) -> None:
    assert [build.satisfies(version, ENGINES) for version in versions] == [will_do] * len(versions)


def test_a_machine_whose_node_is_too_old_counts_as_one_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.4\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.of_the_machine() is None


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the page's that a test may spoil: the real configuration and packages, a source of one line."""
    for name in ("package.json", "package-lock.json", "vite.config.ts", "compress.ts"):
        shutil.copy(build.WEB / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(build.WEB / "node_modules")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "index.html").write_text('<script type="module" src="/main.ts"></script>')
    (tmp_path / "src" / "main.ts").write_text(f"document.title = '{'Anabranch ' * 200}';")
    monkeypatch.setattr(build, "WEB", tmp_path)
    return tmp_path


def node() -> build.Node:
    return build.of_the_machine() or build.of_a_wheel()


def test_what_is_worth_compressing_gets_both_forms(web: Path) -> None:
    build.build(node())
    (script,) = (web / "dist" / "assets").glob("*.js")
    for suffix in (".br", ".gz"):
        assert 0 < script.with_name(script.name + suffix).stat().st_size < script.stat().st_size


def test_a_source_that_does_not_build_is_quoted_and_leaves_the_last_page(web: Path) -> None:
    build.build(node())
    (web / "src" / "main.ts").write_text("const half = ;")
    with pytest.raises(build.NotBuilt, match=r"does not build(.|\n)*main\.ts"):
        build.build(node())
    assert (web / "dist" / "index.html").is_file()
    assert not list(web.glob("dist.*"))


def test_packages_are_installed_when_the_lock_names_others_than_are_there(web: Path) -> None:
    assert build.installed()
    lock = web / "package-lock.json"
    lock.write_text(lock.read_text().replace('"version": "19.', '"version": "18.'))
    assert not build.installed()


def test_of_two_that_would_install_at_once_one_does(web: Path) -> None:
    (web / "node_modules").unlink()
    npm = web / "npm"
    npm.write_text(
        "#!/bin/sh\necho ran >> runs\nsleep 0.3\nmkdir -p node_modules\ncp package-lock.json node_modules/.package-lock.json"
    )
    npm.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        list(pool.map(build.install, [build.Node(["node"], [str(npm)])] * 2))
    assert (web / "runs").read_text() == "ran\n"
    assert build.installed()


def test_without_a_network_the_build_asks_for_one(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (web / "node_modules").unlink()
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")  # the port of nobody
    monkeypatch.setenv("npm_config_cache", str(web / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(build.NotBuilt, match="could not install the page's packages: is there a network"):
        build.install(node())


def test_the_lock_names_the_packages_of_every_system_so_that_npm_takes_it_anywhere() -> None:
    packages = json.loads((build.WEB / "package-lock.json").read_text())["packages"]
    for path, package in packages.items():
        for name in package.get("optionalDependencies", {}):
            assert {f"{path}/node_modules/{name}", f"node_modules/{name}"} & packages.keys(), f"{path} may need {name}"


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (build.WEB / "package-lock.json").read_text()


def test_the_conversation_view_needs_less_than_250_kb_of_compressed_script_at_first() -> None:
    index = (build.WEB / "dist" / "index.html").read_text()
    scripts = re.findall(r'"/(assets/[^"]+\.js)"', index)  # the first one, and all that it imports at once
    assert scripts
    compressed = [build.WEB / "dist" / f"{script}.gz" for script in scripts]
    assert sum(file.stat().st_size for file in compressed if file.exists()) < 250_000
