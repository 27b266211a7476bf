import type { Item } from "../../fold/fold";

/** The items by their type, as the components that draw them need them. */
export type Of<T extends Item["type"]> = Extract<Item, { type: T }>;
