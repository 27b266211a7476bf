import { type CSSProperties, memo, type ReactNode, useId, useRef } from "react";
import { nameIn } from "../../fold/roles";
import type { Panel } from "../../layout/blocks";
import { useAncestors, useItem, useRole } from "../../store/hooks";
import { colourOf, initialsOf } from "./agents";
import { marks } from "./fields";
import { useFolding } from "./folding";
import { duration } from "./format";
import type { Of } from "./items";
import css from "./panel.module.css";
import { useReveal } from "./reveal";
import { useStopped } from "./stopped";
import { useUnderEyes } from "./underEyes";

type Agent = Of<"agent">;

/** Panels deeper than this show what they stand in, and fold by themselves once their agent has finished and nobody looks. */
const OPEN_DEPTH = 2;

/** One part of what an agent does, in its colour. What is in it is drawn by `children` unless it is folded. */
export const AgentPanel = memo(function AgentPanel({ panel, children }: { panel: Panel; children: () => ReactNode }) {
  const item = useItem<Agent>(panel.agent);
  const deep = panel.depth > OPEN_DEPTH;
  const section = useRef<HTMLElement>(null);
  const seen = useUnderEyes(section, deep && item?.status === "open");
  const [unfolded, unfold] = useFolding(panel.key, !deep || seen);
  const body = useId();
  const stopped = useStopped(item?.run ?? "", item?.error);
  const role = useRole(panel.agent);
  const name = role?.label ?? nameIn(panel.ns);
  const ancestors = useAncestors(panel.agent, panel.ns);
  return (
    <section
      ref={section}
      className={css.panel}
      style={{ "--agent": colourOf(role?.hue ?? 0) } as CSSProperties}
      aria-label={`Agent ${name}${panel.part > 1 ? `, part ${panel.part}` : ""}`}
      data-key={panel.key}
      data-ns={panel.ns}
      {...(item && panel.part === 1 ? marks(item) : undefined)}
    >
      <div className={css.head}>
        <button
          type="button"
          className={css.fold}
          aria-expanded={unfolded}
          aria-controls={body}
          onClick={() => unfold(!unfolded)}
        >
          <span className={css.avatar} aria-hidden="true">
            {initialsOf(name)}
          </span>
          <span className={css.name}>{name}</span>
          {deep && <span className={css.path}>in {ancestors}</span>}
          {panel.part === 1 && item?.description && (
            <span className={css.description} dir="auto">
              {item.description}
            </span>
          )}
        </button>
        {panel.earlier && <Continues to={panel.earlier} where="up" name={name} />}
        {!panel.later && item && <Status item={item} stopped={stopped} />}
      </div>
      <div className={css.body} id={body} hidden={!unfolded}>
        {unfolded && children()}
        {unfolded && panel.later && <Continues to={panel.later} where="down" name={name} />}
        {!panel.later && item?.error && !stopped && (
          <p className={css.error}>
            {item.error.message} <code>{item.error.code}</code>
          </p>
        )}
        {unfolded && panel.blocks.length === 0 && item?.result && (
          <p className={css.result} dir="auto">
            {item.result}
          </p>
        )}
      </div>
    </section>
  );
});

const SAID = { open: "working", done: "done", failed: "failed", interrupted: "interrupted" };

function Status({ item: { status, started, ended }, stopped }: { item: Agent; stopped: string }) {
  return (
    <span className={css.status} data-status={stopped ? "interrupted" : status}>
      {stopped || SAID[status]}
      {ended > 0 && status !== "open" && ` · ${duration(ended - started)}`}
    </span>
  );
}

/** A link to the part of the same agent's work before or after this one. */
function Continues({ to, where, name }: { to: string; where: "up" | "down"; name: string }) {
  const reveal = useReveal();
  return (
    <button type="button" className={css.continues} onClick={() => reveal(to)}>
      continues {where === "up" ? "↑" : "↓"}
      <span className={css.unseen}> in another part of what {name} does</span>
    </button>
  );
}
