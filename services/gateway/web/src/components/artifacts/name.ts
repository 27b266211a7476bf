/** Names and sizes of artifacts, made fit for a person's disk and eyes. Pure. */

/** What common file systems take in a name, less what they add to it. As the gateway has it for `Content-Disposition`. */
export const NAME_CHARS_MAX = 150;

/** Control characters, halves of characters, halves of characters, what Windows refuses, and what turns the direction of writing, so that `gpj.exe` cannot look like a picture. */
const UNSAFE = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]/gu;

/** Names that Windows keeps for devices, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A file name that is one plain name in every file system, never empty, hidden, or a path. */
export function safeName(name: string): string {
  const trimmed = [...name.replace(UNSAFE, "_").replace(/^[ .]+|[ .]+$/g, "")]
    .slice(0, NAME_CHARS_MAX)
    .join("")
    .replace(/[ .]+$/, "");
  if (!trimmed) return "artifact";
  return DEVICE.test(trimmed) ? `_${trimmed}` : trimmed;
}

/** `836 bytes`, `14.2 kB`, `3.0 MB`: decimal units, as file managers count. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  const [unit, name] = bytes < 1e6 ? [1e3, "kB"] : [1e6, "MB"];
  return `${(bytes / unit).toFixed(1)} ${name}`;
}

/** The start of a digest, enough to compare two by eye. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}
