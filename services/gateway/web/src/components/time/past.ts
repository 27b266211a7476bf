/**
 * Past: where in time a person looks. Live goes on being folded underneath; what is shown of the past is a view of its own,
 * which plays, steps and seeks over the recording.
 */
import { type Fold, FoldError } from "../../fold/fold";
import { View } from "../../store/view";
import { Axis, axisOf } from "../../time/axis";
import { type Moment, momentText, parseMoment } from "../../time/moment";
import { momentAt, Playback, positionAt, positionOf, timeAt } from "../../time/playback";
import type { OpenReplay, Recorder } from "../../time/recording";

/** What of a conversation the time controls need. */
export interface Timed {
  readonly id: string;
  readonly live: View;
  readonly recorder: Recorder;
  readonly openReplay: OpenReplay;
}

export const SPEEDS = [0.5, 1, 2, 5, 10, 20] as const;
export type Speed = (typeof SPEEDS)[number];

/** `position` in events; `skipping` is the length in ms of the pause that is being skipped, else 0. */
export interface Standing {
  readonly mode: "live" | "opening" | "past";
  readonly position: number;
  readonly playing: boolean;
  readonly speed: Speed;
  readonly skipping: number;
  readonly notice: string; // why a moment could not be shown
}

/** Read ahead at once: some milliseconds of work. */
const PREPARED_EVENTS = 5000;

const LIVE: Standing = { mode: "live", position: 0, playing: false, speed: 1, skipping: 0, notice: "" };

export class Past {
  readonly conversation: Timed;
  readonly #listeners = new Set<() => void>();
  readonly #leave: () => void;
  #standing = LIVE;
  #playback: Playback | null = null;
  #view: View | null = null;
  #axis = new Axis();
  #measured = { generation: -1, seq: 0 }; // how far the axis goes
  #played = 0; // where on the axis, in ms
  #generation = 0;
  #moment: Moment | null = null; // that is shown, or is to be
  #holds = 0;
  #letGo: (() => void) | null = null; // of the recording, when one comes back to the present

  constructor(conversation: Timed) {
    this.conversation = conversation;
    this.#leave = conversation.recorder.subscribe(() => this.#recorded());
  }

  /** The same object until it changes. */
  readonly standing = (): Standing => this.#standing;

  /** The past that is to be shown; null: show the present. */
  view(): View | null {
    return this.#standing.mode === "past" ? this.#view : null;
  }

