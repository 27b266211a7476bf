import json
import os
import re
import subprocess
import sys

import pytest

from services.gateway import page


async def test_a_gateway_is_ready_while_broker_and_archive_answer_and_it_does_not_drain(gateway, client):
    assert (await client.get("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    gateway.broker.interrupt()
    cut = await client.get("/readyz")
    gateway.broker.restore()

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert (cut.status_code, cut.json()) == (
        503,
        {"ready": False, "broker": False, "archive": True, "draining": False},
    )
    assert (await client.get("/healthz")).status_code == 200


async def test_what_needs_the_broker_says_so_while_it_is_away(gateway, client, conversation):
    gateway.broker.interrupt()
    answer = await client.post("/v1/conversations/c1/messages", json={"text": "hello"})
    gateway.broker.restore()

    assert (answer.status_code, answer.json()["retryable"]) == (503, True)


async def test_requests_are_counted_by_route_and_not_by_path(client, conversation):
    await client.get("/v1/conversations/c1")
    await client.get("/v1/conversations/nowhere")
    await client.get("/some/path/of/an/attacker")

    text = (await client.get("/metrics")).text

    route = 'method="GET",route="/v1/conversations/{conversation}"'
    assert f'anabranch_http_requests_total{{{route},status="200"}} 1.0' in text
    assert f'anabranch_http_requests_total{{{route},status="404"}} 1.0' in text
    assert "attacker" not in text and "nowhere" not in text


async def test_the_documentation_asks_no_other_machine(client):
    docs = await client.get("/docs")
    sources = re.findall(r'(?:src|href)="([^"]+)"', docs.text)

    assert sources
    for source in sources:
        assert source.startswith("/docs/assets/")
        assert (await client.get(source)).status_code == 200
    assert "https://" not in docs.text
    assert "default-src 'self'" in docs.headers["content-security-policy"]


async def test_the_document_describes_bodies_answers_and_errors(client):
    document = (await client.get("/openapi.json")).json()

    post = document["paths"]["/v1/conversations/{conversation}/messages"]["post"]
    body = post["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    assert set(document["components"]["schemas"][body]["properties"]) == {"text", "id", "agent", "multitask"}
    assert set(post["responses"]) == {"202", "200", "default"}
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]


async def test_the_gateway_serves_the_page_or_says_how_to_build_it(client):
    answer = await client.get("/")

    assert answer.headers["content-security-policy"] == page.CSP
    assert answer.headers["content-type"].startswith("text/html") or answer.text == page.NOT_BUILT


async def test_to_look_at_the_page_and_the_list_makes_no_conversation(client, core):
    for path in ("/", "/docs", "/v1/conversations", "/v1/conversations/", "/v1/conversations/new"):
        await client.get(path)

    assert core.log(0).last == 0 and not core.seals.jobs


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"ANABRANCH_HOST": "0.0.0.0"}, r"^gateway: ANABRANCH_HOST='0\.0\.0\.0' .* ANABRANCH_ALLOW_INSECURE=1 .*$"),
        ({"ANABRANCH_PORT": "many"}, r"^gateway: ANABRANCH_PORT='many': .*$"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(environment, line):
    done = subprocess.run(
        [sys.executable, "-m", "services.gateway"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.returncode == 1
    assert re.match(line, done.stderr.strip()) and "\n" not in done.stderr.strip()
