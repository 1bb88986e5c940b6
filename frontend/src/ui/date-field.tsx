import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { described, FieldError } from './field';

/** What was typed; not yet a date. */
export interface DateParts {
  day: string;
  month: string;
  year: string;
}

export const noDate: DateParts = { day: '', month: '', year: '' };

interface DateFieldProps {
  id?: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  optional?: boolean;
  value: DateParts;
  onChange: (value: DateParts) => void;
}

/** A date in three fields: faster by keyboard and clearer than a calendar. */
export function DateField(props: DateFieldProps) {
  const { t } = useTranslation();
  const made = useId();
  const { id = made, label, hint, error, optional = false, value, onChange } = props;
  const fields = ['day', 'month', 'year'] as const;
  return (
    <div className={`form-group ${error === undefined ? '' : 'form-error'}`}>
      <fieldset aria-describedby={described(id, { hint, error })['aria-describedby']}>
        <legend className="form-label">
          {label}
          {optional && <span className="weight-normal"> ({t('ui.optional')})</span>}
        </legend>
        {hint !== undefined && (
          <span className="form-hint" id={`${id}-hint`}>
            {hint}
          </span>
        )}
        <FieldError id={id} error={error} />
        <div className="date-group">
          {fields.map((field) => (
            <div className={`form-group form-group-${field}`} key={field}>
              <label className="form-label" htmlFor={field === 'day' ? id : `${id}-${field}`}>
                {t(`ui.date.${field}`)}
              </label>
              <input
                id={field === 'day' ? id : `${id}-${field}`}
                className="form-input"
                inputMode="numeric"
                maxLength={field === 'year' ? 4 : 2}
                value={value[field]}
                aria-invalid={error === undefined ? undefined : true}
                onChange={(event) => onChange({ ...value, [field]: event.target.value })}
              />
            </div>
          ))}
        </div>
      </fieldset>
    </div>
  );
}
