import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { useFocusBack } from "./hooks";

export interface MenuItem {
  label: string;
  icon?: ReactNode;
  /** Is shown instead of the label, which is then its name. */
  face?: string;
  danger?: boolean;
  onChoose: () => void;
}

interface Props {
  label: string;
  items: readonly (MenuItem | null)[];
  /** Beside what it opens. */
  anchor: DOMRect;
  onClose: () => void;
  header?: ReactNode;
  /** More than one: a grid, where up and down go by rows. */
  columns?: number;
}

const GAP = 6;

/** A menu by the pattern of the ARIA practices: arrows move, Escape closes, and the focus goes back. */
export function Menu({ label, items, anchor, onClose, header, columns = 1 }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  useFocusBack(menu);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);

  useLayoutEffect(() => {
    const box = menu.current?.getBoundingClientRect();
    if (!box) return;
    const wanted = anchor.left < innerWidth / 2 ? anchor.left : anchor.right - box.width;
    const left = Math.max(GAP, Math.min(wanted, innerWidth - box.width - GAP));
    const below = anchor.bottom + GAP;
    const top = below + box.height > innerHeight - GAP ? Math.max(GAP, anchor.top - box.height - GAP) : below;
    setPlace({ left, top });
  }, [anchor]);

  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      if (!menu.current?.contains(event.target as Node)) onClose();
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [onClose]);

  const isPlaced = place !== null;
  useEffect(() => {
    // What is not seen yet cannot have the focus.
    if (isPlaced) menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [isPlaced]);

  const all = (): HTMLElement[] => [
    ...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? []),
  ];
  const move = (by: number): void => {
    const places = all();
    const at = places.indexOf(document.activeElement as HTMLElement);
    places.at((at + by + places.length) % places.length)?.focus();
  };

  // Outside of the list, whose parts are boxes of their own for what is fixed.
  return createPortal(
    <div
      ref={menu}
      className={["menu", columns > 1 && "grid", !place && "placing"].filter(Boolean).join(" ")}
      style={place ?? undefined}
      role="menu"
      aria-label={label}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape" || event.key === "Tab") onClose();
        else if (event.key === "ArrowDown") move(columns);
        else if (event.key === "ArrowUp") move(-columns);
        else if (event.key === "ArrowRight") move(1);
        else if (event.key === "ArrowLeft") move(-1);
        else if (event.key === "Home") all().at(0)?.focus();
        else if (event.key === "End") all().at(-1)?.focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {header}
      {items.map(
        (item) =>
          item && (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              aria-label={item.face && item.label}
              title={item.face && item.label}
              className={item.danger ? "danger-text" : undefined}
              onClick={() => {
                onClose();
                item.onChoose();
              }}
            >
              {item.icon}
              {item.face ?? item.label}
            </button>
          ),
      )}
    </div>,
    document.body,
  );
}
