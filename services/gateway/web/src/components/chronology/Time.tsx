import { clock, moment } from "./format";

/** A moment, in ms since the epoch, as the time of day; the whole of it to be seen by pointing at it. */
export function Time({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={moment(at)}>
      {clock(at)}
    </time>
  );
}
