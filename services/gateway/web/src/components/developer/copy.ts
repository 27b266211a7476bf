import { attempt, useNotices } from "../shell/notices";

/** Put a text into the clipboard, and say so. */
export async function copy(what: string, text: string): Promise<void> {
  const copied = await attempt(`${what} could not be copied`, () => navigator.clipboard.writeText(text));
  if (copied) useNotices.getState().say(`${what} copied`);
}
