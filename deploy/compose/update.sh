#!/usr/bin/env bash
# Replaces the containers of the services one after the other by such of the images and settings as they are now:
#
#   deploy/compose/update.sh -f deploy/compose.yaml        (the options that `docker compose up` was given)
#
# Each one drains first: runs and transactions are finished, viewers told to come back. What streams, goes on.
set -euo pipefail

compose=(docker compose "$@")
for service in persister worker gateway; do
  for container in $("${compose[@]}" ps --quiet "$service"); do
    docker stop "$container" > /dev/null # waits as long as stop_grace_period says
    docker rm "$container" > /dev/null
    "${compose[@]}" up --quiet-pull --detach --no-deps --no-recreate --no-build --wait "$service" 2> /dev/null
    echo "$service: ${container:0:12} replaced"
  done
done
