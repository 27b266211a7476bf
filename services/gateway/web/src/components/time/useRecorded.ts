import { useEffect, useState } from "react";
import type { Recorder } from "../../time/recording";

/** Draws again when something was recorded, at most once in `every` ms: for what need not follow each event. */
export function useRecorded(recorder: Recorder, every: number): number {
  const [version, setVersion] = useState(recorder.version);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const look = () => {
      timer = null;
      setVersion(recorder.version);
    };
    const leave = recorder.subscribe(() => {
      timer ??= setTimeout(look, every);
    });
    look();
    return () => {
      leave();
      if (timer) clearTimeout(timer);
    };
  }, [recorder, every]);
  return version;
}
