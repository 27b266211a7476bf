// The page that proves the stream: a fold of the events it shows, a view of the fold, and a link that keeps both current.
// No framework, no build. What a model says reaches the document as text only, never as markup.

const ENDED = new Set(["completed", "failed", "cancelled", "superseded"]);
const RESULT_CHARS_MAX = 2000; // of a tool's result, which the API has whole
const RUNS_SHOWN_MAX = 50; // in the document: of a longer conversation the last ones
const RESYNCS_MAX = 3; // snapshots asked for in a row because something did not fit
const BACKOFF_MS = { min: 250, max: 10_000 };
const PING_MS = 20_000; // a browser does not notice by itself that the other side is gone
const SEND_TRIES_MAX = 6;

// --- the fold: what the events mean (schemas/fold.py is the whole of it) --------------------------------------------

const codePoints = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const parentOf = (ns) => (ns.includes("/") ? ns.slice(0, ns.lastIndexOf("/")) : "");
const within = (ns, subtree) => ns === subtree || ns.startsWith(`${subtree}/`);

/** The text of an item that grows, as [object, field]; its deltas say how many code points stand before them. */
const textOf = (item) => {
  if (item.type === "artifact") return [item.versions.at(-1), "content"];
  return [item, item.type === "tool" ? "args_text" : "content"];
};

export class Fold {
  constructor(transcript) {
    this.title = transcript.title ?? "";
    this.inputLast = transcript.input_last ?? 0;
    this.runs = new Map(
      (transcript.runs ?? []).map((run) => [run.id, { status: "queued", attempt: 0, last: 0, ...run }]),
    );
    this.items = new Map();
    this.changed = new Set();
    this.lengths = new Map();
    for (const item of transcript.items ?? []) this.#put({ ns: "main", status: "open", ...item });
  }

  get active() {
    return [...this.runs.values()].filter((run) => !ENDED.has(run.status));
  }

  /** Take one frame in; false if it was a repeat or of a stale attempt. Throws if it does not continue its lane. */
  apply(frame) {
    const last = frame.n + (frame.count || frame.events.length) - 1;
    const input = frame.lane === "in";
    const run = input ? null : this.#run(frame.run);
    const attempt = frame.attempt ?? 1;
    const seen = input ? this.inputLast : run.last;
    if ((run && attempt < run.attempt) || last <= seen) return false;
    if (frame.n !== seen + 1)
      throw new Error(`events ${seen + 1} to ${frame.n - 1} of ${frame.lane || frame.run} are missing`);
    if (run && attempt > run.attempt) {
      if (run.attempt) this.#dropUnfinished(run);
      run.attempt = attempt;
    }
    for (const event of frame.events) this.#event(event, frame, event.ns ?? frame.ns ?? "main");
    if (run) run.last = last;
    else this.inputLast = last;
    return true;
  }

