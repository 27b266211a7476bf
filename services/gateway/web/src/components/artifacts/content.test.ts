import { expect, test } from "vitest";
import { contentPath, DISPLAY_BYTES_MAX, inlineContent, readText, viewPath } from "./content";
import { type Artifact, stateOf, type Version } from "./state";

const version = (fields: Partial<Version>): Version => ({
  version: 1,
  status: "final",
  content: "",
  digest: "",
  size: 0,
  ref: "",
  ...fields,
});
const artifact = (status: Artifact["status"], versions: Version[]) => ({ status, versions }) as Artifact;
const ignore = () => undefined;

test("the paths of a version name conversation, artifact and version", () => {
  expect(contentPath("hello", "a2-1", 3)).toBe("/v1/artifacts/hello.a2-1/versions/3/content");
  expect(viewPath("hello", "a/../b?", 1)).toBe("/v1/artifacts/hello.a%2F..%2Fb%3F/versions/1/view");
});

test("content that is in the log is shown from there, and what lies elsewhere is to be fetched", () => {
  expect(inlineContent(version({ content: "a,b" }))).toEqual({ kind: "text", text: "a,b" });
  expect(inlineContent(version({ content: null, ref: "o1", size: 300_000 }))).toBeNull();
});

test("content over the bound is not fetched at all", () => {
  const size = DISPLAY_BYTES_MAX + 1;
  expect(inlineContent(version({ content: null, ref: "o1", size }))).toEqual({ kind: "too_large", size });
});

test("a response is read as text, also where a character is cut between two pieces", async () => {
  const bytes = new TextEncoder().encode("Flüsse");
  const pieces = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, 3));
      controller.enqueue(bytes.slice(3));
      controller.close();
    },
  });
  const seen: number[] = [];
  expect(await readText(new Response(pieces), (received) => seen.push(received))).toEqual({
    kind: "text",
    text: "Flüsse",
  });
  expect(seen).toEqual([3, 7]);
});

test("a response that ends within a character says so with the sign for it", async () => {
  const cut = new Response(new TextEncoder().encode("Flü").slice(0, 3));
  expect(await readText(cut, ignore)).toEqual({ kind: "text", text: "Fl\ufffd" });
});

test("a response that turns out to be over the bound is given up", async () => {
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
    cancel: () => {
      cancelled = true;
    },
  });
  expect((await readText(new Response(endless), ignore)).kind).toBe("too_large");
  expect(cancelled).toBe(true);
});

test("a version is being created while its artifact is open, unless another one follows it", () => {
  const [first, second] = [version({ status: "intermediate" }), version({ version: 2, status: "intermediate" })];
  const open = artifact("open", [first, second]);
  expect(stateOf(open, second)).toBe("creating");
  expect(stateOf(open, first)).toBe("interrupted");
});

test("a version that nobody finishes any more is interrupted or failed, a final one stays final", () => {
  const [one, final] = [version({ status: "intermediate" }), version({})];
  expect(stateOf(artifact("interrupted", [one]), one)).toBe("interrupted");
  expect(stateOf(artifact("failed", [one]), one)).toBe("failed");
  expect(stateOf(artifact("failed", [final]), final)).toBe("final");
});
