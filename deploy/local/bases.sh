#!/usr/bin/env bash
# Makes the base images that deploy/Dockerfile and deploy/compose.yaml start from, on a machine that reaches Debian and PyPI
# but no image registry. Needs root, mmdebstrap and a Docker engine; about 2 minutes. Afterwards:
#
#   docker compose --env-file deploy/local/images.env -f deploy/compose.yaml up
#
# The images trust the certificate authorities that this machine trusts, as a mirror inside a company needs.
set -euo pipefail
cd "$(dirname "$0")/../.."

SUITE=bookworm
DEBIAN=anabranch.local/debian:$SUITE
AUTHORITIES=/etc/ssl/certs/ca-certificates.crt

if ! docker image inspect "$DEBIAN" > /dev/null 2>&1; then
  mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --customize-hook="cp $AUTHORITIES \"\$1\"$AUTHORITIES" "$SUITE" - |
    docker import \
      --change "ENV PIP_CERT=$AUTHORITIES NODE_EXTRA_CA_CERTS=$AUTHORITIES SSL_CERT_FILE=$AUTHORITIES" \
      - "$DEBIAN"
fi
. deploy/local/images.env
for image in PYTHON NODE NATS POSTGRES HAPROXY PROMETHEUS; do
  name="${image}_IMAGE"
  docker build --quiet --file deploy/local/Dockerfile --target "${image,,}" --tag "${!name}" .
done
