"""Recorded logs with the transcripts they fold to: what holds every implementation of the fold together.

Each `NAME.log.jsonl` is a conversation's log, a frame a line, with `seq`; `NAME.transcript.json` is what it is. A release
whose fold gives another transcript for an old log has broken every archive. `python -m tests.golden.record` writes them.
"""
