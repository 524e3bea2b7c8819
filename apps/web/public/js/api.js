// HTTP: one place that knows tokens, problems and retries.

const REFRESH_TOKEN = "realchat.refresh-token";
const SPARE_SECONDS = 30;

/** A problem+json answer, or the network's absence. Switch on `code`. */
export class ApiError extends Error {
  constructor(problem) {
    super(problem.detail);
    Object.assign(this, problem);
  }
}

const OFFLINE = { code: "offline", detail: "There is no connection.", temporary: true };

export class Api {
  #accessToken = null;
  #expiresAt = 0;
  #refreshing = null;

  /** Called when the session is over and somebody has to log in again. */
  onLoggedOut = () => {};

  get hasSession() {
    return sessionStorage.getItem(REFRESH_TOKEN) !== null;
  }

  async logIn(path, fields) {
    const tokens = await this.#send("POST", path, { ...fields, device_name: deviceName() });
    this.#keep(tokens);
  }

  async logOut() {
    try {
      await this.request("POST", "/v1/auth/logout");
    } finally {
      this.forget();
    }
  }

  forget() {
    sessionStorage.removeItem(REFRESH_TOKEN);
    this.#accessToken = null;
    this.onLoggedOut();
  }

  /** The answer's JSON. Throws ApiError. */
  async request(method, path, body, headers) {
    if (!this.#accessToken || performance.now() > this.#expiresAt) await this.refresh();
    try {
      return await this.#send(method, path, body, headers);
    } catch (error) {
      if (error.code === "session_revoked") this.forget();
      if (error.code !== "unauthenticated") throw error;
      await this.refresh();
      return this.#send(method, path, body, headers);
    }
  }

  /** Trades the refresh token for new tokens; those who ask meanwhile share the answer, for it is good only once. */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refresh() {
    try {
      this.#keep(await this.#send("POST", "/v1/auth/refresh", { refresh_token: sessionStorage.getItem(REFRESH_TOKEN) ?? "" }));
    } catch (error) {
      if (!error.temporary) this.forget();
      throw error;
    }
  }

  #keep(tokens) {
    this.#accessToken = tokens.access_token;
    this.#expiresAt = performance.now() + (tokens.expires_in - SPARE_SECONDS) * 1000;
    // The access token stays in memory; this one survives a reload of the tab, and nothing else.
    sessionStorage.setItem(REFRESH_TOKEN, tokens.refresh_token);
  }

  async #send(method, path, body, headers = {}) {
    const options = { method, headers: { ...headers } };
    if (body !== undefined) {
      options.body = JSON.stringify(body);
      options.headers["Content-Type"] = "application/json";
    }
    if (this.#accessToken && !path.startsWith("/v1/auth/re")) options.headers.Authorization = `Bearer ${this.#accessToken}`;
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new ApiError(OFFLINE);
    }
    const type = answer.headers.get("Content-Type") ?? "";
    const value = type.includes("json") ? await answer.json() : null;
    if (answer.ok) return value;
    throw new ApiError(value ?? { code: "internal", detail: `The server answered ${answer.status}.`, temporary: answer.status >= 500 });
  }
}

function deviceName() {
  const agent = navigator.userAgent;
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(name)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((name) => agent.includes(name)) ?? "";
  return `${{ Edg: "Edge", OPR: "Opera" }[browser] ?? browser}${system && ` on ${system}`}`;
}
