import { type ReactNode, Suspense, useEffect, useRef } from "react";
import type { Conversation } from "../../store/conversation";
import { ConversationContext, ViewContext } from "../../store/hooks";
import { ArtifactPane } from "../artifacts/ArtifactPane";
import { Chronology } from "../chronology/Chronology";
import { Outbox } from "../composer/Outbox";
import { useOutbox } from "../composer/outbox";
import { DeveloperPanel } from "../developer";
import { PastBanner, useToLive } from "../time/PastBanner";
import { PastProvider, usePast, usePastView } from "../time/PastProvider";
import type { Past } from "../time/past";
import { TimeBar } from "../time/TimeBar";
import { useEscape } from "./escape";
import { Missing } from "./Missing";
import styles from "./OpenConversation.module.css";
import { usePanes } from "./panes";
import { useFocusBack } from "./useFocusBack";
import { useMissing } from "./useMissing";

interface Props {
  conversation: Conversation | null;
  /** One is being opened, so that nothing is shown until it is there. */
  opening: boolean;
  welcome: ReactNode;
  composer: ReactNode;
  onEdit(text: string): void;
}

/** The conversation with what stands around it. The composer is the same before and after the first message. */
export function OpenConversation({ conversation, opening, welcome, composer, onEdit }: Props) {
  if (!conversation) {
    return (
      <div className={styles.work}>
        <div className={styles.column}>
          {opening ? <div className={styles.nothing} /> : welcome}
          <div className={styles.foot}>{composer}</div>
        </div>
      </div>
    );
  }
  return (
    <ConversationContext value={conversation}>
      <PastProvider key={conversation.id} conversation={conversation}>
        <Shown conversation={conversation} composer={composer} onEdit={onEdit} />
      </PastProvider>
    </ConversationContext>
  );
}

function Shown({
  conversation,
  composer,
  onEdit,
}: Pick<Props, "composer" | "onEdit"> & { conversation: Conversation }) {
  const past = usePast();
  const pastView = usePastView();
  const missing = useMissing(conversation);
  const developer = usePanes((state) => state.developer);
  return (
    <ViewContext value={pastView ?? conversation.live}>
      <div className={styles.work}>
        <div className={styles.column}>
          <PastBanner />
          {past && <BackToWrite past={past} conversation={conversation} />}
          {missing ? (
            <Missing message={missing} />
          ) : (
            <Chronology>{!pastView && <Outbox conversation={conversation} onEdit={onEdit} />}</Chronology>
          )}
          {!missing && <div className={styles.foot}>{composer}</div>}
          {!missing && <TimeBar />}
        </div>
        <ArtifactPane />
        {developer && <Developer conversation={conversation} />}
      </div>
    </ViewContext>
  );
}

/** Who writes looks at the present again: the message is going to stand there. */
function BackToWrite({ past, conversation }: { past: Past; conversation: Conversation }) {
  const writing = useOutbox(({ entries }) =>
    entries.some((one) => one.conversation === conversation.id && one.state !== "failed"),
  );
  const toLive = useToLive(past);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each time that something is written
  useEffect(() => {
    if (writing) toLive();
  }, [writing]);
  return null;
}

function Developer({ conversation }: { conversation: Conversation }) {
  const close = usePanes((state) => state.toggleDeveloper);
  const place = useRef<HTMLElement>(null);
  useEscape(true, place, close);
  useFocusBack();
  return (
    <aside ref={place} className={styles.developer} aria-label="Developer view">
      <Suspense>
        <DeveloperPanel conversation={conversation} onClose={close} />
      </Suspense>
    </aside>
  );
}
