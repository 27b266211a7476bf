const BYTES = 12; // 96 random bits: nobody makes the same one again

/** A new id for a conversation or a message. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES)); // `randomUUID` is not there over plain HTTP
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
