import type { KeyboardEvent, ReactNode } from "react";

export interface Tab<T extends string> {
  id: T;
  label: string;
  icon?: ReactNode;
}

interface Props<T extends string> {
  label: string;
  tabs: readonly Tab<T>[];
  selected: T;
  onSelect: (id: T) => void;
  /** The id of the element that shows what is selected. */
  panel: string;
  className?: string;
}

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Tabs by the pattern of the ARIA practices: arrows choose, and go round. */
export function Tabs<T extends string>({ label, tabs, selected, onSelect, panel, className }: Props<T>) {
  const move = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex(({ id }) => id === selected);
    const next = tabs.at((at + step) % tabs.length);
    if (!next) return;
    onSelect(next.id);
    document.getElementById(`${panel}-${next.id}`)?.focus();
  };
  return (
    <div className={className ?? "tabs"} role="tablist" aria-label={label} onKeyDown={move} tabIndex={-1}>
      {tabs.map(({ id, label: name, icon }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`${panel}-${id}`}
          aria-selected={selected === id}
          aria-controls={panel}
          tabIndex={selected === id ? 0 : -1}
          onClick={() => onSelect(id)}
        >
          {icon}
          {name}
        </button>
      ))}
    </div>
  );
}