  #run(id) {
    if (!this.runs.has(id)) this.runs.set(id, { id, agent: "", status: "queued", attempt: 0, last: 0 });
    return this.runs.get(id);
  }

  #put(item) {
    this.items.set(item.id, item);
    this.changed.add(item.id);
    if (item.status === "open") {
      const [holder, field] = textOf(item);
      this.lengths.set(item.id, codePoints(holder[field] ?? ""));
    }
  }

  #open(type, event, frame, ns, fields = {}) {
    const id = fields.id ?? event.id;
    if (this.items.has(id)) throw new Error(`${id} was opened before`);
    const { type: _type, ns: _ns, dt: _dt, ...given } = event;
    this.#put({ ...given, type, run: frame.run, ns, status: "open", started: frame.ts + (event.dt ?? 0), ...fields });
  }

  #delta(event) {
    const item = this.items.get(event.id);
    const length = this.lengths.get(event.id);
    if (!item || length !== event.at)
      throw new Error(`${event.id}: a delta at ${event.at}, but ${length} characters are there`);
    const [holder, field] = textOf(item);
    holder[field] = (holder[field] ?? "") + event.text;
    this.lengths.set(event.id, length + codePoints(event.text));
    this.changed.add(event.id);
  }

  #change(id, fields) {
    const item = this.items.get(id);
    if (!item || item.status !== "open") throw new Error(`${id} is not open`);
    Object.assign(item, fields);
    this.changed.add(id);
  }

  #close(id, fields = {}) {
    this.#change(id, { status: "done", ...fields });
    this.lengths.delete(id);
  }

  #end(frame, status, event) {
    const run = Object.assign(this.#run(frame.run), { status, retrying: "", ended: frame.ts + (event.dt ?? 0) });
    if (event.usage?.length) run.usage = event.usage;
    for (const item of this.items.values()) {
      if (item.run === run.id && item.status === "open")
        this.#close(item.id, { status: "interrupted", ended: run.ended });
    }
    return run;
  }

  /** A new attempt begins: what the one before left open is forgotten, what it finished is kept. */
  #dropUnfinished(run) {
    const items = [...this.items.values()].filter((item) => item.run === run.id);
    const drop = (id) => this.items.delete(id) && this.changed.add(id);
    const open = items.filter((item) => item.status === "open");
    for (const item of open) {
      this.lengths.delete(item.id);
      this.changed.add(item.id);
      if (item.type === "artifact" && item.versions.length > 1) {
        item.versions.pop();
        item.status = "done";
      } else if (item.type !== "agent") drop(item.id);
    }
    const kept = [...this.items.values()].filter((item) => item.run === run.id && item.type !== "agent");
    for (const item of open.filter((one) => one.type === "agent")) {
      if (kept.some((one) => within(one.ns, item.ns))) item.status = "interrupted";
      else drop(item.id);
    }
  }

  #event(event, frame, ns) {
    const ended = frame.ts + (event.dt ?? 0);
    const agent = `${frame.run}/${ns}`;
    switch (event.type) {
      case "conversation.created":
      case "conversation.renamed":
        this.title = event.title ?? "";
        break;
      case "user.message":
        this.#open("message", event, frame, ns, { role: "user", content: event.text, status: "done" });
        this.title ||= event.text.trim().split("\n")[0].slice(0, 80);
        break;
      case "run.queued":
        Object.assign(this.#run(frame.run), { agent: event.agent, message: event.message, queued: ended });
        break;
      case "run.started": {
        const run = this.#run(frame.run);
        Object.assign(run, {
          agent: event.agent,
          model: event.model ?? "",
          retrying: "",
          started: run.started || ended,
        });
        if (run.status !== "cancelling") run.status = "running";
        break;
      }
      case "run.waiting":
        if (this.#run(frame.run).status === "running") this.#run(frame.run).status = "waiting";
        break;
      case "run.retrying":
        this.#run(frame.run).retrying = event.cause;
        break;
      case "run.cancelling": {
        const run = this.runs.get(frame.run);
        if (run && !ENDED.has(run.status)) run.status = "cancelling";
        break;
      }
      case "run.completed":
        this.#end(frame, "completed", event);
        break;
      case "run.failed":
        this.#end(frame, "failed", event).error = { code: event.code, message: event.message };
        break;
      case "run.cancelled":
        this.#end(frame, "cancelled", event);
        break;
      case "run.superseded":
        this.#end(frame, "superseded", event);
        break;
      case "agent.started":
        if (this.items.get(agent)?.status === "interrupted") {
          this.items.get(agent).status = "open";
          this.changed.add(agent);
        } else this.#open("agent", event, frame, ns, { id: agent });
        break;
      case "agent.finished":
        this.#close(agent, { result: event.result ?? "", ended });
        break;
      case "agent.failed":
        this.#close(agent, { status: "failed", error: { code: event.code, message: event.message }, ended });
        break;
      case "message.started":
        this.#open("message", event, frame, ns, { role: "assistant", content: "" });
        break;
      case "message.ended":
        this.#close(event.id, { ended, status: event.finish === "interrupted" ? "interrupted" : "done" });
        break;
      case "reasoning.started":
        this.#open("reasoning", event, frame, ns, { content: "" });
        break;
      case "message.delta":
      case "reasoning.delta":
      case "tool.args.delta":
      case "artifact.delta":
        this.#delta(event);
        break;
      case "reasoning.ended":
      case "step.finished":
        this.#close(event.id, { ended });
        break;
      case "step.started":
        this.#open("step", event, frame, ns);
        break;
      case "plan.updated":
        if (this.items.has(event.id)) {
          this.items.get(event.id).items = event.items;
          this.changed.add(event.id);
        } else this.#open("plan", event, frame, ns, { status: "done" });
        break;
      case "tool.started":
        this.#open("tool", event, frame, ns, { args_text: "" });
        break;
      case "tool.args":
        this.#change(event.id, { args: event.args, args_text: "" });
        this.lengths.delete(event.id);
        break;
      case "tool.progress":
        this.#change(event.id, {
          progress: { step: event.step ?? "", percent: event.percent ?? 0, text: event.text ?? "" },
        });
        break;
      case "tool.result":
        this.#close(event.id, { result: event.result ?? null, ended });
        break;
      case "tool.failed":
        this.#close(event.id, { status: "failed", error: { code: event.code, message: event.message }, ended });
        break;
      case "interrupt.requested":
        this.#open("interrupt", event, frame, ns);
        break;
      case "interrupt.resolved":
        if (this.items.get(event.id)?.status === "open") {
          this.#close(event.id, { decision: event.decision, ended });
          const run = this.runs.get(frame.run);
          if (run?.status === "waiting") run.status = "running";
        }
        break;
      case "artifact.created": {
        const version = { version: event.version ?? 1, status: "intermediate", content: "" };
        const known = this.items.get(event.id);
        if (known) {
          known.versions.push(version);
          known.status = "open";
          this.lengths.set(event.id, 0);
          this.changed.add(event.id);
        } else this.#open("artifact", event, frame, ns, { versions: [version] });
        break;
      }
      case "artifact.final": {
        this.#close(event.id, { ended });
        const version = this.items.get(event.id).versions.at(-1);
        Object.assign(version, { status: "final", size: event.size });
        version.content = event.ref ? null : (event.content ?? version.content);
        break;
      }
      case "source.added":
        this.#open("source", event, frame, ns, { status: "done" });
        break;
      case "log":
        this.#open("log", event, frame, ns, { status: "done" });
        break;
      default: // what this page does not show, or does not know yet
    }
  }
}

