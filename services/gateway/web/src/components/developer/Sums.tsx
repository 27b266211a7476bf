import { useEffect, useState } from "react";
import type { Recorder } from "../../time/recording";
import { bytes, counted, number } from "../chronology/format";
import { Button } from "../shell/Button";
import styles from "./developer.module.css";
import { totals } from "./events";

interface Props {
  recorder: Recorder;
  shown: number;
  onLoad: () => void;
}

/** What there is in sum, and where it does not go back to the first event. */
export function Sums({ recorder, shown, onLoad }: Props) {
  const now = useNow();
  const { events, frames, bytes: size, rate } = totals(recorder, now);
  const { reach } = recorder;
  return (
    <footer className={styles.sums}>
      <span>{counted(events, "event")}</span>
      {shown !== events && <span>{number(shown)} shown</span>}
      <span>{counted(frames, "frame")}</span>
      <span>{bytes(size)}</span>
      <span>{events ? (size / events).toFixed(0) : 0} B per event</span>
      <span>{rate.toFixed(1)} events/s</span>
      {reach.kind === "joined" && <Button onClick={onLoad}>Load what was before</Button>}
      {reach.kind === "failed" && <Button onClick={onLoad}>Not loaded: {reach.message}. Try again</Button>}
      {reach.kind === "loading" && <span>loading {number(reach.events)} events…</span>}
      {reach.kind === "expired" && <span>what was before has left the log</span>}
      {reach.kind === "dropped" && <span>the first {number(reach.events)} events are no longer in memory</span>}
    </footer>
  );
}

/** In ms since the epoch, anew each second: the rate falls also while nothing comes. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
