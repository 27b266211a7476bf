import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import { TEXT_CHARS_MAX } from "../../schema/constants";
import type { Multitask } from "../../schema/types";
import { Button } from "../shell/Button";
import { MESSAGE_ID } from "../shell/useKeys";
import { AgentPicker } from "./AgentPicker";
import { agentAsked, useAgents } from "./agents";
import styles from "./Composer.module.css";
import { draftOf, keepDraft } from "./drafts";
import { lengthSaid } from "./length";
import { type Activity, Queue, Stop } from "./RunControls";

export interface ComposerHandle {
  focus(): void;
  edit(text: string): void;
}

interface Props {
  ref?: Ref<ComposerHandle>;
  /** Empty before the first message of a new one. */
  conversation: string;
  /** Whom the conversation asked last; empty if nobody yet. */
  used: string;
  /** What goes on, which the message would wait for; null for nothing. */
  activity: Activity | null;
  /** The newest message of the person, to be edited again; empty if there is none. */
  lastOwn(): string;
  onSend(text: string, agent: string, multitask: Multitask): void;
}

export function Composer({ ref, conversation, used, activity, lastOwn, onSend }: Props) {
  const [text, setText] = useDraft(conversation);
  const [interrupting, setInterrupting] = useState(false);
  const agent = useAgents((state) => agentAsked(state, conversation, used));
  const choose = useAgents((state) => state.choose);
  const field = useGrowing(text);
  const length = lengthSaid(text);
  const ready = text.trim() !== "" && agent !== "" && !length?.over;

  const edit = (value: string) => {
    setText(value);
    field.current?.focus();
  };
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus(), edit }));

  // biome-ignore lint/correctness/useExhaustiveDependencies: who opens another conversation most likely writes next
  useEffect(() => {
    if (!matchMedia("(pointer: coarse)").matches) field.current?.focus(); // on a phone the keyboard would come
  }, [conversation]);

  const send = () => {
    if (!ready) return;
    onSend(text.trim(), agent, activity && interrupting ? "interrupt" : "enqueue");
    setText("");
    setInterrupting(false);
  };

  const pressed = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return; // Enter and the arrows belong to the input method
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
    }
    if (event.key !== "ArrowUp" || text || event.shiftKey) return;
    const last = lastOwn();
    if (!last) return;
    event.preventDefault();
    edit(last);
  };

  return (
    <form
      className={styles.composer}
      aria-label="Message"
      data-testid="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        id={MESSAGE_ID}
        className={styles.field}
        dir="auto"
        aria-label={agent ? `Message to ${agent}` : "Message"}
        aria-describedby={length ? "composer-length" : undefined}
        placeholder={activity ? "Say more: it waits until this is done" : "Ask something"}
        rows={1}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={pressed}
      />
      <div className={styles.foot}>
        <AgentPicker asked={agent} onChoose={(name) => choose(name, conversation)} />
        {activity && <Queue activity={activity} interrupting={interrupting} onInterrupting={setInterrupting} />}
        {length && (
          <span id="composer-length" role="status" className={length.over ? styles.over : styles.length}>
            {length.chars.toLocaleString("en")} of {TEXT_CHARS_MAX.toLocaleString("en")} characters
          </span>
        )}
        <span className={styles.space} />
        {activity && <Stop activity={activity} />}
        <Button
          type="submit"
          look="solid"
          className={styles.send}
          disabled={!ready}
          aria-label={activity && !interrupting ? "Send, to wait for its turn" : "Send"}
          title="Send (Enter)"
        >
          <ArrowUp size={18} />
        </Button>
      </div>
    </form>
  );
}

/** The text typed for a conversation, kept for a reload and for coming back from another one. */
function useDraft(conversation: string) {
  const [draft, setDraft] = useState({ conversation, text: draftOf(conversation) });
  const text = draft.conversation === conversation ? draft.text : draftOf(conversation);
  useEffect(() => setDraft({ conversation, text: draftOf(conversation) }), [conversation]);
  const change = (value: string) => {
    setDraft({ conversation, text: value });
    keepDraft(conversation, value);
  };
  return [text, change] as const;
}

/** A text field as high as its text, up to what its style allows. */
function useGrowing(text: string) {
  const field = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what the height depends on
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  return field;
}
