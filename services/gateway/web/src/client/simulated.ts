/** For tests: a gateway, the network before it and the one who watches, all in one thread with a clock of its own. */
import type { AnyClientMessage, AnyServerMessage, Frame, Subscribe } from "../schema/types";
import { parseCursor } from "./cursor";
import { type Effect, Link } from "./link";
import type { Outcome } from "./requests";
import type { Delivery, WatchOptions } from "./watch";

const EPOCH = "e1";

interface Line {
  socket: number;
  open: boolean;
  silent: boolean; // nothing gets through, and nobody says so
  up: AnyClientMessage[];
  down: AnyServerMessage[];
  subs: Map<string, { at: number; prev: number; level: boolean }>;
}

export class World {
  now = 1000;
  readonly log: Frame[] = [];
  readonly asked: string[] = []; // ids of what the gateway was asked, every time
  readonly outcomes: Outcome[] = [];
  readonly deliveries: Delivery[] = [];
  /** The seq up to which the one who watches has seen everything. */
  seen = 0;
  level = false;
  refused: string | null = null;
  line: Line | null = null;
  connects = 0;
  readonly link: Link;
  readonly watch: number;

  constructor(options: Pick<WatchOptions, "mode"> = {}) {
    this.link = new Link(() => 0.5);
    const { id, effects } = this.link.watch({ conversation: "c", ...options }, this.now);
    this.watch = id;
    this.do(effects);
    this.do(this.link.connect(this.now));
  }

  get end(): number {
    return this.log.at(-1)?.seq ?? 0;
  }

  do(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "connect") {
        this.connects += 1;
        this.line = { socket: effect.socket, open: false, silent: false, up: [], down: [], subs: new Map() };
      } else if (effect.kind === "close") this.line = null;
      else if (effect.kind === "say") this.#say(effect.socket, effect.message);
      else if (effect.kind === "deliver") this.see(effect.delivery);
      else this.outcomes.push(effect.outcome);
    }
  }

  #say(socket: number, message: AnyClientMessage): void {
    if (!this.line?.open || this.line.socket !== socket) throw new Error(`${message.op} is said to nobody`);
    this.line.up.push(message);
  }

  /** What a strict reader checks: the next frame, and no other, or a snapshot in its place. */
  see(delivery: Delivery): void {
    this.deliveries.push(delivery);
    if (delivery.kind === "joining" || delivery.kind === "lagging") this.level = false;
    if (delivery.kind === "caught_up") this.level = true;
    if (delivery.kind === "refused") this.refused = delivery.code;
    if (delivery.kind === "snapshot") this.seen = parseCursor(delivery.cursor)?.seq ?? 0;
    if (delivery.kind !== "frames") return;
    for (const frame of delivery.frames) {
      const next = this.log.find((one) => (one.seq as number) > this.seen);
      if (frame.seq !== next?.seq) throw new Error(`after ${this.seen} came ${frame.seq} instead of ${next?.seq}`);
      this.seen = frame.seq as number;
    }
  }

  // --- what can happen

  append(hole: number): void {
    this.log.push({ run: "r", n: this.log.length + 1, ts: 0, seq: this.end + 1 + hole, events: [] });
  }

  open(): void {
    if (!this.line || this.line.open || this.line.silent) return;
    this.line.open = true;
    this.do(this.link.opened(this.line.socket, this.now));
  }

  cut(code: number): void {
    const socket = this.line?.socket;
    this.line = null;
    if (socket !== undefined) this.do(this.link.closed(socket, code, "", this.now));
  }

  silence(): void {
    if (this.line) this.line.silent = true;
  }

  /** The gateway takes in what it is told next. */
  hear(): void {
    const message = this.line?.silent ? undefined : this.line?.up.shift();
    if (!this.line || !message) return;
    const { down, subs } = this.line;
    if (message.op === "ping") down.push({ op: "pong" });
    else if (message.op === "unsubscribe") subs.delete(message.sub);
    else if (message.op === "subscribe") this.#subscribe(message);
    else if (message.op === "send" || message.op === "cancel" || message.op === "resolve") {
      const ref = message.op === "send" ? message.id : message.op === "cancel" ? message.run : message.interrupt;
      this.asked.push(ref);
      down.push({ op: "ack", ref });
    }
  }

  #subscribe({ sub = "", after = "", mode }: Subscribe): void {
    if (!this.line) return;
    const from = parseCursor(after)?.seq ?? 0;
    const snapshot = mode === "snapshot" || (mode === "auto" && !after);
    const at = snapshot ? this.end : from;
    this.line.subs.set(sub, { at, prev: at, level: false });
    const cursor = `${EPOCH}-${snapshot ? at : from}`;
    const chosen = snapshot ? "snapshot" : "replay";
    this.line.down.push({ op: "subscribed", sub, conversation: "c", mode: chosen, cursor, events: this.log.length });
    if (snapshot) this.line.down.push({ op: "snapshot", sub, cursor, transcript: { conversation: "c" } });
  }

  /** The gateway says what comes next of each subscription: at most `count` frames, after the last `again` once more. */
  speak(count: number, again = 0): void {
    for (const [sub, state] of this.line?.subs ?? []) {
      const first = this.log.findIndex((frame) => (frame.seq as number) > state.at);
      if (first < 0) {
        if (!state.level) this.line?.down.push({ op: "caught_up", sub, cursor: `${EPOCH}-${state.at}` });
        state.level = true;
        continue;
      }
      const from = Math.max(0, first - again);
      const frames = this.log.slice(from, first + count);
      const prev = from ? (this.log[from - 1]?.seq as number) : 0;
      state.at = frames.at(-1)?.seq as number;
      const before = again ? Math.min(prev, state.prev) : state.prev;
      this.line?.down.push({ op: "events", sub, prev: `${EPOCH}-${before}`, cursor: `${EPOCH}-${state.at}`, frames });
      state.prev = state.at;
    }
  }

  /** What the gateway says of its own accord, to each subscription. */
  say(message: (sub: string) => AnyServerMessage): void {
    for (const sub of this.line?.subs.keys() ?? []) this.line?.down.push(message(sub));
  }

  /** The next message arrives. */
  arrive(): void {
    const message = this.line?.silent ? undefined : this.line?.down.shift();
    if (this.line && message) this.do(this.link.received(this.line.socket, message, this.now));
  }

  /** A message is lost on the way, which a network does not do and a bug could. */
  lose(): void {
    this.line?.down.shift();
  }

  pass(ms: number): void {
    this.now += ms;
    this.do(this.link.tick(this.now));
  }

  /** Let everything run its course for two minutes; a silent line is mended only by another one. */
  settle(): void {
    for (const until = this.now + 120_000; this.now < until; ) {
      this.pass(1000);
      for (let turn = 0; turn < 50; turn += 1) this.exchange();
    }
  }

  /** All that can happen without time passing, once. */
  exchange(count = 3, again = 0): void {
    this.open();
    this.hear();
    this.speak(count, again);
    this.arrive();
  }
}
