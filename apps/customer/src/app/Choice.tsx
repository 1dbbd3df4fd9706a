import { useId } from "react";

/** One of a few, chosen at once. */
export function Choice<Value extends string>({ label, value, options, onChange }: {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{label}</legend>
      <div className="choice-options">
        {options.map(([each, shown]) => (
          <label key={each} className={each === value ? "is-chosen" : ""}>
            <input
              type="radio"
              name={name}
              value={each}
              checked={each === value}
              onChange={() => onChange(each)}
            />
            {shown}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
