"""The gateway: clients on one side, the log and the archive on the other.

The streaming core (hub, channel, reader) turns the log into what a viewer is to see; `input` is all that a client may write;
sessions, SSE, polling and the HTTP API are thin shells around these two.
"""
