/** Shapes of the wire made whole: the wire leaves out a field that has its default, readers want it there. */

import { DEFAULTS, NESTED, TAGGED } from "../schema/defaults";
import type { AnyEvent, AnyItem, RunState, Shapes } from "../schema/types";

/** `T` with every field present, at every depth. */
export type Filled<T> = T extends readonly (infer E)[]
  ? Filled<E>[]
  : T extends object
    ? { [K in keyof T]-?: Filled<Exclude<T[K], undefined>> }
    : T;

export type Item = Filled<AnyItem>;
export type ItemOf<T extends Item["type"]> = Extract<Item, { type: T }>;
export type Run = Filled<RunState>;

/** A copy of `wire` with the defaults of its shape; what is no shape of ours (arguments, results) is shared, not copied. */
export function fill<N extends keyof Shapes>(name: N, wire: Shapes[N]): Filled<Shapes[N]> {
  const filled: Record<string, unknown> = { ...DEFAULTS[name](), ...wire };
  const nested: Record<string, string> = name in NESTED ? NESTED[name as keyof typeof NESTED] : {};
  for (const [field, inner] of Object.entries(nested)) {
    const held = filled[field];
    filled[field] = Array.isArray(held) ? held.map((one) => fillHeld(inner, one)) : fillHeld(inner, held);
  }
  return filled as Filled<Shapes[N]>;
}

export function fillItem(wire: AnyItem): Item {
  return fillHeld("AnyItem", wire) as Item;
}

export function fillEvent<E extends AnyEvent>(wire: E): Filled<E> {
  return fillHeld("AnyEvent", wire) as Filled<E>;
}

/** What a field holds: a shape, a member of a union, or null. A member that this page does not know stays as it is. */
function fillHeld(inner: string, held: unknown): unknown {
  if (held === null) return null;
  const name = Object.hasOwn(TAGGED, inner) ? memberOf(inner as keyof typeof TAGGED, held as Tagged) : inner;
  return name === undefined ? held : fill(name as keyof Shapes, held as never);
}

type Tagged = { type: string } | { op: string };

function memberOf(union: keyof typeof TAGGED, value: Tagged): string | undefined {
  const tag = "type" in value ? value.type : value.op;
  const members: Record<string, string> = TAGGED[union];
  return Object.hasOwn(members, tag) ? members[tag] : undefined;
}
