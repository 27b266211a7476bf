import { memo, type ReactNode } from "react";
import { useItem } from "../../store/hooks";
import { Clipped } from "./Clipped";
import { marks } from "./fields";
import { useFolding } from "./folding";
import { bytes, duration, oneLine, readable } from "./format";
import type { Of } from "./items";
import { useStopped } from "./stopped";
import css from "./tool.module.css";

type Tool = Of<"tool">;

/** Lines of arguments and of a result that an unfolded card shows before it is asked for all of them. */
const LINES = 12;

/** A tool call: what was asked for, how far it is, what came of it; and the panels of the agents that it called. */
export const ToolCard = memo(function ToolCard({ id, children }: { id: string; children?: ReactNode }) {
  const item = useItem<Tool>(id);
  const [unfolded, unfold] = useFolding(id, false);
  const stopped = useStopped(item?.run ?? "", item?.error);
  if (!item) return null;
  const title = item.title || item.name;
  return (
    <div className={css.tool} {...marks(item)} aria-busy={item.status === "open"}>
      <button type="button" className={css.head} aria-expanded={unfolded} onClick={() => unfold(!unfolded)}>
        <span className={css.mark} data-status={item.status} aria-hidden="true" />
        <span className={css.name}>{title}</span>
        {title !== item.name && <code className={css.called}>{item.name}</code>}
        <span className={css.state}>{stopped || stateOf(item)}</span>
      </button>
      {unfolded ? <Whole item={item} /> : <Brief item={item} />}
      {item.status === "open" && item.progress && <Progress of={title} {...item.progress} />}
      {item.error && !stopped && (
        <p className={css.error}>
          {item.error.message} <code>{item.error.code}</code>
          {item.error.retryable && " It may work when tried again."}
        </p>
      )}
      {children && <div className={css.called_agents}>{children}</div>}
    </div>
  );
});

function stateOf({ status, started, ended, args }: Tool): string {
  if (status === "open") return args ? "running" : "called";
  const took = duration(ended - started);
  return status === "done" ? took : `${status === "failed" ? "failed" : "broken off"} after ${took}`;
}

/** The arguments as they arrive and the result, each in one line. */
function Brief({ item }: { item: Tool }) {
  const args = item.args ? oneLine(item.args) : item.args_text;
  const result = resultOf(item);
  return (
    <>
      {args && <p className={css.brief}>{args}</p>}
      {result && <p className={css.brief}>→ {oneLine(result.value)}</p>}
    </>
  );
}

function Whole({ item }: { item: Tool }) {
  const result = resultOf(item);
  return (
    <>
      <Clipped
        of={`${item.id}.args`}
        text={item.args ? readable(item.args) : item.args_text}
        what="arguments"
        lines={LINES}
      />
      {result && <Clipped of={`${item.id}.result`} text={readable(result.value)} what="result" lines={LINES} />}
      {result?.size && <p className={css.note}>This is the beginning of {bytes(result.size)}.</p>}
    </>
  );
}

/** The result; of one too large for an event the beginning, which its worker kept, and its size in bytes. */
function resultOf({ result }: Tool): { value: unknown; size?: number } | null {
  if (result === null || result === undefined || result === "") return null;
  if (typeof result === "object") {
    const { ref, bytes: size, preview } = result as Record<string, unknown>;
    if (typeof ref === "string" && typeof size === "number") return { value: preview ?? "", size };
  }
  return { value: result };
}

function Progress({ of, step, percent, text }: { of: string; step: string; percent: number; text: string }) {
  const said = [step, text].filter(Boolean).join(": ");
  return (
    <div className={css.progress}>
      <div
        className={css.bar}
        role="progressbar"
        aria-label={`Progress of ${of}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={`${percent} %${said && `, ${said}`}`}
      >
        <div style={{ inlineSize: `${Math.min(100, Math.max(0, percent))}%` }} />
      </div>
      <span className={css.step}>
        {percent} %{said && ` · ${said}`}
      </span>
    </div>
  );
}