// --- the view: one element per item, made once and then changed ------------------------------------------------------

const element = (tag, className = "", text = "") => {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
};

const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Make `node` show `text`: what only grew is appended, so that a long text costs its new end. */
const growText = (node, text) => {
  const shown = node.firstChild;
  if (!shown || shown.length > text.length) node.textContent = text;
  else if (shown.length < text.length) shown.appendData(text.slice(shown.length));
};

const seconds = (from, to) => (from && to ? `${(Math.max(0, to - from) / 1000).toFixed(1)} s` : "");
const hueOf = (name) => [...name].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 997, 7) % 8;
const short = (value) => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > RESULT_CHARS_MAX ? `${text.slice(0, RESULT_CHARS_MAX)}…` : text;
};

class View {
  #runs = new Map(); // run id → {section, question, status, boxes: Map(ns → {section, note, body})}
  #elements = new Map(); // item id → element

  constructor(host) {
    this.host = host;
  }

  clear() {
    this.host.textContent = "";
    this.#runs.clear();
    this.#elements.clear();
  }

  update(fold) {
    const shown = [...fold.runs.keys()].slice(-RUNS_SHOWN_MAX);
    for (const [id, run] of this.#runs) {
      if (!shown.includes(id)) {
        run.section.remove();
        this.#runs.delete(id);
      }
    }
    const visible = new Set(shown);
    for (const id of fold.changed) {
      const item = fold.items.get(id);
      if (!item) {
        this.#elements.get(id)?.remove();
        this.#elements.delete(id);
      } else if (visible.has(item.run)) this.#item(item);
    }
    fold.changed.clear();
    for (const id of shown) this.#status(fold.runs.get(id));
  }

