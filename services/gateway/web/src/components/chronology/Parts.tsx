/** The small parts of a conversation, each one item. */
import { memo } from "react";
import { useItem } from "../../store/hooks";
import { useUI } from "../../store/ui";
import { Clipped } from "./Clipped";
import { marks } from "./fields";
import { useFolding } from "./folding";
import { bytes, duration, readable } from "./format";
import type { Of } from "./items";
import css from "./parts.module.css";

export const Step = memo(function Step({ id }: { id: string }) {
  const item = useItem<Of<"step">>(id);
  if (!item) return null;
  return (
    <p className={css.step} {...marks(item)}>
      <span dir="auto">{item.name}</span>
      {item.ended > 0 && <span className={css.took}>{duration(item.ended - item.started)}</span>}
    </p>
  );
});

const PLAN_STATUS = { pending: "to do", active: "under way", done: "done", dropped: "dropped" };

export const Plan = memo(function Plan({ id }: { id: string }) {
  const item = useItem<Of<"plan">>(id);
  if (!item) return null;
  return (
    <ul className={css.plan} aria-label="Plan" {...marks(item)}>
      {item.items.map(({ text, status = "pending" }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a plan's lines have no identity but their place
        <li key={at} data-status={status}>
          <span dir="auto">
            {text}
            <span className={css.unseen}> ({PLAN_STATUS[status]})</span>
          </span>
        </li>
      ))}
    </ul>
  );
});

const ADDRESS = /^https?:\/\//i;

export const Source = memo(function Source({ id }: { id: string }) {
  const item = useItem<Of<"source">>(id);
  if (!item) return null;
  const title = item.title || item.url;
  return (
    <p className={css.source} {...marks(item)}>
      <cite>
        {ADDRESS.test(item.url) ? (
          <a href={item.url} target="_blank" rel="noreferrer noopener nofollow">
            {title}
          </a>
        ) : (
          title
        )}
      </cite>
      {item.quote && <q dir="auto">{item.quote}</q>}
    </p>
  );
});

export const LogLine = memo(function LogLine({ id }: { id: string }) {
  const item = useItem<Of<"log">>(id);
  if (!item) return null;
  return (
    <p className={css.log} {...marks(item)} data-level={item.level}>
      <span className={css.level}>{item.level}</span> {item.text}
    </p>
  );
});

export const State = memo(function State({ id }: { id: string }) {
  const item = useItem<Of<"state">>(id);
  const [unfolded, unfold] = useFolding(id, false);
  if (!item) return null;
  return (
    <div {...marks(item)}>
      <button type="button" className={css.fold} aria-expanded={unfolded} onClick={() => unfold(!unfolded)}>
        Shared state
      </button>
      {unfolded && <Clipped of={`${id}.value`} text={readable(item.value)} what="state" lines={20} />}
    </div>
  );
});

/** An artifact where it was made; it opens in the side pane. */
export const ArtifactChip = memo(function ArtifactChip({ id }: { id: string }) {
  const item = useItem<Of<"artifact">>(id);
  const openArtifact = useUI((ui) => ui.openArtifact);
  if (!item) return null;
  return (
    <div {...marks(item)}>
      <button type="button" className={css.chip} onClick={() => openArtifact(id)} aria-haspopup="dialog">
        <svg className={css.kind} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d={ICONS[item.kind] ?? ICONS.file} fill="none" stroke="currentColor" strokeWidth="1.4" />
        </svg>
        <strong dir="auto">{item.name}</strong>
        <small>{saying(item)}</small>
      </button>
    </div>
  );
});

function saying({ kind, status, versions }: Of<"artifact">): string {
  const last = versions.at(-1);
  const version = last && last.version > 1 ? `, version ${last.version}` : "";
  if (status === "open") return `${kind}${version}, creating…`;
  const size = last?.size ? `, ${bytes(last.size)}` : "";
  return `${kind}${version}${size}${status === "done" ? "" : ", broken off"}`;
}

const ICONS: Record<string, string> = {
  table: "M2 3h12v10H2zM2 6.5h12M2 9.8h12M6.5 3v10",
  chart: "M2 2v12h12M5 11V8M8 11V5M11 11V7",
  report: "M4 2h8v12H4zM6 5h4M6 8h4M6 11h2",
  code: "M6 4 2.5 8 6 12M10 4l3.5 4-3.5 4",
  image: "M2 3h12v10H2zM2 11l3.5-3.5 3 3L11 8l3 3M11 5.6v.1",
  page: "M2 3h12v10H2zM2 6h12M4 4.5h.1M6 4.5h.1",
  data: "M6 2.5c-2 0-1 5-3 5.5 2 .5 1 5.5 3 5.5M10 2.5c2 0 1 5 3 5.5-2 .5-1 5.5-3 5.5",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
};
