import type { ErrorBody } from "../../schema/types";
import { useRun } from "../../store/hooks";

/** The code of what did not fail itself: its run ended while it was at work. */
const CANCELLED = "cancelled";

/** Why a tool call or an agent was stopped with its run; empty if it failed by itself, or not at all. */
export function useStopped(run: string, error: ErrorBody | null | undefined): string {
  const failed = useRun(run)?.status === "failed";
  if (error?.code !== CANCELLED) return "";
  return failed ? "Stopped because another part failed" : "Stopped with the run";
}
