/** What the page asks of the gateway by HTTP: the list of conversations and of agents, and what changes a conversation as a whole. */
import type { ErrorBody } from "../schema/types";

export type Activity = "running" | "waiting" | "queued" | "idle" | "unknown";

/** Times in ms since the epoch. `last_status` is how the newest run that has ended did, empty if none has. */
export interface Summary {
  id: string;
  title: string;
  created: number;
  updated: number;
  runs: number;
  status: Activity;
  last_status: string;
}

export interface SummaryPage {
  conversations: Summary[];
  next: string;
}

export interface AgentCard {
  name: string;
  description: string;
}

export interface AgentList {
  agents: AgentCard[];
  default: string;
}

/** The gateway refused, or could not be reached (`code` is then `unreachable`). */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, message }: ErrorBody) {
    super(message);
    this.code = code;
  }
}

const UNREACHABLE: ErrorBody = { code: "unreachable", message: "The gateway does not answer. Is it running?" };
const TIMEOUT_MS = 15_000; // the list's own limit in the gateway is far below

export function listConversations(asked: { limit: number; page?: string; q?: string }): Promise<SummaryPage> {
  const query = new URLSearchParams({ limit: String(asked.limit) });
  if (asked.page) query.set("page", asked.page);
  if (asked.q) query.set("q", asked.q);
  return ask("GET", `/v1/conversations?${query}`);
}

export function listAgents(): Promise<AgentList> {
  return ask("GET", "/v1/agents");
}

export function renameConversation(id: string, title: string): Promise<unknown> {
  return ask("PATCH", `/v1/conversations/${id}`, { title });
}

export function deleteConversation(id: string): Promise<unknown> {
  return ask("DELETE", `/v1/conversations/${id}`);
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new Refused(UNREACHABLE);
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const error = answer as ErrorBody | null; // docs/errors.md: the body of every refusal
  throw new Refused(error?.code ? error : { code: "http_error", message: `The gateway said ${response.status}.` });
}
