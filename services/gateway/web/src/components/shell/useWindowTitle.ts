import { useEffect } from "react";
import type { Now } from "./activity";

const STATES: Record<Now["status"], string> = {
  idle: "",
  queued: "Queued",
  running: "Working",
  stopping: "Stopping",
  waiting: "Waiting for you",
};

/** The window's title says what goes on first: a tab shows little more. */
export function useWindowTitle(now: Now, trouble: string): void {
  const { status, title } = now;
  useEffect(() => {
    document.title = [trouble || STATES[status], title, "Anabranch"].filter(Boolean).join(" · ");
  }, [status, title, trouble]);
}