  #run(id) {
    if (!this.#runs.has(id)) {
      const section = element("section", "run");
      const question = element("p", "question");
      const status = element("p", "status");
      section.append(question, status);
      this.host.append(section);
      this.#runs.set(id, { section, question, status, boxes: new Map() });
    }
    return this.#runs.get(id);
  }

  /** The box of a namespace, inside its parent's, where it was first heard of. */
  #box(run, ns) {
    const boxes = run.boxes;
    if (!boxes.has(ns)) {
      const name = ns === "main" ? "main" : ns.slice(ns.lastIndexOf("/") + 1);
      const section = element("section", `agent hue-${hueOf(name.split(":")[0])}`);
      const heading = element("h2", "", name);
      const note = element("span", "note");
      const body = element("div", "body");
      heading.append(note);
      section.append(heading, body);
      if (ns === "main") run.status.before(section);
      else this.#box(run, parentOf(ns)).body.append(section);
      boxes.set(ns, { section, note, body });
    }
    return boxes.get(ns);
  }

  #item(item) {
    const run = this.#run(item.run);
    if (item.type === "message" && item.role === "user") {
      setText(run.question, item.content);
      return;
    }
    const box = this.#box(run, item.ns);
    if (item.type === "agent") {
      const took = seconds(item.started, item.ended);
      const status =
        { open: "at work", done: `done ${took}`, failed: `failed: ${item.error?.message ?? ""}` }[item.status] ??
        item.status;
      setText(box.note, [item.description, status].filter(Boolean).join(" · "));
      box.section.classList.toggle("open", item.status === "open");
      return;
    }
    const draw = DRAW[item.type];
    if (!draw) return;
    let node = this.#elements.get(item.id);
    if (!node) {
      node = element(["artifact", "tool"].includes(item.type) ? "details" : "div", item.type);
      this.#elements.set(item.id, node);
      box.body.append(node);
    }
    node.dataset.status = item.status;
    draw(node, item);
  }

  #status(state) {
    const { status, section } = this.#run(state.id);
    const agent = state.agent ? `${state.agent}: ` : "";
    const attempt = state.attempt > 1 ? ` · attempt ${state.attempt}, taken over` : "";
    const error = state.error ? ` · ${state.error.code}: ${state.error.message}` : "";
    const used = (state.usage ?? [])
      .map((one) => ` · ${one.model} ${one.input ?? 0} in, ${one.output ?? 0} out`)
      .join("");
    const took = ENDED.has(state.status) ? ` · ${seconds(state.started || state.queued, state.ended)}` : "";
    setText(status, `${agent}${state.status}${attempt}${error}${took}${used}`);
    section.dataset.status = state.status;
  }
}

const made = (node, tag, className) => node.appendChild(element(tag, className));

