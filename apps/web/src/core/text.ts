/** Names, times and counts as people read them. */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function firstGrapheme(word: string): string {
  for (const { segment } of segmenter.segment(word)) return segment.toLocaleUpperCase();
  return "";
}

/** One or two letters for an avatar, whole graphemes of any script. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = words[0] ?? "";
  const last = words.length > 1 ? (words.at(-1) ?? "") : "";
  return firstGrapheme(first) + (/^[\p{L}\p{N}]/u.test(last) ? firstGrapheme(last) : "") || "?";
}

/** What of a text can be said: documents that one pastes from have control characters, which the server refuses. */
export function sayable(text: string): string {
  return text
    .replaceAll(/\r\n?|[\v\f\u0085]/gu, "\n")
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, (each) => (each === "\n" || each === "\t" ? each : ""))
    .trim();
}

/** How many characters a text has too many, as the server counts them: code points, once it is normalised. */
export function beyond(text: string, most: number): number {
  return text.length <= most ? 0 : Math.max(0, Array.from(text.normalize("NFC")).length - most);
}

/** A name within a sentence: whatever its script, what is around it keeps its place. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** A number of 0 to `colours - 1` that is the same for the same id, everywhere. */
export function colourOf(id: string, colours: number): number {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % colours;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const longDate = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const fullDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const DAY_MS = 86_400_000;

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Whole days between two times, by this place's midnights. */
function daysAgo(at: Date, now: Date): number {
  return Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS);
}

export function dayKey(at: string): number {
  return startOfDay(new Date(at));
}

export function time(at: string): string {
  return clock.format(new Date(at));
}

export function exactTime(at: string): string {
  return exact.format(new Date(at));
}

/** For a list: the time today, the day this week, else the date. */
export function when(at: string, now: Date): string {
  const date = new Date(at);
  const days = daysAgo(date, now);
  if (days <= 0) return clock.format(date);
  if (days === 1) return "Yesterday";
  return days < 7 ? weekday.format(date) : shortDate.format(date);
}

/** For the line between two days. */
export function day(at: string, now: Date): string {
  const date = new Date(at);
  const days = daysAgo(date, now);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.getFullYear() === now.getFullYear() ? longDate.format(date) : fullDate.format(date);
}

/** How long ago something was: goes on after a verb. */
export function ago(at: string, now: Date): string {
  const minutes = Math.floor((now.getTime() - new Date(at).getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const days = daysAgo(new Date(at), now);
  if (days === 0) return `at ${time(at)}`;
  return days === 1 ? `yesterday at ${time(at)}` : shortDate.format(new Date(at));
}

export function lastSeen(at: string | null, now: Date): string {
  return at ? `seen ${ago(at, now)}` : "offline";
}

/** A day as date fields have it, by this place's clock: 2026-01-31. */
export function dateOf(at: Date): string {
  const [month, date] = [at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0"));
  return `${at.getFullYear()}-${month}-${date}`;
}

/** Also of the future. */
export function fullDay(at: string): string {
  return fullDate.format(new Date(at));
}

const UNITS = ["B", "kB", "MB", "GB"];

/** A size of a file. */
export function bytes(size: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const value = size / 1000 ** power;
  return `${value.toFixed(power && value < 10 ? 1 : 0)} ${UNITS[power]}`;
}

export function count(most: number): (value: number) => string {
  return (value) => (value > most ? `${most}+` : String(value));
}
