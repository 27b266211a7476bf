import { useEffect, useMemo, useRef } from "react";
import type { Multitask } from "../../schema/types";
import { newId } from "../../store/id";
import { go, useRoute } from "../../store/route";
import { useMedia } from "../artifacts/useMedia";
import { usePolledAgents } from "../composer/agents";
import { Composer, type ComposerHandle } from "../composer/Composer";
import { useOutbox } from "../composer/outbox";
import { useConversations } from "../sidebar/conversations";
import { SEARCH_ID } from "../sidebar/Search";
import { Sidebar } from "../sidebar/Sidebar";
import { lastOwn, type Now, useNow } from "./activity";
import { useAsked } from "./asked";
import { Drawer } from "./Drawer";
import { closeNext } from "./escape";
import { Header } from "./Header";
import { NoticeBar } from "./NoticeBar";
import { attempt } from "./notices";
import { OpenConversation } from "./OpenConversation";
import { usePanes } from "./panes";
import { Questions } from "./Questions";
import styles from "./Shell.module.css";
import { useKeys } from "./useKeys";
import { useOpen } from "./useOpen";
import { useTrouble } from "./useTrouble";
import { useWindowTitle } from "./useWindowTitle";
import { Welcome } from "./Welcome";

const PHONE = "(max-width: 48rem)"; // as in the style sheets

/** The page: the conversations, the one that is open, and where the next message is written. */
export function Shell() {
  const { conversation: id } = useRoute();
  const conversation = useOpen(id);
  const now = useNow(conversation);
  const listed = useConversations(({ listing }) => listing.rows.find((row) => row.id === id)?.title ?? "");
  const composer = useRef<ComposerHandle>(null);
  const add = useOutbox((state) => state.add);
  const stop = () => {
    if (conversation && now.run && now.status !== "stopping")
      void attempt("Not stopped", () => conversation.cancel(now.run));
  };
  usePolledAgents();
  useFreshList(now);
  useWindowTitle(now, useTrouble(conversation));
  useShortcuts(stop);

  const send = (text: string, agent: string, multitask: Multitask) => {
    const to = id || newId();
    add({ conversation: to, text, agent, multitask, first: !id });
    if (!id) go({ conversation: to, at: "" });
  };
  const edit = (text: string) => composer.current?.edit(text);

  return (
    <div className={styles.shell}>
      <button type="button" className={styles.skip} onClick={() => composer.current?.focus()}>
        Skip to the message
      </button>
      <Conversations current={id} />
      <main className={styles.main}>
        <Header conversation={conversation} title={now.title || listed} />
        <OpenConversation
          conversation={conversation}
          opening={id !== ""}
          welcome={<Welcome onExample={edit} />}
          onEdit={edit}
          composer={
            <Composer
              ref={composer}
              conversation={id}
              used={now.agent}
              activity={now.run ? { queued: now.queued, stopping: now.status === "stopping", stop } : null}
              lastOwn={() => (conversation ? lastOwn(conversation.live) : "")}
              onSend={send}
            />
          }
        />
      </main>
      <NoticeBar />
      <Questions />
    </div>
  );
}

/** The list of conversations: beside the rest, or on a phone over it. */
function Conversations({ current }: { current: string }) {
  const { sidebar, drawer, showSidebar, showDrawer } = usePanes();
  const phone = useMedia(PHONE);
  const ask = useAsked((state) => state.ask);

  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes when another conversation is opened
  useEffect(() => showDrawer(false), [current, showDrawer]);

  if (phone ? !drawer : !sidebar) return null;
  const close = () => (phone ? showDrawer(false) : showSidebar(false));
  const list = <Sidebar current={current} onClose={close} onHelp={() => ask({ kind: "help" })} />;
  if (!phone) return <div className={styles.side}>{list}</div>;
  return (
    <Drawer label="Conversations" onClose={close}>
      {list}
    </Drawer>
  );
}

/** What changes here shows in the list at once, not when it is asked for the next time. */
function useFreshList({ run, status, title }: Now): void {
  const refresh = useConversations((state) => state.refresh);
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what the list shows of a conversation
  useEffect(() => void refresh(), [refresh, run, status, title]);
}

function useShortcuts(stop: () => void): void {
  const latest = useRef(stop);
  useEffect(() => {
    latest.current = stop;
  });
  const keys = useMemo(
    () => ({
      "?": () => useAsked.getState().ask({ kind: "help" }),
      "/": () => {
        const { showDrawer, showSidebar } = usePanes.getState();
        if (matchMedia(PHONE).matches) showDrawer(true);
        else showSidebar(true);
        requestAnimationFrame(() => document.getElementById(SEARCH_ID)?.focus());
      },
      Escape: () => {
        if (!closeNext()) latest.current();
      },
    }),
    [],
  );
  useKeys(keys);
}