const DRAW = {
  message: (node, item) => growText(node, item.content ?? ""),
  reasoning: (node, item) => growText(node, item.content ?? ""),
  tool(node, item) {
    if (!node.firstChild) {
      const summary = made(node, "summary", "");
      for (const [tag, className] of [
        ["code", "call"],
        ["progress", ""],
        ["span", "said"],
      ])
        made(summary, tag, className);
      made(node, "pre", "");
    }
    const [call, progress, said] = node.firstChild.children;
    const args = item.args
      ? Object.entries(item.args)
          .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
          .join(", ")
      : item.args_text;
    const working = item.progress ? `${item.progress.percent} % ${item.progress.step} ${item.progress.text}` : "";
    const outcome = {
      open: working,
      failed: `✗ ${item.error?.code}: ${item.error?.message}`,
      done: `✓ ${short(item.result ?? null)}`,
    };
    setText(call, `${item.name}(${args ?? ""})`);
    setText(said, outcome[item.status] ?? item.status);
    progress.max = 100;
    progress.value = item.progress?.percent ?? 0;
    progress.hidden = item.status !== "open" || !item.progress;
    setText(node.lastChild, `${call.textContent}\n${said.textContent}`);
  },
  artifact(node, item) {
    const version = item.versions.at(-1);
    const status = version.status ?? "intermediate";
    if (!node.firstChild) {
      made(node, "summary", "");
      made(node, "pre", "");
      node.open = status === "intermediate"; // who watches it grow sees it grow
    }
    const size = status === "final" ? `${version.size ?? 0} bytes` : `${(version.content ?? "").length} characters`;
    setText(node.firstChild, `${item.kind} “${item.name}” v${version.version} · ${status} · ${size}`);
    node.firstChild.dataset.version = status;
    growText(node.lastChild, version.content ?? "(stored apart: read it from the API)");
  },
  step: (node, item) => setText(node, `${item.status === "open" ? "…" : "✓"} ${item.name}`),
  plan: (node, item) => setText(node, item.items.map((one) => `${one.text} (${one.status ?? "pending"})`).join(" → ")),
  interrupt: (node, item) => setText(node, `? ${item.prompt} ${item.decision ?? ""}`),
  source: (node, item) => setText(node, `${item.title ?? ""} ${item.url}`),
  log: (node, item) => setText(node, `${item.level}: ${item.text}`),
};

// --- the link: one WebSocket at a time, taken up again at the cursor --------------------------------------------------

class Link {
  #socket = null;
  #sub = 0;
  #failures = 0;
  #resyncs = 0;
  #pending = new Map(); // id → {message, tries}: sent again on every connection until acknowledged
  #cursor = "";
  #pong = true;

  constructor(conversation, show) {
    this.conversation = conversation;
    this.show = show; // {link(status), fold(fold, reset), notice(text)}
    this.fold = new Fold({});
    setInterval(() => this.#ping(), PING_MS);
    addEventListener("online", () => this.#socket?.close());
    this.#connect();
  }

  request(id, message) {
    this.#pending.set(id, { message: { conversation: this.conversation, ...message }, tries: 0 });
    this.#say(this.#pending.get(id).message);
  }

  #connect() {
    const url = new URL("v1/ws", location.href.split("#")[0]);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, "anabranch.v1.json");
    let delay = null;
    this.#socket = socket;
    this.#pong = true;
    socket.onopen = () => {
      this.show.link("catching up");
      this.#subscribe(this.#cursor ? { after: this.#cursor } : {});
      for (const { message } of this.#pending.values()) this.#say(message);
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.op === "reconnect") delay = message.after_ms * (1 + Math.random() / 2);
      else this.#receive(message);
    };
    socket.onclose = ({ code, reason }) => {
      if (code >= 4400 && code < 4500) {
        this.show.link("closed");
        this.show.notice(reason || `The gateway closed the connection (${code}).`);
        return;
      }
      this.show.link("reconnecting");
      if (code >= 4000 && code < 4100) delay ??= Math.random() * BACKOFF_MS.min;
      const backoff = Math.min(BACKOFF_MS.max, BACKOFF_MS.min * 2 ** this.#failures) * (0.5 + Math.random() / 2);
      this.#failures += 1;
      setTimeout(() => this.#connect(), delay ?? backoff);
    };
  }

  #say(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #ping() {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.#pong) this.#socket.close();
    this.#pong = false;
    this.#say({ op: "ping" });
  }

  /** Under a new name each time, so that what is still on its way for the one before cannot be confused. */
  #subscribe(from) {
    this.#sub += 1;
    this.#say({ op: "subscribe", conversation: this.conversation, sub: `s${this.#sub}`, ...from });
  }

