import { useItem } from "../../store/hooks";
import styles from "./ArtifactList.module.css";
import { FORMAT_NAMES, formatOf } from "./format";
import { type Artifact, STATE_NAMES, stateOf } from "./state";

interface Props {
  ids: readonly string[];
  onOpen: (id: string) => void;
}

/** All artifacts of the conversation, in the order in which they were begun. */
export function ArtifactList({ ids, onOpen }: Props) {
  if (!ids.length) return <p className={styles.none}>There are no artifacts in this conversation yet.</p>;
  return (
    <ul className={styles.list}>
      {ids.map((id) => (
        <li key={id}>
          <Entry id={id} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

function Entry({ id, onOpen }: { id: string; onOpen: (id: string) => void }) {
  const artifact = useItem<Artifact>(id);
  const version = artifact?.versions.at(-1);
  if (!artifact || !version) return null;
  const { format } = formatOf(artifact.kind, artifact.media_type, artifact.name);
  const several = artifact.versions.length > 1 ? `, version ${version.version}` : "";
  return (
    <button type="button" className={styles.entry} onClick={() => onOpen(id)}>
      <bdi className={styles.name}>{artifact.name}</bdi>
      <span className={styles.meta}>
        {FORMAT_NAMES[format]}
        {several}, {STATE_NAMES[stateOf(artifact, version)]}
      </span>
    </button>
  );
}
