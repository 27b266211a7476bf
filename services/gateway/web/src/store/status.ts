/** What the badge says of the connection to a conversation. It is always true. Times are in ms since the epoch. */
export type LinkStatus =
  | { kind: "connecting" }
  | { kind: "catching_up"; received: number; total: number | null } // events taken in, of those there are as far as is known
  | { kind: "live" }
  | { kind: "ended" } // live, and every run is over
  | { kind: "lagging" } // this page reads more slowly than events come; nothing is lost
  | { kind: "reconnecting"; at: number; attempt: number } // `at`: of the next try
  | { kind: "recovered"; reason: GapReason } // not every event was seen, what is shown is whole: a snapshot came
  | { kind: "offline"; message: string } // and will not come back by itself
  | { kind: "missing"; code: string; message: string };

/** `retention`: away for longer than the log holds; `epoch`: the log was made anew; `lost`: something did not fit. */
export type GapReason = "retention" | "epoch" | "lost";
