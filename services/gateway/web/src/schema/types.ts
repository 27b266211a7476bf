// Generated from schemas/ by `make generate`. Do not edit.

export type Multitask = "enqueue" | "reject" | "interrupt";

export type ItemStatus = "open" | "done" | "failed" | "interrupted";

export type RunStatus =
  | "queued"
  | "running"
  | "waiting"
  | "cancelling"
  | "completed"
  | "failed"
  | "cancelled"
  | "superseded";

export type Mode = "auto" | "tail" | "replay" | "snapshot";

export type Granularity = "deltas" | "messages";

/** An event of a type that is not in this list may come: carry it through and pass over it. */
export type AnyEvent =
  | ConversationCreated
  | ConversationRenamed
  | ConversationDeleted
  | UserMessage
  | RunQueued
  | RunStarted
  | RunWaiting
  | RunRetrying
  | RunCancelling
  | RunCompleted
  | RunFailed
  | RunCancelled
  | RunSuperseded
  | AgentStarted
  | AgentFinished
  | AgentFailed
  | StepStarted
  | StepFinished
  | PlanUpdated
  | MessageStarted
  | MessageDelta
  | MessageEnded
  | ReasoningStarted
  | ReasoningDelta
  | ReasoningEnded
  | ToolStarted
  | ToolArgsDelta
  | ToolArgs
  | ToolProgress
  | ToolResult
  | ToolFailed
  | InterruptRequested
  | InterruptResolved
  | ArtifactCreated
  | ArtifactDelta
  | ArtifactFinal
  | SourceAdded
  | UsageUpdated
  | StateSnapshot
  | StateDelta
  | Log;

export type TextDelta = MessageDelta | ReasoningDelta | ToolArgsDelta | ArtifactDelta;

export type RunEnd = RunCompleted | RunFailed | RunCancelled | RunSuperseded;

export type AnyItem =
  | Message
  | Reasoning
  | ToolCall
  | Agent
  | Step
  | Plan
  | Artifact
  | Interrupt
  | Source
  | LogEntry
  | State;

export type AnyClientMessage = Subscribe | Unsubscribe | Send | Cancel | Resolve | Auth | Ping;

export type AnyServerMessage =
  | Subscribed
  | Snapshot
  | Events
  | CaughtUp
  | Gap
  | Lagging
  | Ack
  | ErrorMessage
  | Reconnect
  | Pong;

/**
 * `mode` is what was chosen for `auto`; `cursor` is where the subscription starts. `events`: how many the conversation has
 * had by now, the last numbers of all its lanes together; 0 from a gateway that does not say.
 */
export interface Subscribed {
  op: "subscribed";
  sub: string;
  conversation: string;
  mode: Mode;
  cursor: string;
  events?: number;
}

export interface Snapshot {
  op: "snapshot";
  sub: string;
  cursor: string;
  transcript: Transcript;
}

/** `input_last` is the number of the last event on the `in` lane; `created` in ms, 0 if that has left the log. */
export interface Transcript {
  conversation: string;
  title?: string;
  created?: number;
  input_last?: number;
  runs?: RunState[];
  items?: AnyItem[];
}

/**
 * A run as viewers see it. `last` is the number of its lane's last event, `seq` and `end_seq` the stream sequences
 * of its `user.message` and of its last event; `after` is the run before it; `message` the user message it answers.
 */
export interface RunState {
  id: string;
  agent: string;
  status?: RunStatus;
  message?: string;
  after?: string;
  attempt?: number;
  last?: number;
  seq?: number;
  end_seq?: number;
  queued?: number;
  started?: number;
  ended?: number;
  model?: string;
  retrying?: string;
  usage?: Usage[];
  counts?: Counts;
  error?: ErrorBody | null;
  by?: string;
}

/** Tokens of one model. `reasoning` is a part of `output` and `cached` a part of `input`, never an addition. */
export interface Usage {
  model: string;
  input?: number;
  output?: number;
  reasoning?: number;
  cached?: number;
}

export interface Counts {
  messages?: number;
  tool_calls?: number;
  agents?: number;
  artifacts?: number;
}

/**
 * The form of an error on every wire: HTTP bodies, WebSocket `error` messages, failed runs. `hint` (of a failed run):
 * what may help.
 */
