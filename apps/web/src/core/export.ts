/** An export says at its end that it is whole; without it, the connection broke on the way. */
export function isWhole(tail: string): boolean {
  const last = tail.trimEnd().split("\n").at(-1) ?? "";
  try {
    const line: unknown = JSON.parse(last);
    return typeof line === "object" && line !== null && "end" in line && line.end === true;
  } catch {
    return false;
  }
}
