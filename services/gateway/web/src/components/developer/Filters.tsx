import { useId, useState } from "react";
import type { View } from "../../store/view";
import styles from "./developer.module.css";
import type { Filter } from "./events";

interface Props {
  live: View;
  filter: Filter;
  onChange: (filter: Filter) => void;
}

export function Filters({ live, filter, onChange }: Props) {
  const list = useId();
  const [namespaces, setNamespaces] = useState<readonly string[]>([]);
  const look = () => setNamespaces([...new Set(Array.from(live.fold.items.values(), ({ ns }) => ns))].sort());
  return (
    <div className={styles.filters}>
      <input
        className={styles.input}
        type="search"
        list={list}
        aria-label="Namespace, with all below it"
        placeholder="namespace"
        spellCheck={false}
        value={filter.ns}
        onFocus={look}
        onChange={({ target }) => onChange({ ...filter, ns: target.value.trim() })}
      />
      <datalist id={list}>
        {namespaces.map((ns) => (
          <option key={ns} value={ns} />
        ))}
      </datalist>
      <input
        className={styles.input}
        type="search"
        aria-label="Part of the type"
        placeholder="type"
        spellCheck={false}
        value={filter.type}
        onChange={({ target }) => onChange({ ...filter, type: target.value.trim() })}
      />
    </div>
  );
}
