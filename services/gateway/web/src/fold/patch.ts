/**
 * JSON Patch (RFC 6902) on plain JSON values, for `state.delta`.
 *
 * Values are never changed in place: a change makes new containers along its path and shares everything else.
 */

import { FoldError } from "./errors";

type Container = unknown[] | Record<string, unknown>;

/** `value` with the operations applied in order. Throws FoldError: one is malformed, its path does not exist, or a `test` fails. */
export function applyPatch(value: unknown, patch: readonly Record<string, unknown>[]): unknown {
  let patched = value;
  for (const operation of patch) patched = applyOperation(patched, operation);
  return patched;
}

function applyOperation(value: unknown, operation: Record<string, unknown>): unknown {
  const path = tokens(field(operation, "path"));
  const op = field(operation, "op");
  switch (op) {
    case "add":
      return add(value, path, field(operation, "value"));
    case "remove":
      return remove(value, path);
    case "replace":
      return add(remove(value, path), path, field(operation, "value"));
    case "move":
      return move(value, tokens(field(operation, "from")), path);
    case "copy":
      return add(value, path, get(value, tokens(field(operation, "from"))));
    case "test":
      if (!equal(get(value, path), field(operation, "value"))) throw new FoldError("JSON Patch: test failed");
      return value;
    default:
      throw new FoldError(`JSON Patch: unknown op ${JSON.stringify(op)}`);
  }
}

function field(operation: Record<string, unknown>, name: string): unknown {
  if (!Object.hasOwn(operation, name)) throw new FoldError(`JSON Patch: an operation has no "${name}"`);
  return operation[name];
}

/** RFC 6901: `/a~1b/0` is ["a/b", "0"]. */
function tokens(pointer: unknown): string[] {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
    throw new FoldError("JSON Patch: a JSON pointer is empty or starts with '/'");
  }
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function get(value: unknown, path: readonly string[]): unknown {
  return path.reduce(child, value);
}

function child(value: unknown, token: string): unknown {
  const container = containerOf(value);
  if (Array.isArray(container)) return container[indexOf(token, container.length - 1)];
  if (!Object.hasOwn(container, token)) throw new FoldError(`JSON Patch: there is no ${JSON.stringify(token)}`);
  return container[token];
}

/** `value` with the container that `path` ends in replaced by what `change` makes of it. */
function along(
  value: unknown,
  path: readonly string[],
  change: (container: Container, last: string) => Container,
): unknown {
  const [token = "", ...rest] = path;
  const container = containerOf(value);
  if (rest.length === 0) return change(container, token);
  const changed = along(child(container, token), rest, change);
  return Array.isArray(container) ? container.with(Number(token), changed) : { ...container, [token]: changed };
}

function add(value: unknown, path: readonly string[], added: unknown): unknown {
  if (path.length === 0) return added;
  return along(value, path, (container, last) => {
    if (!Array.isArray(container)) return { ...container, [last]: added };
    return container.toSpliced(last === "-" ? container.length : indexOf(last, container.length), 0, added);
  });
}

function remove(value: unknown, path: readonly string[]): unknown {
  if (path.length === 0) return null;
  return along(value, path, (container, last) => {
    child(container, last);
    if (Array.isArray(container)) return container.toSpliced(Number(last), 1);
    const { [last]: _, ...rest } = container;
    return rest;
  });
}

function move(value: unknown, source: readonly string[], path: readonly string[]): unknown {
  if (source.length < path.length && source.every((token, index) => token === path[index])) {
    throw new FoldError("JSON Patch: a value cannot move into itself");
  }
  return add(remove(value, source), path, get(value, source));
}

function containerOf(value: unknown): Container {
  if (typeof value !== "object" || value === null) throw new FoldError("JSON Patch: neither an array nor an object");
  return value as Container;
}

function indexOf(token: string, highest: number): number {
  if (!/^(0|[1-9][0-9]*)$/.test(token) || Number(token) > highest) {
    throw new FoldError(`JSON Patch: ${JSON.stringify(token)} is no index up to ${highest}`);
  }
  return Number(token);
}

function equal(left: unknown, right: unknown): boolean {
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((one, index) => equal(one, right[index]));
  }
  const [these, those] = [left as Record<string, unknown>, right as Record<string, unknown>];
  const keys = Object.keys(these);
  return (
    keys.length === Object.keys(those).length &&
    keys.every((key) => Object.hasOwn(those, key) && equal(these[key], those[key]))
  );
}
