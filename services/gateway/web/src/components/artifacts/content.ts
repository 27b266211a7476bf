/** Where the content of a version comes from, and how much of it is shown. Pure. */
import type { Version } from "./state";

/** More than a person reads, and what a browser still sets without stopping: larger content is to be downloaded. */
export const DISPLAY_BYTES_MAX = 5 * 1024 * 1024;

/** The text of a version as far as it is known. `total` is 0 where the size is not known. */
export type Content =
  | { kind: "text"; text: string }
  | { kind: "loading"; received: number; total: number }
  | { kind: "too_large"; size: number }
  | { kind: "failed"; message: string };

/** The path of a version's bytes at the gateway. */
export function contentPath(conversation: string, artifact: string, version: number): string {
  return `${versionPath(conversation, artifact, version)}/content`;
}

/** The path of a version as a page of its own that runs nothing: for a sandboxed frame. */
export function viewPath(conversation: string, artifact: string, version: number): string {
  return `${versionPath(conversation, artifact, version)}/view`;
}

function versionPath(conversation: string, artifact: string, version: number): string {
  const reference = `${encodeURIComponent(conversation)}.${encodeURIComponent(artifact)}`;
  return `/v1/artifacts/${reference}/versions/${version}`;
}

/** What is in the log itself; null if the bytes have to be fetched. */
export function inlineContent(version: Version): Content | null {
  if (version.size > DISPLAY_BYTES_MAX) return { kind: "too_large", size: version.size };
  if (version.ref) return null;
  return { kind: "text", text: version.content ?? "" };
}

/** Read a good response as text, at most `DISPLAY_BYTES_MAX` of it. `progress` hears how many bytes have come. */
export async function readText(response: Response, progress: (received: number) => void): Promise<Content> {
  if (!response.body) return { kind: "text", text: "" };
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let [text, received] = ["", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { kind: "text", text: text + decoder.decode() };
    received += value.byteLength;
    if (received > DISPLAY_BYTES_MAX) {
      await reader.cancel();
      return { kind: "too_large", size: received };
    }
    text += decoder.decode(value, { stream: true });
    progress(received);
  }
}
