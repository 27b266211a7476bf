import { X } from "lucide-react";
import type { Happening } from "../../time/playback";
import type { Recorder } from "../../time/recording";
import { bytes } from "../chronology/format";
import { Button, IconButton } from "../shell/Button";
import { copy } from "../shell/copy";
import styles from "./developer.module.css";
import { curl, whole } from "./events";

interface Props {
  recorder: Recorder;
  happening: Happening;
  onClose: () => void;
}

export function EventDetail({ recorder, happening, onClose }: Props) {
  const json = JSON.stringify(whole(happening), null, 2);
  const { recorded, index, event } = happening;
  return (
    <section className={styles.detail} aria-label="Event">
      <div className={styles.head}>
        <span className={styles.title}>{event.type}</span>
        <span className={styles.muted}>
          event {index + 1} of {recorded.events} in its frame of {bytes(recorded.bytes)}
        </span>
        <div className={styles.buttons}>
          <Button onClick={() => void copy("Event", () => json)}>Copy JSON</Button>
          <Button onClick={() => void copy("Command", () => curl(recorder, happening, location.origin))}>
            Copy as curl (streams)
          </Button>
          <IconButton label="Close the event" onClick={onClose}>
            <X size={16} />
          </IconButton>
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard */}
      <pre className={styles.json} tabIndex={0}>
        {json}
      </pre>
    </section>
  );
}
