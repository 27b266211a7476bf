import { Files, Menu as Lines, PanelLeftOpen, SquareTerminal } from "lucide-react";
import type { Conversation } from "../../store/conversation";
import { useUI } from "../../store/ui";
import { Badge } from "./Badge";
import { IconButton } from "./Button";
import { ConversationMenu } from "./ConversationMenu";
import styles from "./Header.module.css";
import { usePanes } from "./panes";
import { Title } from "./Title";
import { useMissing } from "./useMissing";

export function Header({ conversation, title }: { conversation: Conversation | null; title: string }) {
  const { sidebar, showSidebar, showDrawer } = usePanes();
  return (
    <header className={styles.header} data-open={conversation !== null}>
      {!sidebar && (
        <IconButton label="Show the conversations" className={styles.wide} onClick={() => showSidebar(true)}>
          <PanelLeftOpen size={18} />
        </IconButton>
      )}
      <IconButton label="Conversations" className={styles.narrow} onClick={() => showDrawer(true)}>
        <Lines size={20} />
      </IconButton>
      {conversation ? <Opened conversation={conversation} title={title} /> : <span className={styles.space} />}
    </header>
  );
}

/** What can be done with the conversation; with one that is not there, nothing. */
function Opened({ conversation, title }: { conversation: Conversation; title: string }) {
  const { developer, toggleDeveloper } = usePanes();
  const { artifact, openArtifact, closeArtifact } = useUI();
  if (useMissing(conversation)) {
    return (
      <>
        <span className={styles.space} />
        <Badge conversation={conversation} />
      </>
    );
  }
  return (
    <>
      <Title conversation={conversation.id} title={title} />
      <Badge conversation={conversation} />
      <IconButton
        label="Artifacts"
        className={styles.wide}
        aria-pressed={artifact !== null}
        onClick={() => (artifact === null ? openArtifact("") : closeArtifact())}
      >
        <Files size={18} />
      </IconButton>
      <IconButton
        label="Developer view"
        className={styles.wide}
        aria-pressed={developer}
        data-testid="developer-toggle"
        onClick={toggleDeveloper}
      >
        <SquareTerminal size={18} />
      </IconButton>
      <ConversationMenu conversation={conversation} title={title} />
    </>
  );
}
