/** What the badge says: a status of the link, in words. Pure. */
import type { LinkStatus } from "../../store/status";

export interface Words {
  readonly text: string;
  /** What a screen reader is told of a change: without the figures that change all the time. */
  readonly said: string;
  /** More of it, for who points at the badge. */
  readonly why: string;
  readonly tone: "calm" | "good" | "busy" | "bad";
}

const RECOVERED: Record<Extract<LinkStatus, { kind: "recovered" }>["reason"], string> = {
  retention: "You were away for longer than the log is kept. What you see is whole; the steps between were not shown.",
  epoch: "The log was made anew. What you see is whole; the steps between were not shown.",
  lost: "Something did not fit together. What you see is whole, from a fresh snapshot.",
};

/** `now` in ms since the epoch. */
export function wordsOf(status: LinkStatus, now: number): Words {
  switch (status.kind) {
    case "connecting":
      return plain("Connecting", "Connecting to the gateway", "busy");
    case "catching_up":
      return { ...plain("Catching up", "Reading what has happened so far", "busy"), text: catchingUp(status) };
    case "live":
      return plain("Live", "You see every event as it happens", "good");
    case "ended":
      return plain("Ended", "Connected; nothing is being worked on", "calm");
    case "lagging":
      return plain("Lagging", "This page is behind. Nothing is lost: it gets the rest in larger parts", "busy");
    case "reconnecting":
      return {
        ...plain("Reconnecting", `The connection is lost; try ${status.attempt}`, "bad"),
        text: comingBack(status, now),
      };
    case "recovered":
      return plain("Recovered from snapshot", RECOVERED[status.reason], "busy");
    case "offline":
      return plain("Offline", status.message, "bad");
    case "signed_out":
      return plain("Signed out", status.message, "bad");
    case "missing":
      return plain("Not found", status.message, "bad");
  }
}

function plain(text: string, why: string, tone: Words["tone"]): Words {
  return { text, said: text, why, tone };
}

function catchingUp({ received, total }: Extract<LinkStatus, { kind: "catching_up" }>): string {
  if (total !== null && total > 0) return `Catching up (${figure(received)} of ${figure(total)})`;
  return received ? `Catching up (${figure(received)})` : "Catching up";
}

function comingBack({ at }: Extract<LinkStatus, { kind: "reconnecting" }>, now: number): string {
  const seconds = Math.ceil((at - now) / 1000);
  return seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting";
}

function figure(count: number): string {
  return count.toLocaleString("en");
}
