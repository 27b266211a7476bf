/** Backlog: what a watch has delivered and nobody has folded yet, to be taken frame by frame. */
import type { Delivery } from "../client/watch";
import type { Frame } from "../schema/types";

export type Next = { kind: "frame"; frame: Frame; cursor: string } | Exclude<Delivery, { kind: "frames" }>;

/** So many deliveries that have been taken are let go at once: to move those that wait, each time, would cost more. */
const TAKEN_MAX = 64;

export class Backlog {
  #deliveries: Delivery[] = [];
  #first = 0; // in #deliveries
  #frame = 0; // in the first delivery
  #events = 0;
  #joins = 0;
  #complete = false;

  /** Events that wait. */
  get events(): number {
    return this.#events;
  }

  /** Whether the subscription it ends with is a new one. */
  get rejoins(): boolean {
    return this.#joins > 0;
  }

  /** Whether everything up to the present has come, so that nothing more is to come but what is new. */
  get complete(): boolean {
    return this.#complete;
  }

  get empty(): boolean {
    return this.#first === this.#deliveries.length;
  }

  push(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    if (delivery.kind === "frames") for (const frame of delivery.frames) this.#events += eventsOf(frame);
    if (delivery.kind === "joining") this.#joins += 1;
    if (delivery.kind === "joining" || delivery.kind === "lagging") this.#complete = false;
    if (delivery.kind === "caught_up") this.#complete = true;
  }

  take(): Next | undefined {
    const delivery = this.#deliveries[this.#first];
    if (delivery?.kind !== "frames") {
      if (delivery?.kind === "joining") this.#joins -= 1;
      if (delivery) this.#advance();
      return delivery;
    }
    const frame = delivery.frames[this.#frame] as Frame;
    this.#frame += 1;
    this.#events -= eventsOf(frame);
    if (this.#frame === delivery.frames.length) this.#advance();
    return { kind: "frame", frame, cursor: delivery.cursor };
  }

  clear(): void {
    this.#deliveries = [];
    this.#first = this.#frame = this.#events = this.#joins = 0;
  }

  #advance(): void {
    this.#frame = 0;
    this.#first += 1;
    if (this.#first < Math.min(TAKEN_MAX, this.#deliveries.length)) return;
    this.#deliveries.splice(0, this.#first);
    this.#first = 0;
  }
}

/** Merged deltas count as those they were. */
function eventsOf({ count, events }: Frame): number {
  return count || events.length;
}
