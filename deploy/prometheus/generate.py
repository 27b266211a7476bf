"""Writes the alerts for the Prometheus Operator: `python -m deploy.prometheus.generate`. A test says when that is due."""

from __future__ import annotations

import textwrap
from pathlib import Path

FOLDER = Path(__file__).parent
RULE = FOLDER / "rule.yaml"

HEAD = """\
# Written by `python -m deploy.prometheus.generate` from alerts.yaml, which Prometheus and promtool read: change that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: anabranch
spec:
"""


def text() -> str:
    """What the file should hold."""
    return HEAD + textwrap.indent((FOLDER / "alerts.yaml").read_text(), "  ")


if __name__ == "__main__":
    RULE.write_text(text())
