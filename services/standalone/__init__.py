"""Everything on one machine: the parent process of `make run`.

Starts a real nats-server, a local model where none is configured, and the services as processes of their own; restarts
what dies, and stops all of it in the order in which it drains.
"""