export interface ErrorBody {
  code: string;
  message: string;
  retryable?: boolean;
  ref?: string;
  hint?: string;
}

/** `artifacts` are the ids of those made as part of this message. */
export interface Message {
  type: "message";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  role: "assistant" | "user";
  content?: string;
  model?: string;
  finish?: string;
  artifacts?: string[];
}

export interface Reasoning {
  type: "reasoning";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  content?: string;
  summary?: boolean;
}

/** `args_text` is what has streamed of the arguments; empty once `args` is known. */
export interface ToolCall {
  type: "tool";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  name: string;
  title?: string;
  message?: string;
  args_text?: string;
  args?: Record<string, unknown> | null;
  progress?: Progress | null;
  result?: unknown;
  error?: ErrorBody | null;
}

export interface Progress {
  step?: string;
  percent?: number;
  text?: string;
}

/** Its `ns` is its identity: one item per run and namespace. `id` is `run/ns`, `parent` the namespace above. */
export interface Agent {
  type: "agent";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  name: string;
  description?: string;
  parent?: string;
  cause?: Cause | null;
  result?: string;
  error?: ErrorBody | null;
}

/** What spawned an agent. A page nests on this edge. */
export interface Cause {
  kind: "code" | "handoff" | "tool";
  id?: string;
}

export interface Step {
  type: "step";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  name: string;
}

export interface Plan {
  type: "plan";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  items: PlanItem[];
}

export interface PlanItem {
  text: string;
  status?: "active" | "done" | "dropped" | "pending";
}

export interface Artifact {
  type: "artifact";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  kind: string;
  name: string;
  media_type: string;
  message?: string;
  versions: ArtifactVersion[];
}

/** `content` is the text, also while it grows; None when the bytes are under `ref` in the object store. */
export interface ArtifactVersion {
  version: number;
  status?: "final" | "intermediate";
  content?: string | null;
  digest?: string;
  size?: number;
  ref?: string;
}

/** `decision` is empty while it waits for an answer. */
export interface Interrupt {
  type: "interrupt";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  kind: "approval" | "choice" | "input";
  prompt: string;
  tool?: string;
  args?: Record<string, unknown>;
  options?: string[];
  expires?: number;
  decision?: string;
  value?: unknown;
  by?: string;
}

export interface Source {
  type: "source";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  url: string;
  title?: string;
  quote?: string;
  message?: string;
}

export interface LogEntry {
  type: "log";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  level: string;
  text: string;
}

/** The shared state of one namespace of a run, kept current by `state.snapshot` and `state.delta`. */
export interface State {
  type: "state";
  id: string;
  run: string;
  ns?: string;
  seq?: number;
  started?: number;
  ended?: number;
  status?: ItemStatus;
  value?: unknown;
}

export interface Events {
  op: "events";
  sub: string;
  prev: string;
  cursor: string;
  frames: Frame[];
}

/**
 * Consecutive events of one lane, stored together.
 *
 * `n` is the number of the first event; events are numbered densely from 1 per lane over all attempts, which is the proof
 * that nothing is missing. `count` is how many numbers the frame stands for where that is not `len(events)`: deltas merged
 * after numbering (a viewer that lags) or events left out by a filter. `seq` is the frame's stream sequence; the log itself
 * cannot contain it, readers fill it in. `ts` is in ms since the Unix epoch; no reader trusts it for order.
 */
export interface Frame {
  run: string;
  n: number;
  ts: number;
  ns?: string;
  attempt?: number;
  lane?: string;
  seq?: number;
  count?: number;
  v?: number;
  events: AnyEvent[];
}

export interface ConversationCreated {
  type: "conversation.created";
  title?: string;
  ns?: string;
  dt?: number;
}

export interface ConversationRenamed {
  type: "conversation.renamed";
  title: string;
  ns?: string;
  dt?: number;
}

/** The last event of a conversation: no run is active and nothing may be appended. What lies before it is being removed. */
export interface ConversationDeleted {
  type: "conversation.deleted";
  ns?: string;
  dt?: number;
}

/** `id` is the client's, or made by the gateway; the frame's `run` is the run that answers it. */
export interface UserMessage {
  type: "user.message";
  id: string;
  text: string;
  agent: string;
  multitask?: Multitask;
  ns?: string;
  dt?: number;
}

