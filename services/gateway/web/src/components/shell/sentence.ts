/** The words of an error, which gateways begin small to be part of a line, as a sentence of their own. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return trimmed && ended.charAt(0).toUpperCase() + ended.slice(1);
}