  #resync(why) {
    this.#resyncs += 1;
    this.show.link("gap");
    if (this.#resyncs > RESYNCS_MAX) {
      this.show.notice(`What the gateway sends does not fit together: ${why}`);
      this.#socket.onclose = null;
      this.#socket.close();
      return;
    }
    this.#say({ op: "unsubscribe", sub: `s${this.#sub}` });
    this.#subscribe({ mode: "snapshot" });
  }

  #receive(message) {
    if (message.op === "pong") this.#pong = true;
    else if (message.op === "ack") this.#pending.delete(message.ref);
    else if (message.op === "error") this.#refused(message);
    else if (message.sub === `s${this.#sub}`) this.#follow(message);
  }

  #follow(message) {
    switch (message.op) {
      case "snapshot":
        this.fold = new Fold(message.transcript);
        this.#cursor = message.cursor;
        this.show.fold(this.fold, true);
        break;
      case "events":
        try {
          for (const frame of message.frames) this.fold.apply(frame);
        } catch (error) {
          this.#resync(error.message);
          break;
        }
        this.#cursor = message.cursor;
        this.show.fold(this.fold, false);
        break;
      case "caught_up":
        this.#cursor = message.cursor;
        this.#failures = this.#resyncs = 0;
        this.show.link("live");
        break;
      case "gap":
      case "lagging":
        this.show.link(message.op);
        break;
      default:
    }
  }

  #refused(error) {
    const request = this.#pending.get(error.ref);
    if (request && error.retryable && request.tries < SEND_TRIES_MAX) {
      request.tries += 1;
      setTimeout(() => this.#say(request.message), BACKOFF_MS.min * 2 ** request.tries);
      return;
    }
    this.#pending.delete(error.ref);
    if (error.ref === `s${this.#sub}` && (error.retryable || error.code === "cursor_from_future")) {
      setTimeout(() => this.#resync(error.message), BACKOFF_MS.min * 4);
      return;
    }
    this.show.notice(error.message);
  }
}

// --- the page ---------------------------------------------------------------------------------------------------------

async function conversationHere() {
  const named = decodeURIComponent(location.hash.slice(1));
  if (named) return named;
  const answer = await fetch("v1/conversations", {
    method: "POST",
    body: "{}",
    headers: { "Content-Type": "application/json" },
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  history.replaceState(null, "", `#${body.id}`);
  return body.id;
}

async function start() {
  const at = (id) => document.getElementById(id);
  const view = new View(at("runs"));
  let due = false;
  const show = {
    link(status) {
      setText(at("link"), status);
      at("link").dataset.link = status;
    },
    notice: (text) => setText(at("notice"), text),
    fold(fold, reset) {
      if (reset) view.clear();
      if (due) return;
      due = true;
      requestAnimationFrame(() => {
        due = false;
        const page = document.documentElement;
        const atEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 80;
        view.update(link.fold);
        at("empty").hidden = link.fold.runs.size > 0;
        at("cancel").hidden = link.fold.active.length === 0;
        setText(at("title"), link.fold.title);
        if (atEnd) page.scrollTop = page.scrollHeight;
      });
    },
  };
  let link;
  try {
    link = new Link(await conversationHere(), show);
  } catch (error) {
    show.link("closed");
    show.notice(error.message);
    return;
  }
  const say = () => {
    const text = at("text").value.trim();
    if (!text) return;
    show.notice("");
    const id = `m${crypto.getRandomValues(new Uint32Array(3)).join("")}`;
    link.request(id, { op: "send", id, text, agent: at("agent").value.trim() || "team" });
    at("text").value = "";
  };
  at("say").addEventListener("submit", (event) => {
    event.preventDefault();
    say();
  });
  at("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    say();
  });
  at("cancel").addEventListener("click", () => {
    for (const run of link.fold.active.reverse()) link.request(run.id, { op: "cancel", run: run.id });
  });
  addEventListener("hashchange", () => location.reload());
}

if (typeof document !== "undefined") start();
