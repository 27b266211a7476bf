import { PanelLeftClose, Plus } from "lucide-react";
import { useEffect } from "react";
import { go, hrefOf } from "../../store/route";
import { Button, IconButton } from "../shell/Button";
import { Wordmark } from "../shell/Wordmark";
import { ConversationList } from "./ConversationList";
import { pollConversations } from "./conversations";
import { Footer } from "./Footer";
import { Search } from "./Search";
import styles from "./Sidebar.module.css";

interface Props {
  /** The conversation that is open, empty if none is. */
  current: string;
  onClose(): void;
  onHelp(): void;
}

export function Sidebar({ current, onClose, onHelp }: Props) {
  useEffect(pollConversations, []);

  return (
    <nav className={styles.sidebar} aria-label="Conversations" data-testid="sidebar">
      <div className={styles.top}>
        <a href={hrefOf({ conversation: "", at: "" })} className={styles.home} onClick={home}>
          <Wordmark />
        </a>
        <IconButton label="Hide the conversations" onClick={onClose}>
          <PanelLeftClose size={18} />
        </IconButton>
      </div>
      <div className={styles.tools}>
        <Button className={styles.fresh} onClick={() => go({ conversation: "", at: "" })}>
          <Plus size={16} /> New conversation
        </Button>
        <Search />
      </div>
      <ConversationList current={current} />
      <Footer onHelp={onHelp} />
    </nav>
  );
}

function home(event: { preventDefault(): void }): void {
  event.preventDefault(); // no `#` stays behind
  go({ conversation: "", at: "" });
}
