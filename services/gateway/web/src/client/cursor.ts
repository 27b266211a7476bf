/**
 * A position in a conversation's log, just after a frame: `epoch` names the stream, `seq` the frame in it. Clients may treat
 * the text as opaque; this one reads it to see by itself that nothing is missing and nothing comes twice (schemas/cursor.py).
 */
export interface Cursor {
  readonly epoch: string;
  readonly seq: number;
}

const TEXT = /^([0-9a-f]{1,16})-([0-9]{1,19})$/;

/** null if the text is no cursor. */
export function parseCursor(text: string): Cursor | null {
  const found = TEXT.exec(text);
  return found ? { epoch: found[1] as string, seq: Number(found[2]) } : null;
}

export function formatCursor({ epoch, seq }: Cursor): string {
  return `${epoch}-${seq}`;
}

/** Whether events that follow `prev` leave nothing out for who has seen everything up to `here`. */
export function reaches(prev: string, here: string): boolean {
  if (!prev || prev === here) return true;
  const there = parseCursor(prev);
  const mine = parseCursor(here);
  return there !== null && mine !== null && there.epoch === mine.epoch && there.seq <= mine.seq;
}

/** The later of two cursors of one epoch; `there` if they cannot be compared. */
export function later(here: string, there: string): string {
  const mine = parseCursor(here);
  const other = parseCursor(there);
  return mine && other && mine.epoch === other.epoch && mine.seq > other.seq ? here : there || here;
}
