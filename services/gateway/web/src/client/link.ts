/**
 * Link: one WebSocket at a time that carries all that the page watches and asks, for as long as it takes. Pure: it is told
 * what happened and when (ms of a clock that never goes back), and gives what to do; `due` is when it wants to hear `tick`.
 */
import type { AnyClientMessage, AnyServerMessage, ErrorBody, ErrorMessage } from "../schema/types";
import { comeback, type Ending } from "./comeback";
import { type Outcome, type Request, Requests, refOf } from "./requests";
import { type Delivery, type Step, Watch, type WatchOptions } from "./watch";

export type LinkState =
  | { kind: "connecting" } // for the first time
  | { kind: "open" }
  | { kind: "waiting"; at: number; attempt: number } // for the next try, at `at`; or trying, if that is over
  | { kind: "closed"; error: ErrorBody }; // for good

/** `socket` numbers the connections: what is heard of an older one does not count any more. */
export type Effect =
  | { kind: "connect"; socket: number }
  | { kind: "close"; socket: number }
  | { kind: "say"; socket: number; message: AnyClientMessage }
  | { kind: "deliver"; watch: number; delivery: Delivery }
  | { kind: "settle"; outcome: Outcome };

const OPEN_MS_MAX = 10_000; // for a handshake; a browser itself would wait for minutes
const PING_MS = 20_000; // of silence, before asking whether the other side is there
const PONG_MS_MAX = 8_000; // so a network that has died is noticed in less than 30 s
const PROBE_MS_MAX = 3_000; // where something hints at a change, or a person looks
const STEADY_MS = 10_000; // a connection that lasts so long has not failed
const LOST = 1006; // what browsers call a connection that ended without a word

export class Link {
  #state: LinkState = { kind: "connecting" };
  #socket = 0;
  #opening: number | null = null; // until when
  #opened = 0;
  #heard = 0;
  #pongBy: number | null = null;
  #failures = 0;
  #names = 0;
  #nextWatch = 1;
  readonly #watches = new Map<number, Watch>();
  readonly #requests = new Requests();

