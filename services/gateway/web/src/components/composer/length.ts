import { TEXT_CHARS_MAX } from "../../schema/constants";

const SAID_FROM = 0.9 * TEXT_CHARS_MAX;

/** How long a text is as the gateway counts, in code points, if that is near its limit or over it; else null. */
export function lengthSaid(text: string): { chars: number; over: boolean } | null {
  if (text.length < SAID_FROM) return null; // code units, of which there are never fewer
  let chars = 0;
  for (const _ of text) chars += 1;
  return chars < SAID_FROM ? null : { chars, over: chars > TEXT_CHARS_MAX };
}
