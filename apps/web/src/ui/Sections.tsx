import { useId, type ReactNode } from "react";
import { Tabs, type Tab } from "./Tabs";

interface Props<T extends string> {
  label: string;
  tabs: readonly Tab<T>[];
  selected: T;
  onSelect: (id: T) => void;
  /** Below the tabs. */
  aside?: ReactNode;
  /** What is selected. */
  children: ReactNode;
}

/** The parts of a large dialog, one at a time. */
export function Sections<T extends string>({ label, tabs, selected, onSelect, aside, children }: Props<T>) {
  const panel = useId();
  return (
    <div className="settings">
      <nav className="settings-nav" aria-label={label}>
        <Tabs
          label={label}
          tabs={tabs}
          selected={selected}
          onSelect={onSelect}
          panel={panel}
          className="settings-tabs"
        />
        {aside}
      </nav>
      <div
        id={panel}
        role="tabpanel"
        aria-labelledby={`${panel}-${selected}`}
        tabIndex={0}
        className="settings-panel"
      >
        {children}
      </div>
    </div>
  );
}