/**
 * Follows its `user.message` in the same frame. `after` is the run before it in the conversation, if any. `external`: who
 * queued it runs it as well (`open_run`), and no worker is to.
 */
export interface RunQueued {
  type: "run.queued";
  agent: string;
  message: string;
  after?: string;
  external?: boolean;
  ns?: string;
  dt?: number;
}

/** The claim: fenced, so that of two workers one wins. An attempt above 1 is a takeover. */
export interface RunStarted {
  type: "run.started";
  agent: string;
  worker?: string;
  model?: string;
  ns?: string;
  dt?: number;
}

export interface RunWaiting {
  type: "run.waiting";
  interrupts: string[];
  ns?: string;
  dt?: number;
}

/**
 * `cause`: `worker_lost` or `worker_drained` (a takeover follows), or the code of the error that is tried again after
 * `delay_ms`.
 */
export interface RunRetrying {
  type: "run.retrying";
  cause: string;
  message?: string;
  delay_ms?: number;
  ns?: string;
  dt?: number;
}

/** On the `in` lane, with the frame's `run` naming the run: the record of a cancel request. */
export interface RunCancelling {
  type: "run.cancelling";
  by?: string;
  reason?: string;
  superseded_by?: string;
  ns?: string;
  dt?: number;
}

export interface RunCompleted {
  type: "run.completed";
  usage?: Usage[];
  counts?: Counts;
  duration_ms?: number;
  ns?: string;
  dt?: number;
}

export interface RunFailed {
  type: "run.failed";
  code: string;
  message: string;
  retryable?: boolean;
  hint?: string;
  usage?: Usage[];
  duration_ms?: number;
  ns?: string;
  dt?: number;
}

export interface RunCancelled {
  type: "run.cancelled";
  by?: string;
  reason?: string;
  usage?: Usage[];
  duration_ms?: number;
  ns?: string;
  dt?: number;
}

export interface RunSuperseded {
  type: "run.superseded";
  by: string;
  usage?: Usage[];
  duration_ms?: number;
  ns?: string;
  dt?: number;
}

export interface AgentStarted {
  type: "agent.started";
  name: string;
  description?: string;
  parent?: string;
  cause?: Cause | null;
  ns?: string;
  dt?: number;
}

export interface AgentFinished {
  type: "agent.finished";
  result?: string;
  ns?: string;
  dt?: number;
}

export interface AgentFailed {
  type: "agent.failed";
  code: string;
  message: string;
  ns?: string;
  dt?: number;
}

export interface StepStarted {
  type: "step.started";
  id: string;
  name: string;
  ns?: string;
  dt?: number;
}

export interface StepFinished {
  type: "step.finished";
  id: string;
  ns?: string;
  dt?: number;
}

export interface PlanUpdated {
  type: "plan.updated";
  id: string;
  items: PlanItem[];
  ns?: string;
  dt?: number;
}

export interface MessageStarted {
  type: "message.started";
  id: string;
  model?: string;
  ns?: string;
  dt?: number;
}

export interface MessageDelta {
  type: "message.delta";
  id: string;
  at: number;
  text: string;
  ns?: string;
  dt?: number;
}

/** `finish`: `stop`, `length`, `tool_calls`, `content_filter`, or `interrupted` when what produced it broke off. */
export interface MessageEnded {
  type: "message.ended";
  id: string;
  finish?: string;
  ns?: string;
  dt?: number;
}

export interface ReasoningStarted {
  type: "reasoning.started";
  id: string;
  summary?: boolean;
  ns?: string;
  dt?: number;
}

export interface ReasoningDelta {
  type: "reasoning.delta";
  id: string;
  at: number;
  text: string;
  ns?: string;
  dt?: number;
}

export interface ReasoningEnded {
  type: "reasoning.ended";
  id: string;
  ns?: string;
  dt?: number;
}

/** `message` is the message that asked for it, if one did. */
export interface ToolStarted {
  type: "tool.started";
  id: string;
  name: string;
  title?: string;
  message?: string;
  ns?: string;
  dt?: number;
}

