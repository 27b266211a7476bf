"""What a process writes on stderr: one JSON object a line, whoever writes it."""

import json
import subprocess
import sys

PROGRAM = """
import logging, threading, structlog
from services.runtime import configure_logging
configure_logging("gateway")
structlog.get_logger().info("ours", run="r1")
logging.getLogger("library").info("too quiet")
logging.getLogger("library").warning("theirs %s", "formatted")
def in_thread():
    try:
        raise KeyError("a bug")
    except KeyError:
        logging.getLogger("library").exception("from a thread")
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
"""


def test_lines_of_ours_and_of_libraries_are_json_and_name_the_service():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert [(line["event"], line["level"]) for line in lines] == [
        ("ours", "info"),
        ("theirs formatted", "warning"),
        ("from a thread", "error"),
    ]
    assert {line["service"] for line in lines} == {"gateway"}
    assert lines[0]["run"] == "r1" and "KeyError: 'a bug'" in lines[2]["exception"]
