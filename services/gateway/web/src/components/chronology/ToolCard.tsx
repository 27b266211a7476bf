import { memo, type ReactNode } from "react";
import { useItem } from "../../store/hooks";
import { Clipped } from "./Clipped";
import { marks } from "./fields";
import { bytes, duration, readable } from "./format";
import type { Of } from "./items";
import css from "./tool.module.css";

type Tool = Of<"tool">;

/** A tool call: what was asked for, how far it is, what came of it; and the panels of the agents that it called. */
export const ToolCard = memo(function ToolCard({ id, children }: { id: string; children?: ReactNode }) {
  const item = useItem<Tool>(id);
  if (!item) return null;
  return (
    <div className={css.tool} {...marks(item)} aria-busy={item.status === "open"}>
      <div className={css.head}>
        <span className={css.mark} data-status={item.status} aria-hidden="true" />
        <span className={css.name}>{item.title || item.name}</span>
        {item.title && item.title !== item.name && <code className={css.called}>{item.name}</code>}
        <span className={css.state}>{stateOf(item)}</span>
      </div>
      <Arguments item={item} />
      {item.status === "open" && item.progress && <Progress of={item.title || item.name} {...item.progress} />}
      <Outcome item={item} />
      {children}
    </div>
  );
});

function stateOf({ status, started, ended, args }: Tool): string {
  if (status === "open") return args ? "running" : "called";
  const took = duration(ended - started);
  return status === "done" ? took : `${status === "failed" ? "failed" : "broken off"} after ${took}`;
}

function Arguments({ item }: { item: Tool }) {
  const text = item.args ? (Object.keys(item.args).length ? readable(item.args) : "") : item.args_text;
  return text ? <Clipped of={`${item.id}.args`} text={text} what="arguments" lines={3} /> : null;
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
      <span className={css.step}>{said || `${percent} %`}</span>
    </div>
  );
}

function Outcome({ item: { id, error, result } }: { item: Tool }) {
  if (error) {
    return (
      <p className={css.error}>
        {error.message} <code>{error.code}</code>
        {error.retryable && " It may work when tried again."}
      </p>
    );
  }
  if (result === null || result === undefined || result === "") return null;
  const large = stored(result);
  return (
    <>
      <Clipped of={`${id}.result`} text={readable(large ? large.preview : result)} what="result" lines={6} />
      {large && <p className={css.note}>The beginning of {bytes(large.bytes)}.</p>}
    </>
  );
}

/** A result too large for an event, of which the worker kept the beginning. */
function stored(result: unknown): { bytes: number; preview: unknown } | null {
  if (typeof result !== "object" || result === null) return null;
  const { ref, bytes: size, preview } = result as Record<string, unknown>;
  return typeof ref === "string" && typeof size === "number" ? { bytes: size, preview: preview ?? "" } : null;
}
