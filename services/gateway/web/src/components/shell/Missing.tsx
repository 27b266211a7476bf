import { go } from "../../store/route";
import { Button } from "./Button";
import styles from "./Missing.module.css";
import { sentence } from "./sentence";

/** What stands where a conversation is not, or is no more. */
export function Missing({ message }: { message: string }) {
  return (
    <div className={styles.missing}>
      <h1>This conversation is not here</h1>
      <p>{sentence(message)}</p>
      <Button look="solid" onClick={() => go({ conversation: "", at: "" }, "replace")}>
        Start a new one
      </Button>
    </div>
  );
}
