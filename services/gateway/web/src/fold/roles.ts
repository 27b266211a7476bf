/** Who the agents of a conversation are: what each is called and its hue. Pure, of the transcript alone. */
import type { Item, Run } from "./fold";

/** `hue` is an index: the name's place in the order in which names came up in the conversation. `label` tells calls of one name apart. */
export interface Role {
  readonly name: string;
  readonly label: string;
  readonly hue: number;
}

/** The roles by `run/namespace`, which is the id of the agent's item. */
export type Roles = ReadonlyMap<string, Role>;

interface Speaker {
  readonly key: string;
  readonly run: string;
  readonly ns: string;
  readonly seq: number;
  name: string;
}

/** What comes later in the log changes no hue, so that every viewer sees the same, whenever it came. */
export function rolesOf({ runs, items }: { runs: ReadonlyMap<string, Run>; items: ReadonlyMap<string, Item> }): Roles {
  const speakers = speakersOf(runs, items);
  const hues = new Map<string, number>();
  for (const { name } of [...speakers].sort((one, other) => one.seq - other.seq)) {
    if (!hues.has(name)) hues.set(name, hues.size);
  }
  const calls = callsOf(speakers);
  const role = ({ run, ns, name }: Speaker): Role => {
    const number = numberOf(ns, calls.get(`${run} ${name}`) ?? []);
    return { name, label: number ? `${name} #${number}` : name, hue: hues.get(name) ?? 0 };
  };
  return new Map(speakers.map((speaker) => [speaker.key, role(speaker)]));
}

function speakersOf(runs: ReadonlyMap<string, Run>, items: ReadonlyMap<string, Item>): Speaker[] {
  const found = new Map<string, Speaker>();
  const add = (run: string, ns: string, seq: number, name: string): Speaker => {
    const key = `${run}/${ns}`;
    const known = found.get(key) ?? { key, run, ns, seq, name };
    found.set(key, known);
    return known;
  };
  for (const { id, seq, agent } of runs.values()) add(id, "main", seq, agent);
  for (const { run, ns, seq, type, ...item } of items.values()) {
    const speaker = add(run, ns, seq, nameIn(ns));
    if (type === "agent" && ns !== "main") speaker.name = (item as { name: string }).name || speaker.name;
  }
  return [...found.values()];
}

/** The namespaces of each name in each run. */
function callsOf(speakers: readonly Speaker[]): Map<string, string[]> {
  const calls = new Map<string, string[]>();
  for (const { run, ns, name } of speakers) {
    const own = calls.get(`${run} ${name}`);
    if (own) own.push(ns);
    else calls.set(`${run} ${name}`, [ns]);
  }
  return calls;
}

/** The number of a call among those of the same name in its run, after those above it where two share one; empty for the only one. */
function numberOf(ns: string, calls: readonly string[]): string {
  if (calls.length < 2) return "";
  const distinct = new Set(calls.map((other) => numbersOf(other).at(-1))).size === calls.length;
  return distinct ? (numbersOf(ns).at(-1) ?? "") : numbersOf(ns).join(".");
}

/** Of `main/research:1/reader:2` they are 1 and 2. */
function numbersOf(ns: string): string[] {
  const elements = ns.split("/").slice(1);
  return elements.map((element) => (element.includes(":") ? element.slice(element.indexOf(":") + 1) : ""));
}

/** The name in the last element of a namespace: `main/research:1/reader:2` is the work of `reader`. */
export function nameIn(ns: string): string {
  const element = ns.slice(ns.lastIndexOf("/") + 1);
  const colon = element.indexOf(":");
  return colon < 0 ? element : element.slice(0, colon);
}
