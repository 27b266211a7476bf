/** The list of conversations as far as it has been read. Pure: what comes of an answer of the gateway, or of what a person did. */
import type { ConversationPage, ConversationRow } from "../../client/api";

export interface Listing {
  readonly rows: readonly ConversationRow[];
  /** The `page` of what follows, empty at the end. */
  readonly next: string;
}

export const NOTHING: Listing = { rows: [], next: "" };

export const PAGE_ROWS = 50;
export const REFRESH_ROWS_MAX = 200; // what the gateway gives at once; rows further down are as they were when they were read

/** How many rows to ask for to bring the list up to date. */
export function refreshRows({ rows }: Listing): number {
  return Math.min(Math.max(rows.length, PAGE_ROWS), REFRESH_ROWS_MAX);
}

/** `answer` is the head of the list as it is now; what was read below it stays. */
export function refreshed(known: Listing, answer: ConversationPage): Listing {
  if (!answer.next) return { rows: answer.conversations, next: "" };
  const fresh = new Set(answer.conversations.map((row) => row.id));
  const edge = answer.conversations.at(-1)?.updated ?? 0;
  const below = known.rows.filter((row) => !fresh.has(row.id) && row.updated < edge);
  const rows = [...answer.conversations, ...below];
  return { rows, next: below.length ? known.next : answer.next };
}

/** `answer` is what follows the list. */
export function extended(known: Listing, answer: ConversationPage): Listing {
  const there = new Set(known.rows.map((row) => row.id));
  return { rows: [...known.rows, ...answer.conversations.filter((row) => !there.has(row.id))], next: answer.next };
}

export function without(known: Listing, id: string): Listing {
  return { ...known, rows: known.rows.filter((row) => row.id !== id) };
}

export function renamed(known: Listing, id: string, title: string): Listing {
  return { ...known, rows: known.rows.map((row) => (row.id === id ? { ...row, title } : row)) };
}
