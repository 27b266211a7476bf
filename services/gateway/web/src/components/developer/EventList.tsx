import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef, useState } from "react";
import type { View } from "../../store/view";
import { happening } from "../../time/playback";
import type { Recorder } from "../../time/recording";
import { colourOf } from "../chronology/agents";
import { Button } from "../shell/Button";
import styles from "./developer.module.css";
import { eventBytes } from "./events";
import { exactTime } from "./format";
import type { Rows } from "./useRows";

/** In px, as the style sheet has it. */
const ROW_HEIGHT = 24;

/** So near the end, in px, one is at the end. */
const NEAR = 8;

interface Props {
  /** It knows the agents. */
  live: View;
  recorder: Recorder;
  rows: Rows;
  chosen: number;
  onChoose: (number: number) => void;
}

/** The newest stands last; the list follows it until one scrolls up. */
export function EventList({ live, recorder, rows, chosen, onChoose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const virtual = useVirtualizer({
    count: rows.count,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  useEffect(() => {
    const element = box.current;
    if (follow && element) element.scrollTop = rows.count * ROW_HEIGHT; // as far as it goes
  }, [follow, rows.count]);
  const onScroll = () => {
    const element = box.current;
    if (element) setFollow(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR);
  };
  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard */}
      <section ref={box} className={styles.list} onScroll={onScroll} tabIndex={0} aria-label="Raw events">
        <div className={`${styles.row} ${styles.names}`}>
          <span>seq</span>
          <span>n</span>
          <span>type</span>
          <span>bytes</span>
          <span>time</span>
          <span>namespace</span>
          <span>att.</span>
          <span>lane</span>
        </div>
        <ol className={styles.rows} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const number = rows.number(index);
            return (
              <li key={index} className={styles.place} style={{ transform: `translateY(${start}px)` }}>
                <Row
                  live={live}
                  recorder={recorder}
                  generation={recorder.generation}
                  number={number}
                  chosen={number === chosen}
                  onChoose={onChoose}
                />
              </li>
            );
          })}
        </ol>
      </section>
      {!follow && (
        <Button className={styles.follow} onClick={() => setFollow(true)}>
          Follow the newest
        </Button>
      )}
    </div>
  );
}

interface RowProps {
  live: View;
  recorder: Recorder;
  generation: number;
  number: number;
  chosen: boolean;
  onChoose: (number: number) => void;
}

const Row = memo(
  function Row({ live, recorder, number, chosen, onChoose }: RowProps) {
    const found = happening(recorder, number);
    if (!found) return null;
    const { event, frame, ns, ts } = found;
    const hue = live.role(`${frame.run}/${ns}`)?.hue;
    return (
      <button type="button" className={styles.row} aria-pressed={chosen} onClick={() => onChoose(number)}>
        <span>{frame.seq}</span>
        <span>{found.number}</span>
        <span className={styles.clip}>{event.type}</span>
        <span>{eventBytes(event)}</span>
        <span>{exactTime(ts)}</span>
        <span className={styles.clip} style={{ color: hue === undefined ? undefined : colourOf(hue) }}>
          {ns}
        </span>
        <span>{frame.attempt ?? 1}</span>
        <span className={styles.clip}>{frame.lane ?? frame.run}</span>
      </button>
    );
  },
  (before, after) =>
    before.number === after.number &&
    before.chosen === after.chosen &&
    before.generation === after.generation &&
    before.recorder === after.recorder,
);
