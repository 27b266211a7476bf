import type { Frame, Transcript } from "../schema/types";

/** What a conversation tells whoever records it: everything that its fold is made of, in the order of the log. */
export interface FrameRecorder {
  /** The conversation as it is at `cursor`, in place of all before it. The recorder gets an own copy. */
  base(transcript: Transcript, cursor: string): void;
  /** A frame that the fold took in; `cursor` is the position just after it, `bytes` its size on the wire. */
  add(frame: Frame, cursor: string, bytes: number): void;
}
