import { X } from "lucide-react";
import { useDeferredValue, useEffect, useState } from "react";
import { happening } from "../../time/playback";
import { Button, IconButton } from "../shell/Button";
import { copy } from "../shell/copy";
import type { Timed } from "../time/past";
import { useRecorded } from "../time/useRecorded";
import styles from "./developer.module.css";
import { EventDetail } from "./EventDetail";
import { EventList } from "./EventList";
import { type Filter, jsonLines } from "./events";
import { Filters } from "./Filters";
import { Sums } from "./Sums";
import { useRows } from "./useRows";

const REFRESH_MS = 100;

interface Props {
  conversation: Timed;
  onClose: () => void;
}

/** The raw events of a conversation as they come, with their offsets and sizes. */
export default function DeveloperPanel({ conversation, onClose }: Props) {
  const { recorder, live } = conversation;
  useEffect(() => recorder.keep(), [recorder]);
  useRecorded(recorder, REFRESH_MS);
  const [filter, setFilter] = useState<Filter>({ ns: "", type: "" });
  const [paused, setPaused] = useState<number | null>(null); // at this number
  const [chosen, setChosen] = useState({ number: -1, generation: 0 });
  const rows = useRows(recorder, useDeferredValue(filter), paused ?? recorder.end);
  const shown = chosen.generation === recorder.generation ? happening(recorder, chosen.number) : undefined;
  return (
    <div className={styles.panel} data-testid="developer">
      <header className={styles.head}>
        <h2 className={styles.title}>Events</h2>
        <Filters live={live} filter={filter} onChange={setFilter} />
        <div className={styles.buttons}>
          <Button onClick={() => setPaused(paused === null ? recorder.end : null)}>
            {paused === null ? "Pause" : `Go on (${recorder.end - paused} new)`}
          </Button>
          <Button onClick={() => void copy("Events", () => jsonLines(recorder, filter))}>Copy as JSON lines</Button>
          <IconButton label="Close the developer view" onClick={onClose}>
            <X size={16} />
          </IconButton>
        </div>
      </header>
      <EventList
        live={live}
        recorder={recorder}
        rows={rows}
        chosen={shown ? chosen.number : -1}
        onChoose={(number) => setChosen({ number, generation: recorder.generation })}
      />
      {shown && (
        <EventDetail recorder={recorder} happening={shown} onClose={() => setChosen({ number: -1, generation: 0 })} />
      )}
      <Sums recorder={recorder} shown={rows.count} onLoad={() => recorder.load(conversation.openReplay)} />
    </div>
  );
}