export interface ToolArgsDelta {
  type: "tool.args.delta";
  id: string;
  at: number;
  text: string;
  ns?: string;
  dt?: number;
}

/** The arguments, whole: closes what `tool.args.delta` streamed. */
export interface ToolArgs {
  type: "tool.args";
  id: string;
  args: Record<string, unknown>;
  ns?: string;
  dt?: number;
}

export interface ToolProgress {
  type: "tool.progress";
  id: string;
  step?: string;
  percent?: number;
  text?: string;
  ns?: string;
  dt?: number;
}

export interface ToolResult {
  type: "tool.result";
  id: string;
  result?: unknown;
  ns?: string;
  dt?: number;
}

export interface ToolFailed {
  type: "tool.failed";
  id: string;
  code: string;
  message: string;
  retryable?: boolean;
  ns?: string;
  dt?: number;
}

/** `kind`: `approval` (of `tool` with `args`, which may be edited), `choice` (of `options`) or `input`. */
export interface InterruptRequested {
  type: "interrupt.requested";
  id: string;
  kind: "approval" | "choice" | "input";
  prompt: string;
  tool?: string;
  args?: Record<string, unknown>;
  options?: string[];
  expires?: number;
  ns?: string;
  dt?: number;
}

/** On the `in` lane when a person answers; on the run's lane, with decision `expired`, when nobody did. */
export interface InterruptResolved {
  type: "interrupt.resolved";
  id: string;
  decision: "answered" | "approved" | "denied" | "expired";
  value?: unknown;
  by?: string;
  ns?: string;
  dt?: number;
}

/** Opens version `version` of an artifact; a second version has the same id. `kind`: table, chart, report, code, … */
export interface ArtifactCreated {
  type: "artifact.created";
  id: string;
  kind: string;
  name: string;
  media_type: string;
  version?: number;
  message?: string;
  ns?: string;
  dt?: number;
}

export interface ArtifactDelta {
  type: "artifact.delta";
  id: string;
  at: number;
  text: string;
  ns?: string;
  dt?: number;
}

/**
 * `digest` is the SHA-256 in hex and `size` the bytes of the content, which is either the deltas' text (neither
 * `content` nor `ref`), `content`, or under the name `ref` in the object store.
 */
export interface ArtifactFinal {
  type: "artifact.final";
  id: string;
  version: number;
  digest: string;
  size: number;
  content?: string | null;
  ref?: string;
  ns?: string;
  dt?: number;
}

export interface SourceAdded {
  type: "source.added";
  id: string;
  url: string;
  title?: string;
  quote?: string;
  message?: string;
  ns?: string;
  dt?: number;
}

/** What one model call used: an increment. */
export interface UsageUpdated {
  type: "usage.updated";
  usage: Usage;
  ns?: string;
  dt?: number;
}

export interface StateSnapshot {
  type: "state.snapshot";
  state: unknown;
  ns?: string;
  dt?: number;
}

/** `patch`: RFC 6902 operations on the state of this namespace. */
export interface StateDelta {
  type: "state.delta";
  patch: Record<string, unknown>[];
  ns?: string;
  dt?: number;
}

export interface Log {
  type: "log";
  id: string;
  level: "debug" | "error" | "info" | "warning";
  text: string;
  ns?: string;
  dt?: number;
}

/** Everything up to `cursor` has been sent; what follows is live. */
export interface CaughtUp {
  op: "caught_up";
  sub: string;
  cursor: string;
}

/** The events after `after` cannot be replayed; a `snapshot` follows. `reason`: `retention`, `epoch` or `lost`. */
export interface Gap {
  op: "gap";
  sub: string;
  after: string;
  to: string;
  reason: "epoch" | "lost" | "retention";
}

/** The viewer reads more slowly than events come. Nothing is lost: it is served from its position, deltas merged. */
export interface Lagging {
  op: "lagging";
  sub: string;
  cursor: string;
}

/** `ref` is the id of what was acknowledged. For `send`: `attached` means the message was there already. */
export interface Ack {
  op: "ack";
  ref: string;
  run?: string;
  cursor?: string;
  attached?: boolean;
}

export interface ErrorMessage {
  op: "error";
  code: string;
  message: string;
  retryable?: boolean;
  ref?: string;
}

