import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon';

export interface FieldProblem {
  /** id of the control to go to. */
  field: string;
  text: string;
}

/** What must be corrected, above the form. Takes the focus whenever `attempt`,
 * the number of failed submits, grows. */
export function ErrorSummary({ problems, attempt }: { problems: FieldProblem[]; attempt: number }) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const shown = problems.length > 0;
  useEffect(() => {
    if (attempt > 0) box.current?.focus();
  }, [attempt]);
  if (!shown) return null;
  return (
    <div className="alert alert-error error-summary" role="alert" tabIndex={-1} ref={box}>
      <Icon name="error" className="alert-icon" label={t('ui.tone.error')} />
      <div className="alert-body">
        <h2 className="alert-heading">{t('ui.errorSummary')}</h2>
        <ul className="nobullet-list">
          {problems.map(({ field, text }) => (
            <li key={field}>
              <a
                className="function-link"
                href={`#${field}`}
                onClick={(event) => {
                  event.preventDefault();
                  document.getElementById(field)?.focus();
                }}
              >
                {text}
              </a>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
