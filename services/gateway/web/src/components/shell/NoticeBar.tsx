import { X } from "lucide-react";
import { useEffect } from "react";
import { IconButton } from "./Button";
import styles from "./NoticeBar.module.css";
import { useNotices } from "./notices";

const SHOWN_MS = 4000; // what has been done; what failed stays until it is dismissed

export function NoticeBar() {
  const { notice, dismiss } = useNotices();

  useEffect(() => {
    if (notice?.tone !== "done") return;
    const timer = setTimeout(dismiss, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice, dismiss]);

  return (
    <div className={styles.place}>
      <div role="status">
        {notice && (
          <div key={notice.key} className={styles.notice} data-tone={notice.tone}>
            {notice.text}
            <IconButton label="Dismiss" onClick={dismiss}>
              <X size={16} />
            </IconButton>
          </div>
        )}
      </div>
    </div>
  );
}