  /** Returns what ends the subscription. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Time as it is drawn and played, up to what has been recorded. The same object, which grows. */
  axis(): Axis {
    const { recorder } = this.conversation;
    if (this.#measured.generation !== recorder.generation) {
      this.#axis = axisOf(recorder.before());
      this.#measured = { generation: recorder.generation, seq: recorder.from };
    }
    const news = recorder.framesAfter(this.#measured.seq);
    for (const { from, to } of news) {
      this.#axis.add(from);
      this.#axis.add(to);
    }
    this.#measured.seq = Math.max(recorder.last, this.#measured.seq);
    return this.#axis;
  }

  /** Somebody looks at the timeline: fetch what was before the page joined, and hold it until what is returned is called. */
  look(): () => void {
    const letGo = this.#hold();
    this.load();
    return letGo;
  }

  /** Fetch what was before the page joined, if it has not been. */
  load(): void {
    this.conversation.recorder.load(this.conversation.openReplay);
  }

  /** Read a little ahead, for seeking to be quick. Returns whether there is more to read. */
  prepare(): boolean {
    try {
      this.#playback ??= new Playback(this.conversation.recorder);
      return this.#playback.prepare(PREPARED_EVENTS);
    } catch (error) {
      if (!(error instanceof FoldError)) throw error;
      this.#playback = null; // who goes there is told
      return false;
    }
  }

  /** Where one is: the position that is shown, in the present the end. */
  get position(): number {
    return this.#standing.mode === "past" ? this.#standing.position : this.conversation.recorder.end;
  }

  seek(position: number): void {
    this.pause();
    this.#show(position);
    this.#played = this.#axisAt(this.#standing.position);
  }

  /** To the last position at a place of the axis. */
  seekTo(at: number): void {
    this.seek(positionAt(this.conversation.recorder, this.axis().ts(at)));
  }

  step(by: number): void {
    this.seek(this.position + by);
  }

  /** From where one is, or from `from` on when that is the end. Whoever shows it calls `advance` while it plays. */
  play(from = this.conversation.recorder.start): void {
    if (this.position >= this.conversation.recorder.end) this.seek(from);
    this.#set({ playing: true });
  }

  /** Play so many ms of a person's time. */
  advance(ms: number): void {
    const axis = this.axis();
    const { recorder } = this.conversation;
    this.#played = Math.min(this.#played + Math.max(0, ms) * this.#standing.speed, axis.length);
    const position = positionAt(recorder, axis.ts(this.#played));
    if (position > this.#standing.position) this.#show(position);
    const gap = axis.gapAt(this.#played);
    this.#set({ skipping: gap ? gap.to - gap.from : 0 });
    if (position >= recorder.end) this.pause();
  }

  pause(): void {
    this.#set({ playing: false, skipping: 0 });
  }

  setSpeed(speed: Speed): void {
    this.#set({ speed });
  }

  /** Back to the present; `notice` says why, where nobody asked for it. */
  toLive(notice = ""): void {
    this.#view = null;
    this.#moment = null;
    this.#set({ ...LIVE, speed: this.#standing.speed, notice });
  }

  /** Show the moment of a link: loads what is missing first. What cannot be shown is said, and live is. */
  open(text: string): void {
    const moment = parseMoment(text);
    if (!moment) {
      this.toLive("The link does not say a moment that this page understands.");
      return;
    }
    this.pause();
    this.#moment = moment;
    this.#set({ mode: "opening", notice: "" });
    if (this.conversation.recorder.reach.kind === "failed") this.load();
    this.#tryOpen(moment);
  }

  /** The text of the moment that is shown. */
  get moment(): string {
    return momentText(momentAt(this.conversation.recorder, this.position));
  }

  /** When the last event before the shown position happened, in ms since the epoch. */
  get time(): number {
    return timeAt(this.conversation.recorder, this.position);
  }

  close(): void {
    this.#leave();
    this.#letGo?.();
    this.#listeners.clear();
  }

  /** Show the moment, if it is there; ask for what is missing; say why it cannot be. The recorder calls again. */
  #tryOpen(moment: Moment): void {
    const { recorder } = this.conversation;
    const { epoch, from, reach } = recorder;
    if (!epoch || reach.kind === "loading") return;
    const refusal = refusalOf(recorder, moment);
    if (refusal) this.toLive(refusal);
    else if (moment.seq < from) this.load();
    else this.seek(positionOf(recorder, moment) ?? recorder.end);
  }

  #recorded(): void {
    if (this.#standing.mode === "opening" && this.#moment) this.#tryOpen(this.#moment);
    else if (this.#generation !== this.conversation.recorder.generation) this.#renumber();
  }

  /** The recording begins elsewhere: what is shown has another number now. */
  #renumber(): void {
    const { recorder } = this.conversation;
    this.#generation = recorder.generation;
    if (this.#standing.mode !== "past" || !this.#moment) return;
    const position = positionOf(recorder, this.#moment);
    if (position === null) this.toLive("What you looked at is no longer in the recording: the log was left behind.");
    else this.seek(position);
  }

  #show(position: number): void {
    const { recorder } = this.conversation;
    this.#playback ??= new Playback(recorder);
    const fold = this.#foldAt(this.#playback, position);
    if (!fold) return;
    if (!this.#view) this.#view = new View(fold);
    else if (this.#view.fold === fold) this.#view.publish();
    else this.#view.replace(fold);
    this.#generation = recorder.generation;
    this.#moment = momentAt(recorder, this.#playback.position);
    this.#set({ mode: "past", position: this.#playback.position, notice: "" });
  }

  #foldAt(playback: Playback, position: number): Fold | null {
    try {
      return playback.seek(position);
    } catch (error) {
      if (!(error instanceof FoldError)) throw error;
      this.#playback = null;
      this.toLive(`The recording is damaged: ${error.message}.`);
      return null;
    }
  }

  #axisAt(position: number): number {
    return position <= this.conversation.recorder.start
      ? 0
      : this.axis().at(timeAt(this.conversation.recorder, position));
  }

  /** Hold the recording and what was read of it, until everyone who does lets go. */
  #hold(): () => void {
    this.#holds += 1;
    const release = this.conversation.recorder.keep();
    return () => {
      this.#holds -= 1;
      if (!this.#holds) this.#playback = null;
      release();
    };
  }

  /** Where no timeline is open, the moment that is shown or looked for still needs the recording. */
  #holdWhileAway(): void {
    if (this.#standing.mode !== "live") {
      this.#letGo ??= this.#hold();
    } else {
      this.#letGo?.();
      this.#letGo = null;
    }
  }

  #set(change: Partial<Standing>): void {
    const before = this.#standing;
    const after = { ...before, ...change };
    if ((Object.keys(after) as (keyof Standing)[]).every((key) => after[key] === before[key])) return;
    this.#standing = after;
    this.#holdWhileAway();
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Why a moment cannot be shown; "" if it can be, perhaps after loading. */
function refusalOf({ epoch, from, last, reach }: Recorder, moment: Moment): string {
  if (moment.epoch !== epoch) return "The moment of this link is of another log of this conversation, which is gone.";
  if (moment.seq > last) return "The moment of this link has not happened in this conversation.";
  if (moment.seq >= from) return "";
  if (reach.kind === "failed") return `The moment of this link could not be loaded: ${reach.message}.`;
  if (reach.kind === "expired") return "The moment of this link has left the log: it can no longer be replayed.";
  return reach.kind === "dropped" ? "The moment of this link is no longer in the memory of this page." : "";
}
