import { memo, type RefObject, useRef } from "react";
import type { Run } from "../../fold/fold";
import { ENDED } from "../../schema/constants";
import { useConversation, useRun, useView } from "../../store/hooks";
import { attempt } from "../shell/notices";
import { duration } from "./format";
import css from "./run.module.css";
import { Silence } from "./Silence";
import { useKeptFocus } from "./useKeptFocus";
import { useSeconds } from "./useSeconds";

/** What a run is doing where its items do not tell, or why it did not complete. */
export const RunRow = memo(function RunRow({ id }: { id: string }) {
  const run = useRun(id);
  const place = useRef<HTMLDivElement>(null);
  if (!run) return null;
  return (
    <div
      ref={place}
      tabIndex={-1}
      className={css.run}
      data-run={id}
      data-status={run.status}
      data-retrying={run.retrying || undefined}
    >
      <Saying run={run} place={place} />
    </div>
  );
});

interface SayingProps {
  run: Run;
  place: RefObject<HTMLElement | null>;
}

function Saying({ run, place }: SayingProps) {
  const before = useRun(run.after);
  switch (run.status) {
    case "queued":
      return before && !ENDED.has(before.status) ? <Queued run={run} place={place} /> : <p>Waiting for a worker</p>;
    case "running":
      return <Running run={run} />;
    case "waiting":
      return <p className={css.asks}>Waiting for your answer</p>;
    case "cancelling":
      return <p>Stopping…</p>;
    case "failed":
      return <Failed run={run} />;
    case "cancelled":
      return <p>{stoppedBy(run)}</p>;
    case "superseded":
      return <p>Stopped for the message after it</p>;
    default:
      return null;
  }
}

/** A message that waits for its turn, and can be taken back until then. */
function Queued({ run: { id }, place }: SayingProps) {
  const conversation = useConversation();
  const live = useView() === conversation.live;
  useKeptFocus(place);
  return (
    <p>
      Queued: it waits for the answer before it{" "}
      {live && (
        <button
          type="button"
          className={css.remove}
          onClick={() => void attempt("Not removed", () => conversation.cancel(id))}
        >
          Remove
        </button>
      )}
    </p>
  );
}

function stoppedBy({ by, started }: Run): string {
  if (!started) return "Taken back: no agent reads it"; // as the gateway has it
  return by && by !== "user" ? `Stopped by ${by}` : "Stopped";
}

function Running({ run }: { run: Run }) {
  if (run.retrying === "worker_lost") {
    return <p className={css.trouble}>The worker was lost. Another one is taking over; what was finished is kept.</p>;
  }
  if (run.retrying === "worker_drained") {
    return <p className={css.trouble}>The worker stops. Another one is taking over; what was finished is kept.</p>;
  }
  if (run.retrying) {
    return (
      <p className={css.trouble}>
        It is tried again after an error <code>{run.retrying}</code>
      </p>
    );
  }
  return (
    <p className={css.works}>
      {run.attempt > 1 ? `Taken over by another worker (attempt ${run.attempt})` : "Working"}{" "}
      <Elapsed since={run.started} /> <Silence />
    </p>
  );
}

/** The seconds since then, in a conversation that is live: the past has no clock. */
function Elapsed({ since }: { since: number }) {
  const live = useView() === useConversation().live;
  const now = useSeconds(live);
  return live && since > 0 && now - since >= 1000 ? (
    <span className={css.elapsed}>{duration(Math.floor((now - since) / 1000) * 1000).replace(".0 s", " s")}</span>
  ) : null;
}

function advice({ hint, retryable }: { hint?: string; retryable?: boolean }): string {
  if (hint) return hint;
  return retryable ? "It may work when the message is sent again." : "Sent again as it is, it would fail again.";
}

function Failed({ run: { error } }: { run: Run }) {
  return (
    <div className={css.failed}>
      <p>
        <strong>It failed.</strong> {error?.message} {error?.code && <code>{error.code}</code>}
      </p>
      <p className={css.hint}>{error ? advice(error) : ""}</p>
    </div>
  );
}
