import { memo, type RefObject, useId, useRef, useState } from "react";
import { useConversation, useItem, useView } from "../../store/hooks";
import { marks } from "./fields";
import { readable } from "./format";
import css from "./interrupt.module.css";
import type { Of } from "./items";
import { questionOf } from "./question";
import { Time } from "./Time";
import { useKeptFocus } from "./useKeptFocus";

type Asked = Of<"interrupt">;
type Answer = (decision: "approved" | "denied" | "answered", value?: unknown) => void;

/**
 * A question to a person: what is asked and how to answer, or what was answered. Nobody can answer in the past. An answer that
 * was taken is on its way until the log has it, so that it is given once.
 */
export const Interrupt = memo(function Interrupt({ id }: { id: string }) {
  const item = useItem<Asked>(id);
  const view = useView();
  const conversation = useConversation();
  const [sent, setSent] = useState(false);
  const [problem, setProblem] = useState("");
  const heading = useId();
  const place = useRef<HTMLElement>(null);
  if (!item) return null;
  const answer: Answer = (decision, value) => {
    place.current?.focus({ preventScroll: true }); // the button that has it is disabled now, and then goes
    setSent(true);
    setProblem("");
    conversation.resolve(id, decision, value).catch((error: unknown) => {
      setProblem(error instanceof Error ? error.message : "The answer did not arrive.");
      setSent(false);
    });
  };
  const answerable = item.status === "open" && view === conversation.live;
  return (
    <section ref={place} tabIndex={-1} className={css.asked} {...marks(item)} aria-labelledby={heading}>
      <p className={css.prompt} id={heading} dir="auto">
        {questionOf(item)}
      </p>
      {answerable ? <Form item={item} answer={answer} sent={sent} place={place} /> : <Decision item={item} />}
      {problem && (
        <p className={css.problem} role="alert">
          {problem}
        </p>
      )}
    </section>
  );
});

function Form({ place, ...props }: FormProps & { place: RefObject<HTMLElement | null> }) {
  const { item, sent } = props;
  useKeptFocus(place);
  return (
    <>
      {item.kind === "approval" && <Approval {...props} />}
      {item.kind === "choice" && <Choice {...props} />}
      {item.kind === "input" && <Input {...props} />}
      {sent && <p className={css.note}>Your answer is on its way.</p>}
      {item.expires > 0 && (
        <p className={css.note}>
          It waits until <Time at={item.expires} />.
        </p>
      )}
    </>
  );
}

interface FormProps {
  item: Asked;
  answer: Answer;
  sent: boolean;
}

function Approval({ item, answer, sent }: FormProps) {
  const asked = readable(item.args);
  const [text, setText] = useState(asked);
  const id = useId();
  const edited = text !== asked;
  const { value, problem } = edited ? parsed(text) : { value: undefined, problem: "" };
  return (
    <>
      <label className={css.label} htmlFor={id}>
        Arguments of <code>{item.tool}</code>
      </label>
      <textarea
        id={id}
        className={css.args}
        value={text}
        rows={Math.min(12, text.split("\n").length)}
        spellCheck={false}
        aria-invalid={problem !== ""}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(event) => setText(event.target.value)}
      />
      {problem && (
        <p className={css.problem} id={`${id}-problem`}>
          {problem}
        </p>
      )}
      <div className={css.buttons}>
        <button
          type="button"
          className={css.primary}
          disabled={sent || problem !== ""}
          onClick={() => answer("approved", value)}
        >
          {edited ? "Approve as edited" : "Approve"}
        </button>
        <button type="button" disabled={sent} onClick={() => answer("denied")}>
          Deny
        </button>
        {edited && (
          <button type="button" disabled={sent} onClick={() => setText(asked)}>
            As asked
          </button>
        )}
      </div>
    </>
  );
}

/** The arguments that somebody has typed: an object, as a tool takes it. */
function parsed(text: string): { value?: Record<string, unknown>; problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { value: value as Record<string, unknown>, problem: "" };
    }
    return { problem: "The arguments are one JSON object: { … }." };
  } catch (error) {
    return { problem: `This is not JSON: ${error instanceof Error ? error.message : text}` };
  }
}

function Choice({ item, answer, sent }: FormProps) {
  return (
    <div className={css.buttons}>
      {item.options.map((option) => (
        <button key={option} type="button" disabled={sent} onClick={() => answer("answered", option)}>
          {option}
        </button>
      ))}
    </div>
  );
}

function Input({ item, answer, sent }: FormProps) {
  const [text, setText] = useState("");
  return (
    <form
      className={css.buttons}
      onSubmit={(event) => {
        event.preventDefault();
        answer("answered", text);
      }}
    >
      <input
        dir="auto"
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-label={item.prompt || "Your answer"}
      />
      <button type="submit" className={css.primary} disabled={sent || !text.trim()}>
        Answer
      </button>
    </form>
  );
}

const DECIDED: Record<string, string> = {
  approved: "Approved",
  denied: "Denied",
  answered: "Answered",
  expired: "Nobody answered in time",
};

function Decision({ item: { decision, value, status, ended } }: { item: Asked }) {
  if (status === "open") return <p className={css.note}>Waiting for an answer.</p>;
  const said = value === null || value === undefined ? "" : readable(value);
  return (
    <p className={css.decision} data-decision={decision}>
      <strong>{DECIDED[decision] ?? "Not answered: the run ended"}</strong>
      {said && (
        <>
          {decision === "approved" ? " with " : ": "}
          <span className={css.value}>{said}</span>
        </>
      )}{" "}
      {decision && <Time at={ended} />}
    </p>
  );
}
