"""What published schemas and checkov say of the rendered overlays, and checkov of the images. Run by `make lint-deploy`, with the
environment of those tools.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule
from pydantic import ValidationError

HERE = Path(__file__).resolve().parent
OVERLAYS = (HERE.parents[1] / "deploy" / "kubernetes" / "overlays", HERE / "overlays")
BIN = Path(sys.executable).parent

VERSIONS = ("1.34", "1.37")
"""Of Kubernetes: the first whose `preStop.sleep` is stable, and the newest that the tool knows."""

MODELS = {"ScaledObject": ScaledObject, "PodMonitor": PodMonitor, "PrometheusRule": PrometheusRule}
"""Of kinds that are not Kubernetes' own."""

SKIPPED = {
    "CKV_K8S_11": "no CPU limits: a limit makes a process stand still for part of each 100 ms, for every viewer at once",
    "CKV_K8S_15": "imagePullPolicy Always: tags here are versions, and a node that cannot reach the registry still starts",
    "CKV_K8S_35": "secrets as files: services read their settings from the environment, and from nothing else",
    "CKV_K8S_43": "digests: of images that you build and push yourself only you know them (docs/operations.md)",
}

SKIPPED_OF_IMAGES = {
    "CKV_DOCKER_7": "the version of a base image: it is an argument, and checkov does not look at its default, which is a tag",
}


def run(*command: str | Path) -> bool:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
    return done.returncode == 0


def render(folder: Path, into: Path) -> bool:
    done = subprocess.run(
        [BIN / "kubectl", "kustomize", folder], capture_output=True, text=True, check=False, timeout=60
    )
    into.write_text(done.stdout)
    print(done.stderr, end="")
    return done.returncode == 0


def custom_resources_are_valid(file: Path) -> bool:
    for document in yaml.safe_load_all(file.read_text()):
        if document["kind"] in MODELS:
            try:
                read = MODELS[document["kind"]].model_validate(document)
            except ValidationError as error:
                print(error)
                return False
            if read.model_dump(by_alias=True, exclude_unset=True, mode="json") != document:
                print(f"{document['kind']} {document['metadata']['name']} has a key that its schema does not know")
                return False
    return True


def check(folder: Path, file: Path) -> bool:
    validate = [
        BIN / "kubernetes-validate",
        "--strict",
        "--quiet",
        "--no-warn",
    ]  # it warns of kinds that it does not know
    skipped = ",".join(SKIPPED)
    return all(
        [
            render(folder, file),
            *(run(*validate, "-k", version, file) for version in VERSIONS),
            custom_resources_are_valid(file),
            run(
                BIN / "checkov",
                "-f",
                file,
                "--framework",
                "kubernetes",
                "--compact",
                "--quiet",
                "--skip-download",
                "--skip-check",
                skipped,
            ),
        ]
    )


def images_are_well() -> bool:
    options = ["--framework", "dockerfile", "--compact", "--quiet", "--skip-download"]
    skipped = ["--skip-check", ",".join(SKIPPED_OF_IMAGES)]
    return run(BIN / "checkov", "-f", HERE.parents[1] / "deploy" / "Dockerfile", *options, *skipped)


def main() -> int:
    failed = not images_are_well()
    print(f"Dockerfile: {'see above' if failed else 'checkov has nothing to say'}")
    with tempfile.TemporaryDirectory() as scratch:
        for folder in sorted(folder for overlays in OVERLAYS for folder in overlays.iterdir()):
            good = check(folder, Path(scratch) / f"{folder.name}.yaml")
            print(f"{folder.name}: {'schemas and checkov have nothing to say' if good else 'see above'}")
            failed |= not good
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
