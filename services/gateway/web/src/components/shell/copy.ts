import { attempt, useNotices } from "./notices";

/** Put a text into the clipboard, and say so, or why not. */
export async function copy(what: string, text: () => string | Promise<string>): Promise<void> {
  const copied = await attempt(`${what} not copied`, async () => intoClipboard(await text()));
  if (copied) useNotices.getState().say(`${what} copied`);
}

/** Rejects where the browser does not let it. */
export async function intoClipboard(text: string): Promise<void> {
  if (!navigator.clipboard) throw new Error("Browsers let a page copy over HTTPS or from this machine only");
  await navigator.clipboard.writeText(text);
}
