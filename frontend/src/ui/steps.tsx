import { useTranslation } from 'react-i18next';
import { Icon } from './icon';

/** Where the person is in a task of several steps; current counts from 0. */
export function Steps({ names, current }: { names: string[]; current: number }) {
  const { t } = useTranslation();
  return (
    <div className="steps-across">
      <ol className="step-indicator" aria-label={t('ui.steps')}>
        {names.map((name, index) => {
          const state = index < current ? 'done' : index === current ? 'current' : 'disabled';
          return (
            <li key={name} className={state} aria-current={state === 'current' ? 'step' : undefined}>
              <div className="step">
                {state === 'done' ? (
                  <span className="step-icon">
                    <Icon name="check" label={t('ui.stepDone')} />
                  </span>
                ) : (
                  <span className="step-number">
                    <span>{index + 1}</span>
                  </span>
                )}
                <div>
                  <span className="step-title">{name}</span>
                </div>
              </div>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
