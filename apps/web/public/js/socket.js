// The WebSocket, protocol realchat.v1: authenticate, resume, then live events and acknowledged sends.

const LONGEST_WAIT_MS = 30_000;
const FIRST_WAIT_MS = 500;
const ANSWER_MS = 10_000;
/** The server pings every 25 s; after this silence the connection is taken for dead. */
const SILENCE_MS = 40_000;

/** A send that was not acknowledged. `temporary` ones are worth the same frame again. */
export class SendError extends Error {
  constructor({ code, detail, temporary, retry_after = 0 }) {
    super(detail);
    Object.assign(this, { code, temporary, retryAfterMs: retry_after * 1000 });
  }
}

const LOST = { code: "offline", detail: "The connection was lost.", temporary: true };

/**
 * Events: `event` (detail: the event), `resumed` (detail: {epoch, conversations}), `up`, `down` (detail: {waitMs}),
 * `end` (detail: why, when there is no coming back).
 */
export class Socket extends EventTarget {
  #api;
  #positions;
  #connection = null;
  #answers = new Map();
  #nextId = 1;
  #attempts = 0;
  #timer = null;
  #silence = null;
  #stopped = true;
  isUp = false;

  /** `positions` gives {conversation_id: seq}, what a resume begins from. */
  constructor(api, positions) {
    super();
    this.#api = api;
    this.#positions = positions;
  }

  start() {
    this.#stopped = false;
    this.#connect();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#connection?.close(1000);
    this.#lose();
  }

  /** Tries now instead of later, for example because the network is back. */
  hurry() {
    if (this.#stopped || this.#connection) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** The `ack` of a message. Throws SendError. */
  send(message) {
    if (!this.isUp) return Promise.reject(new SendError(LOST));
    return this.#ask({ type: "send", ...message });
  }

  async #connect() {
    let ticket;
    try {
      ticket = await this.#api.request("POST", "/v1/socket-tickets");
    } catch (error) {
      if (!this.#stopped && error.temporary) this.#retry(error.retry_after);
      return;
    }
    if (this.#stopped || this.#connection) return;
    const connection = new WebSocket(ticket.url, "realchat.v1");
    this.#connection = connection;
    this.#listen();
    connection.onmessage = ({ data }) => this.#take(JSON.parse(data));
    connection.onclose = ({ code }) => connection === this.#connection && this.#closed(code);
    connection.onopen = () => this.#greet(connection, ticket.ticket);
  }

  async #greet(connection, ticket) {
    try {
      await this.#ask({ type: "auth", ticket });
      const resumed = await this.#ask({ type: "resume", conversations: this.#positions() });
      this.#attempts = 0;
      this.isUp = true;
      this.#tell("resumed", resumed);
      this.#tell("up");
    } catch {
      connection.close(); // its code says what comes next
    }
  }

  #take(frame) {
    this.#listen();
    const answer = frame.id && this.#answers.get(frame.id);
    if (answer) {
      this.#answers.delete(frame.id);
      clearTimeout(answer.timer);
      if (frame.type === "error") answer.reject(new SendError(frame));
      else answer.resolve(frame);
    } else if (frame.type === "event") {
      this.#tell("event", frame.event);
    } else if (frame.type === "ping") {
      this.#connection.send('{"type":"pong"}');
    } else if (frame.type === "reconnect") {
      const leaving = this.#connection;
      setTimeout(() => leaving === this.#connection && leaving.close(1000), frame.after_ms);
    }
  }

  #ask(frame) {
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(id);
        reject(new SendError({ ...LOST, code: "deadline_exceeded" }));
      }, ANSWER_MS);
      this.#answers.set(id, { resolve, reject, timer });
      this.#connection.send(JSON.stringify({ ...frame, id }));
    });
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#connection?.close();
      this.#closed(1006); // a dead connection may take minutes to close
    }, SILENCE_MS);
  }

  #closed(code) {
    if (this.#stopped) return;
    this.#lose();
    if (code >= 4200 && code < 4300) {
      this.#stopped = true;
      this.#tell("end", code);
    } else if (code >= 4100 && code < 4200) {
      this.#api.refresh().then(
        () => this.#retry(),
        (error) => error.temporary && this.#retry(),
      );
    } else {
      this.#retry();
    }
  }

  #lose() {
    clearTimeout(this.#silence);
    this.#connection = null;
    this.isUp = false;
    for (const { reject, timer } of this.#answers.values()) {
      clearTimeout(timer);
      reject(new SendError(LOST));
    }
    this.#answers.clear();
  }

  /** Waits with full jitter, so that the clients of a server that went away do not come back all at once. */
  #retry(leastSeconds = 0) {
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts++);
    const waitMs = Math.max(leastSeconds * 1000, Math.random() * most);
    this.#tell("down", { waitMs });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
