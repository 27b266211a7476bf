"""Certificates of an authority of the tests' own: `ca.crt`, and `tls.crt` with `tls.key` for 127.0.0.1, in a folder."""

from __future__ import annotations

from pathlib import Path

import trustme


def write_certificates(folder: Path) -> Path:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    issued.private_key_pem.write_to_path(str(folder / "tls.key"))
    for index, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(str(folder / "tls.crt"), append=index > 0)
    return folder
