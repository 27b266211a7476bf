/** Backlog: what a watch has delivered and nobody has folded yet, to be taken frame by frame. */
import type { Delivery } from "../client/watch";
import type { Frame } from "../schema/types";

export type Next = { kind: "frame"; frame: Frame; cursor: string } | Exclude<Delivery, { kind: "frames" }>;

export class Backlog {
  #deliveries: Delivery[] = [];
  #first = 0; // in #deliveries
  #frame = 0; // in the first delivery
  #events = 0;
  #ends = 0;

  /** Events that wait. */
  get events(): number {
    return this.#events;
  }

  /** Whether everything up to the present is in it, so that nothing more is to come but what is new. */
  get reachesPresent(): boolean {
    return this.#ends > 0;
  }

  get empty(): boolean {
    return this.#first === this.#deliveries.length;
  }

  push(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    if (delivery.kind === "frames") for (const frame of delivery.frames) this.#events += frame.events.length;
    if (delivery.kind === "caught_up") this.#ends += 1;
  }

  take(): Next | undefined {
    const delivery = this.#deliveries[this.#first];
    if (delivery?.kind !== "frames") {
      if (delivery?.kind === "caught_up") this.#ends -= 1;
      if (delivery) this.#advance();
      return delivery;
    }
    const frame = delivery.frames[this.#frame] as Frame;
    this.#frame += 1;
    this.#events -= frame.events.length;
    if (this.#frame === delivery.frames.length) this.#advance();
    return { kind: "frame", frame, cursor: delivery.cursor };
  }

  clear(): void {
    this.#deliveries = [];
    this.#first = this.#frame = this.#events = this.#ends = 0;
  }

  #advance(): void {
    this.#frame = 0;
    this.#first += 1;
    if (this.#first < this.#deliveries.length) return;
    this.#deliveries = [];
    this.#first = 0;
  }
}
