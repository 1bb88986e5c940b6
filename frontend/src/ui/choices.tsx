import { described, FieldError } from './field';

interface ChoicesProps {
  id: string;
  legend: string;
  hint?: string;
  error?: string | undefined;
  disabled?: boolean;
  options: { value: string; label: string; hint?: string }[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** Any of several, in the order of the options. */
export function Choices({ id, legend, hint, error, disabled, options, chosen, onChange }: ChoicesProps) {
  const toggle = (value: string) => {
    const wanted = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
    onChange(options.map((one) => one.value).filter((one) => wanted.includes(one)));
  };
  return (
    <div className={`form-group ${error === undefined ? '' : 'form-error'}`}>
      <fieldset id={id} tabIndex={-1} {...described(id, { hint, error })}>
        <legend className="form-label">{legend}</legend>
        {hint !== undefined && (
          <span className="form-hint" id={`${id}-hint`}>
            {hint}
          </span>
        )}
        <FieldError id={id} error={error} />
        {options.map((option) => (
          <div className="form-group-checkbox" key={option.value}>
            <input
              id={`${id}-${option.value}`}
              type="checkbox"
              className="form-checkbox"
              disabled={disabled}
              checked={chosen.includes(option.value)}
              aria-describedby={option.hint === undefined ? undefined : `${id}-${option.value}-hint`}
              onChange={() => toggle(option.value)}
            />
            <label className="form-label" htmlFor={`${id}-${option.value}`}>
              {option.label}
            </label>
            {option.hint !== undefined && (
              <span className="form-hint choice-hint" id={`${id}-${option.value}-hint`}>
                {option.hint}
              </span>
            )}
          </div>
        ))}
      </fieldset>
    </div>
  );
}
