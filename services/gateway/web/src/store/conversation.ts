/** Conversation: the one that is open: its watch, the fold of what came as a view, its recording, and what a person asks. */
import type { Connection, Watching } from "../client/connection";
import { Pace } from "../client/pace";
import type { Delivery } from "../client/watch";
import { Fold, FoldError } from "../fold/fold";
import { IN_LANE } from "../schema/constants";
import type { Ack, Resolve, Send } from "../schema/types";
import { type OpenReplay, Recorder } from "../time/recording";
import { Backlog, type Next } from "./backlog";
import { Progress, type Reached } from "./progress";
import { openReplay } from "./replay";
import { share } from "./share";
import { type GapReason, type LinkStatus, type Standing, statusOf } from "./status";
import { View } from "./view";

const FOLD_MS_MAX = 8; // of one animation frame: half of it is left for drawing
const BEHIND_TURNS = 6; // with something left over, until the badge says so: a tenth of a second
const RECOVERED_MS = 5_000; // for a person to read it

export type Message = Pick<Send, "id" | "agent" | "multitask">;

export class Conversation {
  readonly id: string;
  readonly live: View;
  readonly recorder: Recorder;
  /** For the recorder: a second subscription, from the first event on. */
  readonly openReplay: OpenReplay;
  readonly #connection: Connection;
  readonly #watching: Watching;
  readonly #leaveConnection: () => void;
  readonly #backlog = new Backlog();
  readonly #progress = new Progress();
  readonly #pace = new Pace(() => this.#turn());
  readonly #listeners = new Set<() => void>();
  #watch: Standing["watch"] = "joining";
  #turnsBehind = 0;
  #gap: GapReason | null = null; // until it is level again
  #recovered: { reason: GapReason; timer: ReturnType<typeof setTimeout> } | null = null;
  #made = false; // by a message from here, since it was asked for
  #heardAt = 0; // when the last frame of a run came, or the status became another one, in ms since the epoch
  #status: LinkStatus = { kind: "connecting" };

  constructor(id: string, connection: Connection) {
    this.id = id;
    this.live = new View(new Fold({ conversation: id }));
    this.recorder = new Recorder(id, { present: () => this.live.fold.snapshot() });
    this.openReplay = openReplay(connection, id);
    this.#connection = connection;
    this.#leaveConnection = connection.subscribe(() => this.#look());
    this.#watching = connection.watch({ conversation: id }, (delivery) => this.#deliver(delivery));
    this.#look();
  }

  /** The same object until it changes. */
  status(): LinkStatus {
    return this.#status;
  }

  /** Since when nothing of a run has come, in ms since the epoch; null while it could have come and not be here. */
  silentSince(): number | null {
    return this.#status.kind === "live" ? this.#heardAt : null;
  }

  /** Returns what ends the subscription. */
  subscribeStatus(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Say something; under the same `id` as often as one likes. Rejects with ApiError. */
  async send(text: string, { id, agent, multitask }: Message): Promise<Ack> {
    const ack = await this.#connection.request({ op: "send", conversation: this.id, id, text, agent, multitask });
    this.#made = true; // the first message makes the conversation; that there is none may still be on its way to here
    if (typeof this.#watch === "object") this.#again();
    return ack;
  }

  /** Ask a run to end. Rejects with ApiError. */
  cancel(run: string): Promise<Ack> {
    return this.#connection.request({ op: "cancel", conversation: this.id, run });
  }

  /** Answer what a run asks. Rejects with ApiError. */
  resolve(interrupt: string, decision: Resolve["decision"], value?: unknown): Promise<Ack> {
    return this.#connection.request({ op: "resolve", conversation: this.id, interrupt, decision, value });
  }

  /** Try now, whatever the status says. */
  retry(): void {
    this.#connection.retry();
    if (typeof this.#watch === "object") this.#again();
  }

  close(): void {
    this.#watching.close();
    this.#leaveConnection();
    this.#pace.stop();
    this.recorder.close();
    if (this.#recovered) clearTimeout(this.#recovered.timer);
    this.#listeners.clear();
  }

  #again(): void {
    this.#made = false;
    this.#watching.again();
  }

  #deliver(delivery: Delivery): void {
    this.#backlog.push(delivery);
    this.#pace.ask();
  }

  /** Fold what came, as far as the time goes. Returns whether something is left. */
  #turn(): boolean {
    const until = performance.now() + FOLD_MS_MAX;
    do {
      const next = this.#backlog.take();
      if (next) this.#take(next);
    } while (!this.#backlog.empty && performance.now() < until);
    this.live.publish();
    this.#turnsBehind = this.#backlog.empty ? 0 : this.#turnsBehind + 1;
    if (this.#turnsBehind === 1 && this.#watch === "level") this.#progress.begin(this.live.fold.events);
    this.#look();
    return !this.#backlog.empty;
  }

  #take(next: Next): void {
    switch (next.kind) {
      case "joining":
        this.#watch = "joining";
        this.#progress.begin(this.live.fold.events);
        break;
      case "joined":
        this.#progress.aim(next.events);
        break;
      case "gap":
        this.#gap = next.reason;
        break;
      case "snapshot":
        this.live.replace(new Fold(next.transcript));
        this.recorder.base(next.transcript, next.cursor);
        break;
      case "frame":
        this.#fold(next);
        break;
      case "caught_up":
        this.#watch = "level";
        if (this.#gap) this.#recover(this.#gap);
        break;
      case "lagging":
        this.#watch = "lagging";
        break;
      case "refused":
        this.#watch = next;
        if (this.#made && next.code === "unknown_conversation") this.#again();
    }
  }

  #fold({ frame, cursor }: Extract<Next, { kind: "frame" }>): void {
    try {
      this.live.fold.apply(frame);
    } catch (error) {
      if (!(error instanceof FoldError)) throw error;
      console.warn(`conversation ${this.id}: ${error.message}; asking for a snapshot`);
      this.#backlog.clear();
      this.#watching.resync();
      return;
    }
    if (frame.lane !== IN_LANE) this.#heardAt = Date.now();
    this.recorder.add(frame, cursor);
  }

  #recover(reason: GapReason): void {
    this.#gap = null;
    if (this.#recovered) clearTimeout(this.#recovered.timer);
    const timer = setTimeout(() => {
      this.#recovered = null;
      this.#look();
    }, RECOVERED_MS);
    this.#recovered = { reason, timer };
  }

  #reached(): Reached {
    if (this.#backlog.rejoins) return { received: 0, total: null }; // of a catch-up that has not begun
    return this.#progress.reached(this.live.fold.events, this.#backlog.events, this.#backlog.complete);
  }

  #look(): void {
    const { runs, active } = this.live.head();
    const status = statusOf({
      link: this.#connection.state,
      watch: this.#backlog.rejoins ? "joining" : this.#watch,
      reached: () => this.#reached(),
      behind: this.#turnsBehind >= BEHIND_TURNS,
      recovered: this.#recovered?.reason ?? null,
      runs: runs.length,
      active: active.length,
    });
    const shared = share(this.#status, status);
    if (shared === this.#status) return;
    if (status.kind !== this.#status.kind) this.#heardAt = Date.now();
    this.#status = shared;
    for (const listener of [...this.#listeners]) listener();
  }
}
