import { Braces, Clipboard, Download, Ellipsis, Files, Link2, SquareTerminal, Trash2 } from "lucide-react";
import { api } from "../../client/api";
import type { Conversation } from "../../store/conversation";
import { useUI } from "../../store/ui";
import { useAsked } from "./asked";
import { IconButton } from "./Button";
import styles from "./ConversationMenu.module.css";
import { copy } from "./copy";
import { Menu, MenuItem } from "./Menu";
import { usePanes } from "./panes";

const ICON = 16;

export function ConversationMenu({ conversation: { id }, title }: { conversation: Conversation; title: string }) {
  const ask = useAsked((state) => state.ask);
  const toggleDeveloper = usePanes((state) => state.toggleDeveloper);
  const openArtifact = useUI((state) => state.openArtifact);
  return (
    <Menu
      label="What to do with the conversation"
      button={(attributes) => (
        <IconButton label="More" {...attributes}>
          <Ellipsis size={18} />
        </IconButton>
      )}
    >
      <div className={styles.narrow}>
        <MenuItem icon={<Files size={ICON} />} onClick={() => openArtifact("")}>
          Artifacts
        </MenuItem>
        <MenuItem icon={<SquareTerminal size={ICON} />} onClick={toggleDeveloper}>
          Developer view
        </MenuItem>
      </div>
      <MenuItem icon={<Clipboard size={ICON} />} onClick={() => void copy("Conversation", () => api.markdown(id))}>
        Copy as Markdown
      </MenuItem>
      <MenuItem icon={<Link2 size={ICON} />} onClick={() => void copy("Link", () => location.href)}>
        Copy the link
      </MenuItem>
      <MenuItem icon={<Download size={ICON} />} onClick={() => download(api.exportUrl(id, "markdown"))}>
        Export as Markdown
      </MenuItem>
      <MenuItem icon={<Braces size={ICON} />} onClick={() => download(api.exportUrl(id, "json"))}>
        Export as JSON
      </MenuItem>
      <hr className={styles.line} />
      <MenuItem
        danger
        icon={<Trash2 size={ICON} />}
        onClick={() => ask({ kind: "delete", id, title: title || "Untitled" })}
      >
        Delete …
      </MenuItem>
    </Menu>
  );
}

/** The answer names the file, and is an attachment: the page stays. */
function download(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
