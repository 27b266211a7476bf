/** Who wants to hear of what, by key. */
export class Listeners<Key extends string> {
  readonly #byKey = new Map<Key, Set<() => void>>();

  /** Returns what ends the subscription. */
  add(key: Key, listener: () => void): () => void {
    const known = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, known.add(listener));
    return () => {
      known.delete(listener);
      if (!known.size && this.#byKey.get(key) === known) this.#byKey.delete(key);
    };
  }

  /** Each listener once, even if it wants to hear of several of the keys. */
  tell(keys: Iterable<Key>): void {
    const told = new Set<() => void>();
    for (const key of keys) for (const listener of this.#byKey.get(key) ?? []) told.add(listener);
    for (const listener of told) listener();
  }
}
