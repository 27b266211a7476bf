import type { KeyboardEvent, PointerEvent } from "react";
import styles from "./ArtifactPane.module.css";

/** The share that the pane takes of the room that it has with the conversation, in percent: less and neither side can be read. */
export const SHARE_MIN = 25;
export const SHARE_MAX = 75;
export const SHARE_DEFAULT = 45;
const STEP = 2;

interface Props {
  share: number;
  onShare: (share: number) => void;
  /** The id of the pane whose width it is. */
  controls: string;
}

/** The edge between conversation and pane: drag it, or focus it and use the arrows, Home and End; Enter restores it. */
export function Separator({ share, onShare, controls }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    const next = shareAfter(share, event.key);
    if (next === null) return;
    event.preventDefault();
    onShare(next);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const pane = event.currentTarget.parentElement;
    const room = pane?.parentElement;
    if (!room || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    onShare(within(((pane.getBoundingClientRect().right - event.clientX) / room.clientWidth) * 100));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr cannot be moved; this is the window splitter of the APG
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the artifacts"
      aria-controls={controls}
      aria-valuemin={SHARE_MIN}
      aria-valuemax={SHARE_MAX}
      aria-valuenow={Math.round(share)}
      tabIndex={0}
      className={styles.separator}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onDoubleClick={() => onShare(SHARE_DEFAULT)}
    />
  );
}

/** The share that a key leads to; null for other keys. The pane is on the right: an arrow moves the edge, so left widens. */
export function shareAfter(share: number, key: string): number | null {
  switch (key) {
    case "ArrowLeft":
      return within(share + STEP);
    case "ArrowRight":
      return within(share - STEP);
    case "Home":
      return SHARE_MIN;
    case "End":
      return SHARE_MAX;
    case "Enter":
      return SHARE_DEFAULT;
    default:
      return null;
  }
}

export function within(share: number): number {
  return Math.min(SHARE_MAX, Math.max(SHARE_MIN, share));
}
