import { Ellipsis, Pencil, Trash2 } from "lucide-react";
import { memo, useState } from "react";
import type { ConversationRow as Row } from "../../client/api";
import { hrefOf } from "../../store/route";
import { useAsked } from "../shell/asked";
import { IconButton } from "../shell/Button";
import { Menu, MenuItem } from "../shell/Menu";
import { attempt } from "../shell/notices";
import { TitleField } from "../shell/TitleField";
import styles from "./ConversationRow.module.css";
import { useConversations } from "./conversations";
import { agoOf } from "./times";

/** What goes on in a conversation, in words. The colour says no more than they do. */
const WORDS: Record<Row["status"], string> = {
  running: "Working",
  waiting: "Waiting for you",
  queued: "Queued",
  idle: "",
  unknown: "",
};

interface Props {
  row: Row;
  now: number;
  current: boolean;
}

export const ConversationRow = memo(function ConversationRow({ row, now, current }: Props) {
  const [renaming, setRenaming] = useState(false);
  const rename = useConversations((state) => state.rename);
  const title = row.title || "Untitled";
  if (renaming) {
    return (
      <li className={styles.row}>
        <TitleField
          title={row.title}
          className={styles.field}
          onDone={(text) => {
            setRenaming(false);
            if (text) void attempt("Not renamed", () => rename(row.id, text));
          }}
        />
      </li>
    );
  }
  return (
    <li className={styles.row} data-current={current}>
      <a
        href={hrefOf({ conversation: row.id, at: "" })}
        className={styles.link}
        aria-current={current ? "page" : undefined}
        title={title}
      >
        <span className={styles.title} dir="auto">
          {title}
        </span>
        <Status row={row} now={now} />
      </a>
      <RowMenu row={row} title={title} onRename={() => setRenaming(true)} />
    </li>
  );
});

function Status({ row, now }: { row: Row; now: number }) {
  const words = WORDS[row.status] || (row.last_status === "failed" ? "Failed" : "");
  return (
    <span className={styles.status} data-status={row.status} data-failed={row.last_status === "failed"}>
      {words && (
        <>
          <i className={styles.dot} aria-hidden />
          {words}
          <span className={styles.between} aria-hidden>
            ·
          </span>
        </>
      )}
      <time dateTime={new Date(row.updated).toISOString()}>{agoOf(row.updated, now)}</time>
    </span>
  );
}

function RowMenu({ row, title, onRename }: { row: Row; title: string; onRename(): void }) {
  const ask = useAsked((state) => state.ask);
  return (
    <div className={styles.menu}>
      <Menu
        label={`What to do with ${title}`}
        button={(attributes) => (
          <IconButton label={`More: ${title}`} {...attributes}>
            <Ellipsis size={16} />
          </IconButton>
        )}
      >
        <MenuItem icon={<Pencil size={15} />} onClick={onRename}>
          Rename
        </MenuItem>
        <MenuItem danger icon={<Trash2 size={15} />} onClick={() => ask({ kind: "delete", id: row.id, title })}>
          Delete …
        </MenuItem>
      </Menu>
    </div>
  );
}
