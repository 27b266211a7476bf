import { type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { useHead, useRows, useView } from "../../store/hooks";
import { useUI } from "../../store/ui";
import { useEscape } from "../shell/escape";
import { ArtifactList } from "./ArtifactList";
import styles from "./ArtifactPane.module.css";
import { OpenArtifact } from "./OpenArtifact";
import { Separator, SHARE_DEFAULT, within } from "./Separator";
import { panelId, type Tab, Tabs, tabId } from "./Tabs";
import { useMedia } from "./useMedia";
import { useReturnedFocus } from "./useReturnedFocus";

/** Below it there is no room beside list and conversation: the pane lies over them. */
const NARROW = "(max-width: 60rem)";
/** Open tabs: more than fit beside each other. The one opened first gives way; the list has them all. */
const TABS_MAX = 8;
/** The tab of the list has the id that no artifact has. */
const LIST = "";
const SHARE_KEY = "anabranch.artifacts.share";

/** The open pane: the list of all artifacts and a tab for each that was opened. It stands beside the conversation, on a narrow screen over it. */
export default function OpenPane({ id }: { id: string }) {
  const base = useId();
  const panel = useRef<HTMLDivElement>(null);
  const ids = useArtifactIds();
  const tabs = useTabs(id, ids.length);
  const { conversation } = useHead();
  const openArtifact = useUI((ui) => ui.openArtifact);
  const close = useUI((ui) => ui.closeArtifact);
  const Around = useMedia(NARROW) ? Sheet : Aside;
  useReturnedFocus(id, panel);
  return (
    <Around onClose={close}>
      <div className={styles.bar}>
        <Tabs label="Artifacts" base={base} tabs={tabs} selected={id} onSelect={openArtifact} />
        <button type="button" className={styles.close} onClick={close} aria-label="Close artifacts">
          ✕
        </button>
      </div>
      <div
        ref={panel}
        id={panelId(base)}
        role="tabpanel"
        aria-labelledby={tabId(base, id)}
        tabIndex={-1}
        className={styles.panel}
      >
        {id === LIST ? (
          <ArtifactList ids={ids} onOpen={openArtifact} />
        ) : (
          <OpenArtifact key={id} id={id} conversation={conversation} />
        )}
      </div>
    </Around>
  );
}

/** The ids of all artifacts, in the order of the log. */
function useArtifactIds(): readonly string[] {
  const view = useView();
  const rows = useRows(); // other rows whenever an item came or went
  // biome-ignore lint/correctness/useExhaustiveDependencies: the fold is changed in place, and rows tells when
  return useMemo(
    () => [...view.fold.items.values()].filter(({ type }) => type === "artifact").map(({ id }) => id),
    [view, rows],
  );
}

/** The list, and a tab for each artifact that was opened. */
function useTabs(id: string, count: number): readonly Tab[] {
  const view = useView();
  const [opened, setOpened] = useState<readonly string[]>([]);
  if (id !== LIST && !opened.includes(id)) setOpened([...opened, id].slice(-TABS_MAX));
  const name = (one: string) => {
    const item = view.item(one);
    return item?.type === "artifact" ? item.name : one;
  };
  return [{ key: LIST, label: `All (${count})` }, ...opened.map((one) => ({ key: one, label: name(one) }))];
}

interface AroundProps {
  onClose: () => void;
  children: ReactNode;
}

function Aside({ onClose, children }: AroundProps) {
  const id = useId();
  const [share, setShare] = useState(keptShare);
  const keep = (next: number) => {
    setShare(next);
    localStorage.setItem(SHARE_KEY, String(next));
  };
  const aside = useRef<HTMLElement>(null);
  useEscape(true, aside, onClose);
  return (
    <aside
      ref={aside}
      id={id}
      aria-label="Artifacts"
      data-testid="artifact-pane"
      className={styles.aside}
      style={{ flexBasis: `${share}%` }}
    >
      <Separator share={share} onShare={keep} controls={id} />
      {children}
    </aside>
  );
}

function keptShare(): number {
  return within(Number(localStorage.getItem(SHARE_KEY)) || SHARE_DEFAULT);
}

function Sheet({ onClose, children }: AroundProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label="Artifacts"
      data-testid="artifact-pane"
      className={styles.sheet}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
    >
      {children}
    </dialog>
  );
}
