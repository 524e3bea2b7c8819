import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";

export interface MenuItem {
  label: string;
  icon?: ReactNode;
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
}

const GAP = 6;

/** A menu by the pattern of the ARIA practices: arrows move, Escape closes, and the focus goes back. */
export function Menu({ label, items, anchor, onClose, header }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);

  useLayoutEffect(() => {
    const box = menu.current?.getBoundingClientRect();
    if (!box) return;
    const left = Math.max(GAP, Math.min(anchor.right - box.width, innerWidth - box.width - GAP));
    const below = anchor.bottom + GAP;
    const top = below + box.height > innerHeight - GAP ? Math.max(GAP, anchor.top - box.height - GAP) : below;
    setPlace({ left, top });
  }, [anchor]);

  useEffect(() => {
    const before = document.activeElement;
    menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const outside = (event: PointerEvent): void => {
      if (!menu.current?.contains(event.target as Node)) onClose();
    };
    addEventListener("pointerdown", outside);
    return () => {
      removeEventListener("pointerdown", outside);
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [onClose]);

  const move = (by: number): void => {
    const all = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all.at((at + by + all.length) % all.length)?.focus();
  };

  // Outside of the list, whose parts are boxes of their own for what is fixed.
  return createPortal(
    <div
      ref={menu}
      className={place ? "menu" : "menu placing"}
      style={place ?? undefined}
      role="menu"
      aria-label={label}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape" || event.key === "Tab") onClose();
        else if (event.key === "ArrowDown" || event.key === "ArrowRight") move(1);
        else if (event.key === "ArrowUp" || event.key === "ArrowLeft") move(-1);
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
              className={item.danger ? "danger-text" : undefined}
              onClick={() => {
                onClose();
                item.onChoose();
              }}
            >
              {item.icon}
              {item.label}
            </button>
          ),
      )}
    </div>,
    document.body,
  );
}
