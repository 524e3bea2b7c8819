import { Users } from "lucide-react";
import { colourOf, initials } from "../core/text";
import type { Presence } from "../core/wire";

const COLOURS = 12;

interface Props {
  id: string;
  name: string;
  size?: "small" | "medium" | "large";
  group?: boolean;
  presence?: Presence["status"] | undefined;
}

/** Decoration: the name always stands beside it. */
export function Avatar({ id, name, size = "medium", group = false, presence }: Props) {
  return (
    <span className={`avatar ${size} colour-${colourOf(id, COLOURS)}`} aria-hidden="true">
      {group ? <Users /> : initials(name)}
      {presence && presence !== "offline" && <span className={`presence ${presence}`} />}
    </span>
  );
}
