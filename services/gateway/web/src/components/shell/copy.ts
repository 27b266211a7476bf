import { useNotices } from "./notices";

/** Put a text into the clipboard, and say so, or why not. */
export async function copy(what: string, text: () => string | Promise<string>): Promise<void> {
  const { say } = useNotices.getState();
  if (!navigator.clipboard) return say("Browsers let a page copy over HTTPS or from this machine only.", "error");
  try {
    await navigator.clipboard.writeText(await text());
    say(`${what} copied`);
  } catch (error) {
    say(`Not copied: ${(error as Error).message}`, "error");
  }
}
