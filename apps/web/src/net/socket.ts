/** The WebSocket, protocol realchat.v1: authenticate, resume, then live events and acknowledged frames. */

import { afterClose, backOff } from "../core/reconnect";
import type { Ack, Id, LogEvent, Presence, Problem, Resumed } from "../core/wire";
import type { Api } from "./api";
import { ApiError, OFFLINE } from "./problem";

const ANSWER_MS = 10_000;
/** The server pings every 25 s; after this silence the connection is taken for dead. */
const SILENCE_MS = 40_000;
/** How long an answer to our own ping may take when the network is said to be back. */
const PROBE_MS = 4_000;

interface Frame {
  type: string;
  id?: string;
  [field: string]: unknown;
}

export interface SocketListener {
  /** What a resume begins from: the last `seq` held of each conversation. */
  positions(): Record<Id, number>;
  event(event: LogEvent): void;
  /** Everything missed was sent; live events follow. */
  resumed(resumed: Resumed): void;
  /** Any other frame. */
  frame(frame: Frame): void;
  up(): void;
  /** The connection is lost; the next attempt is in `waitMs`. */
  down(waitMs: number): void;
  /** There is no coming back without somebody's doing. */
  stopped(code: number): void;
}

interface Waiting {
  resolve(frame: Frame): void;
  reject(error: ApiError): void;
  timer: number;
}

export class Socket {
  isUp = false;
  readonly #api: Api;
  readonly #listener: SocketListener;
  #connection: WebSocket | null = null;
  readonly #waiting = new Map<string, Waiting>();
  #nextId = 1;
  #attempts = 0;
  #retryTimer = 0;
  #silenceTimer = 0;
  #connecting = false;
  #stopped = true;

  constructor(api: Api, listener: SocketListener) {
    this.#api = api;
    this.#listener = listener;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    this.#connection?.close(1000);
    this.#lose();
  }

  /** Tries now instead of later, or finds out whether the connection outlived what happened to the network. */
  hurry(): void {
    if (this.#stopped) return;
    if (this.#connection && this.isUp) {
      this.#listen(PROBE_MS);
      this.tell({ type: "ping" });
    } else if (!this.#connection) {
      clearTimeout(this.#retryTimer);
      void this.#connect();
    }
  }

  async send(message: {
    conversation_id: Id;
    client_message_id: string;
    body: string;
    reply_to?: Id;
    mentions?: readonly Id[];
    mention_all?: boolean;
  }): Promise<Ack> {
    if (!this.isUp) throw new ApiError(OFFLINE);
    return (await this.#ask({ type: "send", ...message })) as unknown as Ack;
  }

  /** Is told of these people's presence from now on, instead of others'; returns how they are seen now. */
  async watch(ids: readonly Id[]): Promise<Presence[]> {
    if (!this.isUp) throw new ApiError(OFFLINE);
    return (await this.#ask({ type: "watch", user_ids: ids }))["presences"] as Presence[];
  }

  /** Sends a frame that nobody answers; nothing happens without a connection. */
  tell(frame: Frame): void {
    if (this.isUp && this.#connection?.readyState === WebSocket.OPEN)
      this.#connection.send(JSON.stringify(frame));
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#connection) return;
    this.#connecting = true;
    try {
      const ticket = await this.#api.post<{ ticket: string; url: string }>("/v1/socket-tickets");
      if (!this.#stopped) this.#open(ticket.url, ticket.ticket);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.#stopped && error.temporary) this.#retry(error.retryAfterMs);
    } finally {
      this.#connecting = false;
    }
  }

  #open(url: string, ticket: string): void {
    const connection = new WebSocket(url, "realchat.v1");
    this.#connection = connection;
    this.#listen();
    connection.addEventListener("message", ({ data }) => {
      if (connection === this.#connection) this.#take(JSON.parse(String(data)) as Frame);
    });
    connection.addEventListener("close", ({ code }) => {
      if (connection === this.#connection) this.#closed(code);
    });
    connection.addEventListener("open", () => void this.#greet(connection, ticket));
  }

  async #greet(connection: WebSocket, ticket: string): Promise<void> {
    try {
      await this.#ask({ type: "auth", ticket });
      const resumed = await this.#ask({ type: "resume", conversations: this.#listener.positions() });
      this.#attempts = 0;
      this.isUp = true;
      this.#listener.resumed(resumed as unknown as Resumed);
      this.#listener.up();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      connection.close(); // its code says what comes next
    }
  }

  #take(frame: Frame): void {
    this.#listen();
    const waiting = frame.id === undefined ? undefined : this.#waiting.get(frame.id);
    if (frame.id !== undefined && waiting) {
      this.#waiting.delete(frame.id);
      clearTimeout(waiting.timer);
      if (frame.type === "error") waiting.reject(new ApiError(frame as unknown as Problem));
      else waiting.resolve(frame);
    } else if (frame.type === "event") {
      this.#listener.event(frame["event"] as LogEvent);
    } else if (frame.type === "ping") {
      this.#connection?.send('{"type":"pong"}');
    } else if (frame.type === "reconnect") {
      const leaving = this.#connection;
      setTimeout(() => leaving === this.#connection && leaving?.close(1000), Number(frame["after_ms"]));
    } else {
      this.#listener.frame(frame);
    }
  }

  #ask(frame: Frame): Promise<Frame> {
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ApiError({ ...OFFLINE, code: "deadline_exceeded" }));
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer: Number(timer) });
      this.#connection?.send(JSON.stringify({ ...frame, id }));
    });
  }

  #listen(silenceMs = SILENCE_MS): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = Number(
      setTimeout(() => {
        this.#connection?.close();
        this.#closed(1006); // a dead connection may take minutes to close
      }, silenceMs),
    );
  }

  #closed(code: number): void {
    if (this.#stopped) return;
    this.#lose();
    const next = afterClose(code);
    if (next === "stop") {
      this.#stopped = true;
      this.#listener.stopped(code);
    } else if (next === "renew") {
      this.#api.refresh().then(
        () => this.#retry(),
        (error: unknown) => {
          if (error instanceof ApiError && error.temporary) this.#retry(error.retryAfterMs);
        },
      );
    } else {
      this.#retry();
    }
  }

  #lose(): void {
    clearTimeout(this.#silenceTimer);
    this.#connection = null;
    this.isUp = false;
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new ApiError(OFFLINE));
    }
    this.#waiting.clear();
  }

  #retry(leastMs = 0): void {
    if (this.#stopped) return;
    const waitMs = backOff(this.#attempts++, Math.random(), leastMs);
    this.#listener.down(waitMs);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = Number(setTimeout(() => void this.#connect(), waitMs));
  }
}
