/** Connection: the shell around `Link`: one WebSocket at a time, one timer, and what the browser says of network and person. */
import { JSON_PROTOCOL, MESSAGE_BYTES_MAX } from "../schema/constants";
import type { Ack, AnyServerMessage } from "../schema/types";
import { type Api, api } from "./api";
import { ApiError, BARRED } from "./errors";
import { type Effect, Link, type LinkState } from "./link";
import { type Outcome, type Request, refOf } from "./requests";
import type { Delivery, WatchOptions } from "./watch";

export interface Watching {
  /** What was delivered does not fit together: begin again with a snapshot. */
  resync(): void;
  /** Try once more after `refused`. */
  again(): void;
  close(): void;
}

interface Waiter {
  answer: Promise<Ack>;
  resolve(ack: Ack): void;
  reject(error: ApiError): void;
}

/** Connects when there is something to do, and then stays connected. */
export class Connection {
  readonly #url: string;
  readonly #api: Pick<Api, "agents">;
  readonly #link = new Link(Math.random);
  readonly #watchers = new Map<number, (delivery: Delivery) => void>();
  readonly #waiters = new Map<string, Waiter>();
  readonly #listeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #timer: { at: number; id: ReturnType<typeof setTimeout> } | null = null;
  #knocking = false;
  #known: LinkState = { kind: "connecting" };
  #state: LinkState = { kind: "connecting" };

  constructor(url = pageUrl(), asked: Pick<Api, "agents"> = api) {
    this.#url = url;
    this.#api = asked;
    globalThis.addEventListener?.("online", this.#wake);
    globalThis.addEventListener?.("offline", this.#wake); // which may mean any one of the machine's networks
    globalThis.addEventListener?.("pageshow", this.#wake);
    globalThis.document?.addEventListener("visibilitychange", this.#seen);
  }

  /** `at` of `waiting` is in ms since the epoch. The same object until something changes. */
  get state(): LinkState {
    return this.#state;
  }

  /** Returns what ends the subscription. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Try now, also after the connection was closed for good. */
  retry(): void {
    this.#do([...this.#link.connect(now()), ...this.#link.wake(now())]);
  }

  watch(options: WatchOptions, deliver: (delivery: Delivery) => void): Watching {
    const { id, effects } = this.#link.watch(options, now());
    this.#watchers.set(id, deliver);
    this.#do([...effects, ...this.#connect()]);
    return {
      resync: () => this.#do(this.#link.resync(id, now())),
      again: () => this.#do(this.#link.rewatch(id, now())),
      close: () => {
        this.#watchers.delete(id);
        this.#do(this.#link.unwatch(id));
      },
    };
  }

  /** Ask, and ask again on every new connection, until there is an answer. Rejects with ApiError. */
  request(request: Request): Promise<Ack> {
    const ref = refOf(request);
    const known = this.#waiters.get(ref);
    if (known) return known.answer;
    const bytes = new TextEncoder().encode(JSON.stringify(request)).length;
    if (bytes > MESSAGE_BYTES_MAX) return Promise.reject(tooLarge(bytes));
    const waiter = newWaiter();
    this.#waiters.set(ref, waiter);
    this.#do([...this.#link.request(request, now()), ...this.#connect()]);
    return waiter.answer;
  }

  /** For good: there is no way back. */
  close(): void {
    this.#do(this.#link.close());
    globalThis.removeEventListener?.("online", this.#wake);
    globalThis.removeEventListener?.("offline", this.#wake);
    globalThis.removeEventListener?.("pageshow", this.#wake);
    globalThis.document?.removeEventListener("visibilitychange", this.#seen);
  }

  readonly #wake = () => {
    if (this.#isBarred) void this.#knock();
    else this.#do(this.#link.wake(now()));
  };
  readonly #seen = () => {
    if (!document.hidden) this.#wake();
  };
  readonly #tick = () => {
    this.#timer = null;
    this.#do(this.#link.tick(now()));
  };

  #connect(): Effect[] {
    return this.#link.state.kind === "connecting" ? this.#link.connect(now()) : [];
  }

  #do(effects: readonly Effect[]): void {
    for (const effect of effects) this.#doOne(effect);
    this.#arm();
    if (this.#link.state === this.#known) return;
    this.#known = this.#link.state;
    this.#state =
      this.#known.kind === "waiting" ? { ...this.#known, at: Date.now() + this.#known.at - now() } : this.#known;
    for (const listener of [...this.#listeners]) listener();
  }

  #doOne(effect: Effect): void {
    switch (effect.kind) {
      case "connect":
        this.#socket = this.#open(effect.socket);
        break;
      case "close":
        this.#socket?.close();
        this.#socket = null;
        break;
      case "say":
        if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(effect.message));
        break;
      case "deliver":
        this.#watchers.get(effect.watch)?.(effect.delivery);
        break;
      case "settle":
        this.#settle(effect.outcome);
    }
  }

  #open(id: number): WebSocket {
    const socket = new WebSocket(this.#url, JSON_PROTOCOL);
    socket.onopen = () => {
      opened = true;
      this.#do(this.#link.opened(id, now()));
    };
    let opened = false;
    socket.onclose = ({ code, reason }) => {
      this.#do(this.#link.closed(id, code, reason, now()));
      if (!opened) void this.#askWhy();
    };
    socket.onmessage = ({ data }) => {
      const message: AnyServerMessage = JSON.parse(data);
      this.#do(this.#link.received(id, message, now()));
    };
    return socket;
  }

  /** Of a handshake that was refused a browser does not tell the status: an answer to a request does. */
  async #askWhy(): Promise<void> {
    try {
      await this.#api.agents();
    } catch (error) {
      if (error instanceof ApiError && BARRED.has(error.code)) this.#do(this.#link.barred(error));
    }
  }

  get #isBarred(): boolean {
    const { state } = this.#link;
    return state.kind === "closed" && BARRED.has(state.error.code);
  }

  /** Who was not let in may have signed in elsewhere, in another tab perhaps: see, once at a time, and come back. */
  async #knock(): Promise<void> {
    if (this.#knocking) return;
    this.#knocking = true;
    const open = await this.#api.agents().then(Boolean, () => false); // why not is known
    this.#knocking = false;
    if (open && this.#isBarred) this.retry();
  }

  #settle(outcome: Outcome): void {
    const waiter = this.#waiters.get(outcome.ref);
    this.#waiters.delete(outcome.ref);
    if ("ack" in outcome) waiter?.resolve(outcome.ack);
    else waiter?.reject(new ApiError(outcome.error));
  }

  /** A timer that rings too early costs less than setting one anew for every message. */
  #arm(): void {
    const due = this.#link.due;
    if (due === null || (this.#timer && this.#timer.at <= due)) return;
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = { at: due, id: setTimeout(this.#tick, Math.max(0, due - now())) };
  }
}

/** The stream of the gateway that served this page. */
function pageUrl(): string {
  const url = new URL("v1/ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** ms of a clock that never goes back. */
function now(): number {
  return performance.now();
}

function newWaiter(): Waiter {
  const waiter = {} as Waiter;
  waiter.answer = new Promise((resolve, reject) => Object.assign(waiter, { resolve, reject }));
  return waiter;
}

function tooLarge(bytes: number): ApiError {
  const message = `This is ${bytes.toLocaleString("en")} bytes long; the gateway takes ${MESSAGE_BYTES_MAX.toLocaleString("en")}.`;
  return new ApiError({ code: "too_large", message });
}