  readonly #random: () => number;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  get state(): LinkState {
    return this.#state;
  }

  get due(): number | null {
    const dues = [this.#requests.due, this.#ownDue()];
    if (this.#isOpen) for (const watch of this.#watches.values()) dues.push(watch.due);
    const known = dues.filter((due) => due !== null);
    return known.length ? Math.min(...known) : null;
  }

  // --- what the page wants

  /** Connect; also again, after the link was closed for good. */
  connect(now: number): Effect[] {
    if (this.#state.kind === "closed") this.#state = { kind: "connecting" };
    return this.#isOpen || this.#opening !== null ? [] : this.#connect(now);
  }

  watch(options: WatchOptions, now: number): { id: number; effects: Effect[] } {
    const id = this.#nextWatch++;
    const watch = new Watch(options, () => `s:${++this.#names}`, this.#random); // no id has a colon: acks are told apart
    this.#watches.set(id, watch);
    return { id, effects: this.#isOpen ? this.#did(id, watch.subscribe(now)) : [] };
  }

  unwatch(id: number): Effect[] {
    const sub = this.#watches.get(id)?.sub;
    this.#watches.delete(id);
    return sub ? [this.#say({ op: "unsubscribe", sub })] : [];
  }

  /** What the watch has delivered does not fit together. */
  resync(id: number, now: number): Effect[] {
    const watch = this.#watches.get(id);
    return watch ? this.#did(id, watch.resync(now)) : [];
  }

  /** Try a watch again that was refused. */
  rewatch(id: number, now: number): Effect[] {
    const watch = this.#watches.get(id);
    return watch && !watch.sub && this.#isOpen ? this.#did(id, watch.subscribe(now)) : [];
  }

  /** One that waits under the same id stays as it is. */
  request(request: Request, now: number): Effect[] {
    if (this.#requests.has(refOf(request))) return [];
    this.#requests.add(request, this.#isOpen, now);
    return this.#state.kind === "closed" ? this.#failAll(this.#state.error) : this.#tickRequests(now);
  }

  close(): Effect[] {
    return this.#end({ code: "closed", message: "This page has closed the connection." });
  }

  // --- what happens

  opened(socket: number, now: number): Effect[] {
    if (socket !== this.#socket) return [];
    this.#opening = null;
    this.#opened = this.#heard = now;
    this.#pongBy = null;
    this.#names = 0;
    this.#state = { kind: "open" };
    this.#requests.opened(now);
    const subscribed = [...this.#watches].flatMap(([id, watch]) => this.#did(id, watch.subscribe(now)));
    return [...subscribed, ...this.#tickRequests(now)];
  }

  closed(socket: number, code: number, reason: string, now: number): Effect[] {
    return socket === this.#socket ? this.#lost({ code, reason, after: null }, now) : [];
  }

  /** Who looks is not let in: to try again changes nothing. */
  barred(error: ErrorBody): Effect[] {
    return this.#isOpen ? [] : this.#end(error);
  }

  received(socket: number, message: AnyServerMessage, now: number): Effect[] {
    if (socket !== this.#socket || !this.#isOpen) return [];
    this.#heard = now;
    this.#pongBy = null;
    switch (message.op) {
      case "pong":
        return [];
      case "reconnect":
        return this.#lost({ code: 4000, reason: "", after: message.after_ms }, now);
      case "ack":
        return settled(this.#requests.acknowledged(message));
      case "error":
        return this.#refused(message, now);
      default:
        for (const [id, watch] of this.#watches)
          if (watch.sub === message.sub) return this.#did(id, watch.receive(message, now));
        return []; // of a subscription that was given up, or an `op` of a later protocol
    }
  }

  tick(now: number): Effect[] {
    const effects = this.#tickRequests(now);
    if (this.#state.kind === "closed") return effects;
    if (this.#isOpen) {
      if (this.#pongBy !== null && now >= this.#pongBy) return [...effects, ...this.#dead(now)];
      if (this.#pongBy === null && now >= this.#heard + PING_MS) effects.push(this.#ping(now + PONG_MS_MAX));
      for (const [id, watch] of this.#watches) effects.push(...this.#did(id, watch.tick(now)));
      return effects;
    }
    const due = this.#ownDue();
    if (due === null || now < due) return effects;
    return [...effects, ...(this.#opening === null ? this.#connect(now) : this.#dead(now))];
  }

  /** The network may be another one, or a person looks again: try now, or find out soon whether the other side is there. */
  wake(now: number): Effect[] {
    if (this.#state.kind === "waiting" && this.#opening === null) return this.#connect(now);
    if (!this.#isOpen) return [];
    const by = Math.min(now + PROBE_MS_MAX, this.#pongBy ?? Number.POSITIVE_INFINITY);
    return [this.#ping(by)];
  }

  // --- inside

  get #isOpen(): boolean {
    return this.#state.kind === "open";
  }

  #ownDue(): number | null {
    if (this.#state.kind === "closed") return null;
    if (this.#isOpen) return this.#pongBy ?? this.#heard + PING_MS;
    if (this.#opening !== null) return this.#opening;
    return this.#state.kind === "waiting" ? this.#state.at : null;
  }

  #connect(now: number): Effect[] {
    this.#opening = now + OPEN_MS_MAX;
    this.#socket += 1;
    return [{ kind: "connect", socket: this.#socket }];
  }

  #ping(by: number): Effect {
    this.#pongBy = by;
    return this.#say({ op: "ping" });
  }

  #dead(now: number): Effect[] {
    return this.#lost({ code: LOST, reason: "", after: null }, now);
  }

  #lost(ending: Ending, now: number): Effect[] {
    if (this.#isOpen && now - this.#opened >= STEADY_MS) this.#failures = 0;
    const next = comeback(ending, this.#failures, this.#random);
    if ("never" in next) return this.#end({ code: "connection_refused", message: next.never });
    this.#failures += 1;
    const effects = this.#disconnect();
    this.#state = { kind: "waiting", at: now + next.pause, attempt: this.#failures };
    return effects;
  }

  #end(error: ErrorBody): Effect[] {
    const effects = [...this.#disconnect(), ...this.#failAll(error)];
    this.#state = { kind: "closed", error };
    this.#failures = 0;
    return effects;
  }

  #disconnect(): Effect[] {
    const socket = this.#socket;
    this.#socket += 1; // whatever the old one still says is nobody's
    this.#opening = this.#pongBy = null;
    for (const watch of this.#watches.values()) watch.lost();
    this.#requests.lost();
    return [{ kind: "close", socket }];
  }

  #refused(error: ErrorMessage, now: number): Effect[] {
    for (const [id, watch] of this.#watches)
      if (watch.sub && watch.sub === error.ref) return this.#did(id, watch.refused(error, now));
    return settled(this.#requests.refused(error, now, this.#random));
  }

  #tickRequests(now: number): Effect[] {
    const { say, outcomes } = this.#requests.tick(now);
    return [...say.map((message) => this.#say(message)), ...outcomes.flatMap(settled)];
  }

  #failAll(error: ErrorBody): Effect[] {
    return this.#requests.failAll(error).flatMap(settled);
  }

  #did(watch: number, { say, deliver }: Step): Effect[] {
    return [
      ...say.map((message) => this.#say(message)), // first: who is delivered something may ask for something else
      ...deliver.map((delivery): Effect => ({ kind: "deliver", watch, delivery })),
    ];
  }

  #say(message: AnyClientMessage): Effect {
    return { kind: "say", socket: this.#socket, message };
  }
}

function settled(outcome: Outcome | null): Effect[] {
  return outcome ? [{ kind: "settle", outcome }] : [];
}
