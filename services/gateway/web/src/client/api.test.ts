import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Api } from "./api";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let stop = () => {};
afterEach(() => stop());

/** The API of a server of HTTP that answers so. */
async function answering(answer: Answer): Promise<Api> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => answer(request, response, body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return new Api(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

describe("a call of the API", () => {
  it("asks what the protocol says", async () => {
    const asked: string[] = [];
    const api = await answering(({ method, url }, response, body) => {
      asked.push(`${method} ${url} ${body}`.trim());
      response.end("{}");
    });
    await api.agents();
    await api.conversations({ q: "two rivers & more", page: "", limit: 20 });
    await api.createConversation({ id: "hello" });
    await api.renameConversation("hello", "Rivers");
    await api.deleteConversation("hello");
    await api.runStatus("hello", "r1");
    await api.resolveInterrupt("hello", "i1-1", { decision: "answered", value: "no" });
    expect(asked).toEqual([
      "GET /v1/agents",
      "GET /v1/conversations?q=two+rivers+%26+more&limit=20",
      'POST /v1/conversations {"id":"hello"}',
      'PATCH /v1/conversations/hello {"title":"Rivers"}',
      "DELETE /v1/conversations/hello",
      "GET /v1/runs/hello.r1/status",
      'POST /v1/conversations/hello/interrupts/i1-1/resolve {"decision":"answered","value":"no"}',
    ]);
    expect(api.exportUrl("hello", "markdown")).toMatch(/\/v1\/conversations\/hello\/export\?format=markdown$/);
    expect(api.artifactUrl("hello", "a1-1", 2, "view")).toMatch(/\/v1\/artifacts\/hello\.a1-1\/versions\/2\/view$/);
  });

  it("gives what is answered, and nothing for an empty answer", async () => {
    const api = await answering(({ method }, response) => {
      if (method === "DELETE") response.writeHead(204);
      response.end(method === "DELETE" ? undefined : '{"agents":[],"default":"assistant"}');
    });
    expect(await api.agents()).toEqual({ agents: [], default: "assistant" });
    expect(await api.deleteConversation("hello")).toBeUndefined();
  });

  it("that is refused says why in the gateway's words", async () => {
    const api = await answering((_, response) => {
      response.writeHead(429).end('{"code":"queue_full","message":"16 messages wait","retryable":true}');
    });
    const error = { name: "ApiError", code: "queue_full", message: "16 messages wait", retryable: true };
    await expect(api.agents()).rejects.toMatchObject(error);
  });

  it("that something between here and the gateway refuses says how", async () => {
    const api = await answering((_, response) => response.writeHead(502).end("<h1>Bad gateway</h1>"));
    const error = { code: "http_error", message: "The answer was 502 Bad Gateway", retryable: true };
    await expect(api.agents()).rejects.toMatchObject(error);
  });

  it("of somebody who is not signed in says so, whoever refuses it and in whatever form", async () => {
    const error = { code: "unauthenticated", message: "You are not signed in, or your sign-in has expired." };
    const refusals: Answer[] = [
      (_, response) => response.writeHead(401).end('{"code":"token_expired","message":"come back with a new one"}'),
      (_, response) => response.writeHead(401).end("<h1>Sign in</h1>"),
      (_, response) => response.writeHead(302, { Location: "/oauth2/start" }).end(),
    ];
    for (const refuse of refusals) {
      const asked: string[] = [];
      const api = await answering((request, response, body) => {
        asked.push(`${request.url} ${request.headers.accept}`);
        refuse(request, response, body);
      });
      await expect(api.agents()).rejects.toMatchObject(error);
      await expect(api.markdown("hello")).rejects.toMatchObject(error);
      expect(asked).toEqual([
        "/v1/agents application/json",
        "/v1/conversations/hello/export?format=markdown application/json",
      ]);
      stop();
    }
  });

  it("that reaches nobody, or is cut in the middle of the answer, may be made again", async () => {
    const error = { code: "unreachable", retryable: true };
    const api = await answering(({ url }, response) => {
      if (url !== "/v1/agents") return response.destroy();
      response.writeHead(200, { "Content-Length": "100" }).write('{"agents":');
      setTimeout(() => response.destroy(), 10);
    });
    await expect(api.conversations()).rejects.toMatchObject(error);
    await expect(api.agents()).rejects.toMatchObject(error);
  });

  it("for what is read as it comes gives only a good answer", async () => {
    const api = await answering(({ url }, response) => {
      if (url === "/good") return response.end("a,b");
      if (url === "/cut") return response.destroy();
      response.writeHead(500).end('{"code":"artifact_corrupt","message":"it is not what was stored"}');
    });
    const url = (name: string) => api.exportUrl("hello", "json").replace(/v1.*/, name);
    expect(await (await api.open(url("good"))).text()).toBe("a,b");
    await expect(api.open(url("bad"))).rejects.toMatchObject({ code: "artifact_corrupt" });
    await expect(api.open(url("cut"))).rejects.toMatchObject({ code: "unreachable" });
  });

  it("that the caller gave up is not an error of the gateway", async () => {
    const api = await answering(() => {});
    const abort = new AbortController();
    const call = api.agents(abort.signal);
    abort.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
  });
});
