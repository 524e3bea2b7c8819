/** What may be given with two presses; every other emoji that somebody has given can be given again. */

export const EMOJIS: readonly (readonly [emoji: string, name: string])[] = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Tears of joy"],
  ["😮", "Astonished"],
  ["😢", "Crying"],
  ["🙏", "Thank you"],
  ["🎉", "Party"],
  ["🔥", "Fire"],
  ["👎", "Thumbs down"],
  ["😀", "Grinning"],
  ["😍", "In love"],
  ["🤔", "Thinking"],
  ["😴", "Sleeping"],
  ["😡", "Angry"],
  ["🤯", "Mind blown"],
  ["🥳", "Celebrating"],
  ["👏", "Applause"],
  ["🙌", "Raised hands"],
  ["💪", "Strong"],
  ["👀", "Eyes"],
  ["✅", "Done"],
  ["❌", "No"],
  ["💯", "Hundred"],
  ["🚀", "Rocket"],
];

const NAMES = new Map(EMOJIS.map(([emoji, name]) => [bare(emoji), name]));

/** With or without variation selectors it is the same emoji. */
export function bare(emoji: string): string {
  return emoji.replaceAll("\u{FE0F}", "");
}

export function nameOf(emoji: string): string {
  return NAMES.get(bare(emoji)) ?? emoji;
}
