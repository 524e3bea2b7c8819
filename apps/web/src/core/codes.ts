/** Codes as people read, copy and keep them. */

/** In groups of four, for typing it into an authenticator. */
export function grouped(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(" ") ?? "";
}

/** A file of recovery codes that still says what it is when somebody finds it after years. */
export function recoveryFile(codes: readonly string[], email: string, at: Date): string {
  return [
    `RealChat recovery codes of ${email}, made on ${at.toISOString().slice(0, 10)}.`,
    "Each is good for one login without the authenticator.",
    "",
    ...codes,
    "",
  ].join("\n");
}
