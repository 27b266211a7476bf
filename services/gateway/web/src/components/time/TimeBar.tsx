import { ChevronDown, ChevronUp } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useEscape } from "../shell/escape";
import { strip } from "./drawing";
import { LanesCanvas } from "./LanesCanvas";
import { useToLive } from "./PastBanner";
import { usePast, useStanding } from "./PastProvider";
import type { Past } from "./past";
import styles from "./time.module.css";
import { useLanes } from "./useLanes";
import { useWidth } from "./useWidth";

const Timeline = lazy(() => import("./Timeline"));

const STRIP_HEIGHT = 16;
const STRIP_MS = 1000; // it is narrow: nobody sees more

/** The bar under the conversation: a strip of its agents over time, which opens into the timeline. */
export function TimeBar() {
  const past = usePast();
  return past && <Bar past={past} />;
}

function Bar({ past }: { past: Past }) {
  const [open, setOpen] = useState(false);
  const { mode } = useStanding(past);
  const place = useRef<HTMLElement>(null);
  const toggle = useRef<HTMLButtonElement>(null);
  const toLive = useToLive(past);
  useEscape(open || mode !== "live", place, () => {
    if (mode !== "live") return toLive();
    if (place.current?.contains(document.activeElement)) toggle.current?.focus();
    setOpen(false);
  });
  useEffect(() => {
    if (mode === "past") setOpen(true);
  }, [mode]);
  useEffect(() => {
    if (open) return past.look();
  }, [past, open]);
  return (
    <section ref={place} className={styles.bar} data-testid="scrubber" aria-label="Time">
      <button
        ref={toggle}
        type="button"
        className={styles.toggle}
        aria-expanded={open}
        aria-label={open ? "Close the timeline" : "Open the timeline"}
        onClick={() => setOpen(!open)}
      >
        <span className={styles.name}>Timeline</span>
        {open ? <span className={styles.strip} /> : <Strip past={past} />}
        {open ? <ChevronDown size={16} aria-hidden="true" /> : <ChevronUp size={16} aria-hidden="true" />}
      </button>
      {open && (
        <Suspense fallback={<div className={styles.loading} />}>
          <Timeline past={past} />
        </Suspense>
      )}
    </section>
  );
}

function Strip({ past }: { past: Past }) {
  const place = useRef<HTMLSpanElement>(null);
  const width = useWidth(place);
  const { lanes, axis, length } = useLanes(past, STRIP_MS);
  const drawn = useMemo(
    () => strip(lanes, axis, { from: 0, to: length, width }, STRIP_HEIGHT),
    [lanes, axis, length, width],
  );
  return (
    <span ref={place} className={styles.strip}>
      {width > 0 && <LanesCanvas boxes={drawn} pauses={NONE} width={width} height={STRIP_HEIGHT} thin />}
    </span>
  );
}

const NONE: never[] = [];
