import { History, X } from "lucide-react";
import { go, useRoute } from "../../store/route";
import { number } from "../chronology/format";
import { Button, IconButton } from "../shell/Button";
import { exact } from "./instant";
import { usePast, useStanding } from "./PastProvider";
import type { Past } from "./past";
import styles from "./time.module.css";

/** Says that one looks at the past, and at which moment of it; or why the moment of a link is not shown. */
export function PastBanner() {
  const past = usePast();
  return past && <Banner past={past} />;
}

function Banner({ past }: { past: Past }) {
  const { mode, position, notice } = useStanding(past);
  const toLive = useToLive(past);
  const said = mode === "past" ? "You are looking at the past" : mode === "opening" ? "Opening the moment…" : notice;
  return (
    <div className={styles.banner} data-mode={mode} hidden={!said} data-testid="past-banner">
      <History size={16} aria-hidden="true" />
      <div className={styles.words}>
        <span role="status">{said}</span>
        {mode === "past" && (
          <span className={styles.where}>
            {exact(past.time)}, event {number(position)} of {number(past.conversation.recorder.end)}
          </span>
        )}
      </div>
      {mode === "live" ? (
        <IconButton label="Dismiss" onClick={toLive}>
          <X size={16} />
        </IconButton>
      ) : (
        <Button onClick={toLive}>Back to live</Button>
      )}
    </div>
  );
}

/** Back to the present, also in the address. */
export function useToLive(past: Past): () => void {
  const route = useRoute();
  return () => {
    past.toLive();
    if (route.at) go({ ...route, at: "" }, "replace");
  };
}
