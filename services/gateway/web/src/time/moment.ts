/** A moment: a position in a conversation's log, and so many events further: `<epoch>-<seq>` or `<epoch>-<seq>.<events>`. */
export interface Moment {
  epoch: string; // identity of the log: positions of another one mean nothing here
  seq: number; // of the last frame before it; 0: before the first
  events: number; // of the frames after that one, taken in as well
}

const TEXT = /^([0-9a-f]{1,16})-([0-9]{1,15})(?:\.([0-9]{1,9}))?$/;

/** Null if the text is no moment. */
export function parseMoment(text: string): Moment | null {
  const found = TEXT.exec(text);
  return found && { epoch: found[1] ?? "", seq: Number(found[2]), events: Number(found[3] ?? 0) };
}

export function momentText({ epoch, seq, events }: Moment): string {
  return events ? `${epoch}-${seq}.${events}` : `${epoch}-${seq}`;
}
