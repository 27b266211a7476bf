import { Link2, Pause, Play, Radio, StepBack, StepForward } from "lucide-react";
import { hrefOf } from "../../store/route";
import { positionAt } from "../../time/playback";
import { duration } from "../chronology/format";
import { Button, IconButton } from "../shell/Button";
import { copy } from "../shell/copy";
import { useToLive } from "./PastBanner";
import { useStanding } from "./PastProvider";
import { type Past, SPEEDS, type Speed } from "./past";
import styles from "./time.module.css";
import { Zoom } from "./Zoom";

interface Props {
  past: Past;
  text: string; // where the handle stands, in words
  zoom: string;
  onZoom: (run: string) => void;
  from: number; // where what is seen of the axis begins, in ms
}

export function Controls({ past, text, zoom, onZoom, from }: Props) {
  const { mode, playing, speed, skipping } = useStanding(past);
  const { recorder } = past.conversation;
  const toLive = useToLive(past);
  const empty = recorder.end === recorder.start;
  const play = () => past.play(positionAt(recorder, past.axis().ts(from)));
  return (
    <div className={styles.controls}>
      <div className={styles.buttons}>
        <IconButton label="One event back" disabled={empty} onClick={() => past.step(-1)}>
          <StepBack size={16} />
        </IconButton>
        {playing ? (
          <IconButton label="Pause" onClick={() => past.pause()}>
            <Pause size={16} />
          </IconButton>
        ) : (
          <IconButton label="Play" disabled={empty} onClick={play}>
            <Play size={16} />
          </IconButton>
        )}
        <IconButton label="One event on" disabled={empty || mode !== "past"} onClick={() => past.step(1)}>
          <StepForward size={16} />
        </IconButton>
        <select
          className={styles.select}
          aria-label="Speed"
          value={speed}
          onChange={({ target }) => past.setSpeed(Number(target.value) as Speed)}
        >
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              {one}×
            </option>
          ))}
        </select>
        <Zoom past={past} value={zoom} onChange={onZoom} />
      </div>
      <span className={styles.text}>{skipping ? `skipping ${duration(skipping)} without an event` : text}</span>
      <div className={styles.buttons}>
        <IconButton label="Copy a link to this moment" disabled={empty} onClick={() => copyLink(past)}>
          <Link2 size={16} />
        </IconButton>
        <Button disabled={mode === "live"} onClick={toLive}>
          <Radio size={16} aria-hidden="true" />
          Live
        </Button>
      </div>
    </div>
  );
}

function copyLink(past: Past): void {
  const link = hrefOf({ conversation: past.conversation.id, at: past.moment });
  void copy("Link to this moment", () => new URL(link, location.href).href);
}
