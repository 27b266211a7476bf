"""The hot path, measured beside the raw limit of the same run. `make bench`; results and machine in docs/benchmarks.md.

Every bench is a module with `async def measure() -> list[Figure]`. What is measured runs in a process of its own and its CPU
is read from outside; loads and viewers are processes too (`child`). A ratio compares windows that alternate within seconds,
so that a neighbour who takes the machine takes it from both sides.
"""
