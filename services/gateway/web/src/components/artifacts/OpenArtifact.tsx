import type { ItemOf } from "../../fold/fold";
import { useItem } from "../../store/hooks";
import { ArtifactDetails } from "./ArtifactDetails";
import styles from "./ArtifactPane.module.css";

/** The artifact as the view has it: the present, or a moment of the past in which it may not have been there. */
export function OpenArtifact({ id, conversation }: { id: string; conversation: string }) {
  const item = useItem<ItemOf<"artifact">>(id);
  if (item?.type !== "artifact") return <p className={styles.none}>This artifact is not there at this moment.</p>;
  return <ArtifactDetails artifact={item} conversation={conversation} />;
}
