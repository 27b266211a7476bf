import type { Connection } from "../client/connection";
import type { Delivery } from "../client/watch";
import type { AnyServerMessage } from "../schema/types";
import type { OpenReplay } from "../time/recording";

/** Opens second subscriptions of a conversation, which replay its log. The connection continues them over every cut. */
export function openReplay(connection: Connection, conversation: string): OpenReplay {
  return (on) => {
    const watching = connection.watch({ conversation, mode: "replay" }, (delivery) => {
      const message = messageOf(delivery);
      if (message) on(message);
    });
    return watching.close;
  };
}

function messageOf(delivery: Delivery): AnyServerMessage | null {
  switch (delivery.kind) {
    case "frames":
      return { op: "events", sub: "", prev: "", cursor: delivery.cursor, frames: [...delivery.frames] };
    case "snapshot":
      return { op: "snapshot", sub: "", cursor: delivery.cursor, transcript: delivery.transcript };
    case "caught_up":
      return { op: "caught_up", sub: "", cursor: delivery.cursor };
    case "gap":
      return { op: "gap", sub: "", after: "", to: "", reason: delivery.reason };
    case "refused":
      return { op: "error", code: delivery.code, message: delivery.message };
    default:
      return null;
  }
}