/** This gateway is going away: come back to any gateway, with your cursors, after `after_ms`. */
export interface Reconnect {
  op: "reconnect";
  after_ms: number;
}

export interface Pong {
  op: "pong";
}

/** `sub` names the subscription; without one it is the conversation's id. `namespaces`: subtrees to see, all if empty. */
export interface Subscribe {
  op: "subscribe";
  conversation: string;
  sub?: string;
  after?: string;
  mode?: Mode;
  namespaces?: string[];
  granularity?: Granularity;
}

export interface Unsubscribe {
  op: "unsubscribe";
  sub: string;
}

/** `id` is the idempotency key: sent again, it attaches to the run that exists. */
export interface Send {
  op: "send";
  conversation: string;
  id: string;
  text: string;
  agent?: string;
  multitask?: Multitask;
}

export interface Cancel {
  op: "cancel";
  conversation: string;
  run: string;
}

export interface Resolve {
  op: "resolve";
  conversation: string;
  interrupt: string;
  decision: "answered" | "approved" | "denied";
  value?: unknown;
}

export interface Auth {
  op: "auth";
  token: string;
}

export interface Ping {
  op: "ping";
}

/** An agent that some worker runs, as the worker announces it: `name` is what a message asks for. */
export interface AgentCard {
  name: string;
  description?: string;
}

/** Every shape by its name. */
export interface Shapes {
  Subscribed: Subscribed;
  Snapshot: Snapshot;
  Transcript: Transcript;
  RunState: RunState;
  Usage: Usage;
  Counts: Counts;
  ErrorBody: ErrorBody;
  Message: Message;
  Reasoning: Reasoning;
  ToolCall: ToolCall;
  Progress: Progress;
  Agent: Agent;
  Cause: Cause;
  Step: Step;
  Plan: Plan;
  PlanItem: PlanItem;
  Artifact: Artifact;
  ArtifactVersion: ArtifactVersion;
  Interrupt: Interrupt;
  Source: Source;
  LogEntry: LogEntry;
  State: State;
  Events: Events;
  Frame: Frame;
  ConversationCreated: ConversationCreated;
  ConversationRenamed: ConversationRenamed;
  ConversationDeleted: ConversationDeleted;
  UserMessage: UserMessage;
  RunQueued: RunQueued;
  RunStarted: RunStarted;
  RunWaiting: RunWaiting;
  RunRetrying: RunRetrying;
  RunCancelling: RunCancelling;
  RunCompleted: RunCompleted;
  RunFailed: RunFailed;
  RunCancelled: RunCancelled;
  RunSuperseded: RunSuperseded;
  AgentStarted: AgentStarted;
  AgentFinished: AgentFinished;
  AgentFailed: AgentFailed;
  StepStarted: StepStarted;
  StepFinished: StepFinished;
  PlanUpdated: PlanUpdated;
  MessageStarted: MessageStarted;
  MessageDelta: MessageDelta;
  MessageEnded: MessageEnded;
  ReasoningStarted: ReasoningStarted;
  ReasoningDelta: ReasoningDelta;
  ReasoningEnded: ReasoningEnded;
  ToolStarted: ToolStarted;
  ToolArgsDelta: ToolArgsDelta;
  ToolArgs: ToolArgs;
  ToolProgress: ToolProgress;
  ToolResult: ToolResult;
  ToolFailed: ToolFailed;
  InterruptRequested: InterruptRequested;
  InterruptResolved: InterruptResolved;
  ArtifactCreated: ArtifactCreated;
  ArtifactDelta: ArtifactDelta;
  ArtifactFinal: ArtifactFinal;
  SourceAdded: SourceAdded;
  UsageUpdated: UsageUpdated;
  StateSnapshot: StateSnapshot;
  StateDelta: StateDelta;
  Log: Log;
  CaughtUp: CaughtUp;
  Gap: Gap;
  Lagging: Lagging;
  Ack: Ack;
  ErrorMessage: ErrorMessage;
  Reconnect: Reconnect;
  Pong: Pong;
  Subscribe: Subscribe;
  Unsubscribe: Unsubscribe;
  Send: Send;
  Cancel: Cancel;
  Resolve: Resolve;
  Auth: Auth;
  Ping: Ping;
  AgentCard: AgentCard;
}
