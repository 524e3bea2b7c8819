interface Props<T extends string> {
  legend: string;
  name: string;
  options: readonly (readonly [T, string])[];
  /** Chosen at first. */
  initial: T;
  onSelect?: (value: T) => void;
}

/** One of a few, side by side. */
export function Segments<T extends string>({ legend, name, options, initial, onSelect }: Props<T>) {
  return (
    <fieldset className="segments">
      <legend>{legend}</legend>
      {options.map(([value, label]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            value={value}
            defaultChecked={value === initial}
            onChange={() => onSelect?.(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
