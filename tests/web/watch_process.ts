/**
 * The page's conversations in Node, against real gateways, for tests/web/test_watch.py: several watch one conversation, most
 * of them over a network that cuts them off. The job comes as JSON in the first argument; what each saw goes out as JSON.
 */
import { Api } from "../../services/gateway/web/src/client/api.ts";
import { Connection } from "../../services/gateway/web/src/client/connection.ts";
import { Fold } from "../../services/gateway/web/src/fold/fold.ts";
import type { AnyServerMessage } from "../../services/gateway/web/src/schema/types.ts";
import { Conversation } from "../../services/gateway/web/src/store/conversation.ts";

interface Job {
  gateways: string[]; // http://…/
  conversation: string;
  text: string;
  agent: string;
  watchers: Record<string, Cut>;
}

/**
 * After which message a connection ends: each that brings one further, each acknowledgement before it arrives, or none. Or
 * what else happens to one message: its text is damaged, or it never arrives.
 */
type Cut = "never" | "every message" | "every third message" | "acknowledgements" | "damage" | "loss";

const DEADLINE_MS = 40_000;
const ACKNOWLEDGEMENTS_LOST = 3; // then one gets through
const CUT_AFTER: Partial<Record<Cut, number>> = { "every message": 1, "every third message": 3 }; // those of PROGRESS
const PROGRESS = new Set(["snapshot", "events", "caught_up"]);

const job: Job = JSON.parse(process.argv[2] ?? "");
const cuts = new Map<string, number>();
let healed = false; // nothing is cut any more
Math.random = () => 0; // the shortest pauses, for more cuts in the same time

/** A WebSocket to one gateway after the other, over the network of the watcher that its address names. */
class Cutting extends WebSocket {
  static opened = 0;
  #cut: Cut;
  #watcher: string;
  #seen = 0;
  #dead = false;

  constructor(url: string | URL, protocol?: string | string[]) {
    const gateway = job.gateways[Cutting.opened++ % job.gateways.length] as string;
    super(`${gateway.replace("http", "ws")}v1/ws`, protocol);
    this.#watcher = new URL(url).searchParams.get("watcher") ?? "";
    this.#cut = job.watchers[this.#watcher] ?? "never";
  }

  override set onmessage(listen: (event: MessageEvent) => void) {
    super.onmessage = (event) => {
      if (this.#dead) return;
      const message = JSON.parse(event.data);
      if (PROGRESS.has(message.op)) this.#seen += 1;
      const gone = this.#takesAway(message);
      if (!gone) listen({ data: JSON.stringify(message) } as MessageEvent);
      if ((gone && message.op === "ack") || (!healed && this.#seen === CUT_AFTER[this.#cut])) this.#end();
    };
  }

  /** Whether the network loses the message; it may also damage it. */
  #takesAway(message: AnyServerMessage): boolean {
    const count = cuts.get(this.#watcher) ?? 0;
    if (message.op === "ack") return this.#cut === "acknowledgements" && count < ACKNOWLEDGEMENTS_LOST;
    if (message.op !== "events" || count > 0 || (this.#cut !== "damage" && this.#cut !== "loss")) return false;
    const delta = message.frames.flatMap((frame) => frame.events).find((event) => event.type === "message.delta");
    if (!delta || delta.at === 0) return false;
    cuts.set(this.#watcher, 1);
    delta.at += 1;
    return this.#cut === "loss";
  }

  #end(): void {
    this.#dead = true;
    cuts.set(this.#watcher, (cuts.get(this.#watcher) ?? 0) + 1);
    this.onclose?.(Object.assign(new Event("close"), { code: 1006, reason: "", wasClean: false }));
    this.close();
  }
}

globalThis.WebSocket = Cutting;

const watching = Object.keys(job.watchers).map((name) => {
  const connection = new Connection(`ws://gateway/?watcher=${name}`);
  const conversation = new Conversation(job.conversation, connection);
  const statuses = [conversation.status().kind];
  conversation.subscribeStatus(() => statuses.push(conversation.status().kind));
  return { name, connection, conversation, statuses };
});

/** The recording from its beginning, played to its end. */
function played({ recorder }: Conversation): Fold {
  const fold = new Fold(recorder.before());
  for (const { frame } of recorder.frames) fold.apply(frame);
  return fold;
}

async function until(what: string, is: (conversation: Conversation) => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!watching.every(({ conversation }) => is(conversation))) {
    if (Date.now() > deadline) throw new Error(`not ${what}: ${JSON.stringify(watching.map((one) => one.statuses))}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function over({ live }: Conversation): boolean {
  const { runs, active } = live.head();
  return runs.length > 0 && active.length === 0;
}

await until("missing", (conversation) => conversation.status().kind === "missing"); // nobody has made it yet
await new Api(job.gateways[0]).createConversation({ id: job.conversation });
const asker = watching.find(({ name }) => job.watchers[name] === "acknowledgements") ?? watching[0];
const ack = await asker?.conversation.send(job.text, { id: "asked", agent: job.agent });
for (const { conversation } of watching) if (conversation !== asker?.conversation) conversation.retry();
await until("over", over);
healed = true;
await until("ended", (conversation) => conversation.status().kind === "ended");
const saw = watching.map(({ name, conversation, statuses }) => ({
  name,
  statuses,
  cuts: cuts.get(name) ?? 0,
  transcript: conversation.live.fold.snapshot(),
  replayed: played(conversation).snapshot(),
  rows: conversation.live.rows(),
}));
process.stdout.write(JSON.stringify({ ack, saw }), () => process.exit(0));
