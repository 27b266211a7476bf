/** The gateway's HTTP API, as far as the page uses it (docs/protocol.md). Whatever goes wrong is an ApiError. */
import type { ErrorBody, Resolve, RunState } from "../schema/types";
import { ApiError, UNAUTHENTICATED } from "./errors";

const ANSWER_MS_MAX = 20_000; // above what the slowest part behind a gateway is waited for

/** Or a proxy answers with a page to sign in on, or sends us there: a page to look at, and no answer. */
const ASKING = { redirect: "manual", headers: { Accept: "application/json" } } as const;

/** Of the gateway, or of what stands before it, in words for who looks at this page. */
const SIGNED_OUT: ErrorBody = {
  code: UNAUTHENTICATED,
  message: "You are not signed in, or your sign-in has expired.",
};

/** `status` is what goes on now, `last_status` how the newest run that has ended did. Times in ms since the epoch. */
export interface ConversationRow {
  id: string;
  title: string;
  created: number;
  updated: number;
  runs: number;
  status: "idle" | "queued" | "running" | "waiting" | "unknown";
  last_status: "" | "completed" | "failed" | "cancelled" | "superseded";
}

/** Newest activity first. `next` is the `page` of what follows, empty at the end. */
export interface ConversationPage {
  conversations: ConversationRow[];
  next: string;
}

export interface ConversationHead {
  id: string;
  title: string;
}

/** `default` is whom a message asks that names nobody. */
export interface Agents {
  agents: { name: string; description: string }[];
  default: string;
}

export interface RunProgress {
  conversation: string;
  run: string;
  status: NonNullable<RunState["status"]>;
  over: boolean;
  attempt: number;
  retrying: string;
}

/** `retryable` errors have not been tried again: who asks knows whether anybody still waits. */
export class Api {
  readonly #base: string;

  /** `base` is the gateway's address with a slash at its end; empty for the one that served this page. */
  constructor(base = "") {
    this.#base = base;
  }

  agents(signal?: AbortSignal): Promise<Agents> {
    return this.#json("GET", "v1/agents", { signal });
  }

  /** `q` searches titles and messages. */
  conversations(asked: { q?: string; page?: string; limit?: number } = {}, signal?: AbortSignal) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(asked)) if (value) query.set(name, String(value));
    return this.#json<ConversationPage>("GET", `v1/conversations?${query}`, { signal });
  }

  /** One that exists is left as it is. */
  createConversation(body: { id?: string; title?: string } = {}): Promise<ConversationHead> {
    return this.#json("POST", "v1/conversations", { body });
  }

  renameConversation(conversation: string, title: string): Promise<ConversationHead> {
    return this.#json("PATCH", `v1/conversations/${conversation}`, { body: { title } });
  }

  deleteConversation(conversation: string): Promise<void> {
    return this.#json("DELETE", `v1/conversations/${conversation}`);
  }

  /** The conversation as one text. */
  async markdown(conversation: string): Promise<string> {
    const response = await this.open(this.exportUrl(conversation, "markdown"));
    return response.text().catch(() => Promise.reject(unreachable()));
  }

  /** What lies at one of the addresses below: a good answer, to be read as it comes, for as long as that takes. */
  async open(url: string, signal?: AbortSignal): Promise<Response> {
    const response = await fetch(url, { ...ASKING, signal }).catch((error) => {
      throw signal?.aborted ? error : unreachable();
    });
    if (!response.ok) throw new ApiError(errorOf(response, await response.text().catch(() => "")));
    return response;
  }

  /** Where a browser downloads the conversation as a file. */
  exportUrl(conversation: string, format: "json" | "markdown"): string {
    return `${this.#base}v1/conversations/${conversation}/export?format=${format}`;
  }

  /** `view` is what a browser may show, in a sandbox; `content` are the bytes, to be saved. */
  artifactUrl(conversation: string, artifact: string, version: number, what: "content" | "view"): string {
    return `${this.#base}v1/artifacts/${conversation}.${artifact}/versions/${version}/${what}`;
  }

  runStatus(conversation: string, run: string, signal?: AbortSignal): Promise<RunProgress> {
    return this.#json("GET", `v1/runs/${conversation}.${run}/status`, { signal });
  }

  resolveInterrupt(conversation: string, interrupt: string, body: Pick<Resolve, "decision" | "value">) {
    const path = `v1/conversations/${conversation}/interrupts/${interrupt}/resolve`;
    return this.#json<{ conversation: string; interrupt: string; run: string }>("POST", path, { body });
  }

  async #json<T>(method: string, path: string, { body, signal }: { body?: unknown; signal?: AbortSignal } = {}) {
    const { response, text } = await this.#fetch(method, path, body, signal);
    if (!response.ok) throw new ApiError(errorOf(response, text));
    return (text ? JSON.parse(text) : undefined) as T;
  }

  async #fetch(method: string, path: string, body: unknown, signal?: AbortSignal) {
    const deadline = AbortSignal.timeout(ANSWER_MS_MAX);
    try {
      const response = await fetch(this.#base + path, {
        ...ASKING,
        method,
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        ...(body === undefined ? {} : withJson(body)),
      });
      return { response, text: await response.text() };
    } catch (error) {
      if (signal?.aborted) throw error; // the caller's own doing
      throw deadline.aborted ? unreachable("The gateway did not answer in time.") : unreachable();
    }
  }
}

/** The API of the gateway that served this page. */
export const api = new Api();

function withJson(body: unknown): RequestInit {
  return { body: JSON.stringify(body), headers: { ...ASKING.headers, "Content-Type": "application/json" } };
}

function unreachable(message = "The gateway cannot be reached."): ApiError {
  return new ApiError({ code: "unreachable", message, retryable: true });
}

function errorOf(response: Response, text: string): ErrorBody {
  if (response.status === 401 || response.status < 400) return SIGNED_OUT; // a redirect, of which a browser tells no status
  try {
    const body = JSON.parse(text);
    if (typeof body.code === "string" && typeof body.message === "string") return body;
  } catch {
    // not ours: of a proxy between here and the gateway
  }
  const message = `The answer was ${response.status} ${response.statusText}`.trim();
  return { code: "http_error", message, retryable: response.status >= 500 };
}
