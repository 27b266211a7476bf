import { useCallback, useSyncExternalStore } from "react";
import type { Item } from "../../fold/fold";
import { useView } from "../../store/hooks";

/**
 * One value of an item: the component is drawn again only when `read` gives another, not when the item's text grows.
 * `read` must be the same function each time, and give a string, number or boolean.
 */
export function useField<T extends string | number | boolean>(id: string, read: (item: Item | undefined) => T): T {
  const view = useView();
  const subscribe = useCallback((listener: () => void) => view.subscribe(`item:${id}`, listener), [view, id]);
  return useSyncExternalStore(subscribe, () => read(view.item(id)));
}

export function statusOf(item: Item | undefined): string {
  return item?.status ?? "";
}

/** What tests and style sheets know an item by. */
export function marks(item: Item): { "data-item": string; "data-type": string; "data-status": string } {
  return { "data-item": item.id, "data-type": item.type, "data-status": item.status };
}
