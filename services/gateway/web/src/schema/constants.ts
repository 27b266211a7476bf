// Generated from schemas/ by `make generate`. Do not edit.

/** The WebSocket subprotocol with JSON in text messages. */
export const JSON_PROTOCOL = "anabranch.v1.json";

/** The WebSocket subprotocol with MessagePack in binary messages. */
export const MSGPACK_PROTOCOL = "anabranch.v1.msgpack";

/** Characters (code points) of one message of a user. */
export const TEXT_CHARS_MAX = 200_000;

/** Subtrees that one subscription may name. */
export const NAMESPACES_MAX = 16;

/** Subscriptions of one connection. */
export const SUBSCRIPTIONS_MAX = 256;

/** Bytes of one message to the gateway. */
export const MESSAGE_BYTES_MAX = 1_048_576;

/** Close codes (first, last) after which a client comes back at once. */
export const CLOSED_COME_BACK = [4000, 4099] as const;

/** Close codes (first, last) after which a client comes back later. */
export const CLOSED_COME_BACK_LATER = [4100, 4199] as const;

/** Close codes (first, last) after which a client does not come back. */
export const CLOSED_FOR_GOOD = [4400, 4499] as const;

/** Characters of an id. */
export const ID_CHARS_MAX = 64;

/** The lane of the gateways in every conversation. */
export const IN_LANE = "in";

/** Bytes of artifact content above which it is referenced. */
export const CONTENT_BYTES_MAX = 262_144;

/** The namespace of the agent that answers. */
export const ROOT = "main";

/** Elements of a namespace. */
export const DEPTH_MAX = 8;

/** The statuses of a run that is over. */
export const ENDED = new Set<string>(["cancelled", "completed", "failed", "superseded"]) as ReadonlySet<string>;
