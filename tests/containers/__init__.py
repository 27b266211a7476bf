"""What is shipped, as it is shipped: the images, started by deploy/compose.yaml, broken and replaced. Needs a Docker engine,
so it is not part of `make test`: `make test-containers`.
"""
