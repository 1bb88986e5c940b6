import { useTranslation } from 'react-i18next';
import { number, percent } from '@/format';

/** The states that have a colour of their own. */
export type ChartState = 'pending' | 'invited' | 'activated' | 'blocked' | 'skipped' | 'failed' | 'cancelled'
  | 'open' | 'planned' | 'issued' | 'installed' | 'retired' | 'moved' | 'overdue' | 'gone';

export interface Share {
  state: ChartState;
  label: string;
  count: number;
}

/** One bar of shares; the legend holds the same numbers as text. */
export function StackedBar({ shares, label }: { shares: Share[]; label: string }) {
  const total = shares.reduce((sum, share) => sum + share.count, 0);
  const shown = shares.filter((share) => share.count > 0);
  const before = (index: number) => shown.slice(0, index).reduce((sum, share) => sum + share.count, 0);
  return (
    <figure className="chart">
      <svg className="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={label}>
        {shown.map((share, index) => (
          <rect
            key={share.state}
            className={`state-${share.state}`}
            x={(before(index) / total) * 100}
            width={(share.count / total) * 100}
            height="10"
          />
        ))}
      </svg>
      <ul className="legend">
        {shown.map((share) => (
          <li key={share.state} className={`state-${share.state}`}>
            <svg aria-hidden />
            {share.label}: <strong className="number">{number(share.count)}</strong>
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** Steps that lose people on the way, each measured against `total`. */
export function Funnel({ steps, total }: { steps: Share[]; total: number }) {
  const { t } = useTranslation();
  return (
    <ol className="funnel">
      {steps.map(({ state, label, count }) => {
        const share = total === 0 ? 0 : count / total;
        return (
          <li key={state} className={`state-${state}`}>
            <p>
              <span>{label}</span>
              <span>
                <strong>{number(count)}</strong>{' '}
                <span className="quiet">{t('ui.ofTotal', { total: number(total), share: percent(share) })}</span>
              </span>
            </p>
            <svg className="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
              <rect width={share * 100} height="10" />
            </svg>
          </li>
        );
      })}
    </ol>
  );
}

/** The last values of a number, for a sense of its movement. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const most = Math.max(...values, 1);
  const step = 100 / Math.max(values.length - 1, 1);
  const points = values.map((value, i) => `${(i * step).toFixed(2)},${(30 - (value / most) * 28).toFixed(2)}`);
  return (
    <svg className="sparkline" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points.join(' ')} />
    </svg>
  );
}

/** Two kinds of a number, day by day: bars, the bad ones on top. */
export function DayBars({ days, label }: { days: { good: number; bad: number }[]; label: string }) {
  const most = Math.max(...days.map((one) => one.good + one.bad), 1);
  const step = 100 / Math.max(days.length, 1);
  const height = (count: number) => (count / most) * 38;
  return (
    <svg className="day-bars" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={label}>
      {days.map((one, i) => (
        <g key={i}>
          <rect className="good" x={i * step + step * 0.1} width={step * 0.8} y={40 - height(one.good)} height={height(one.good)} />
          <rect className="bad" x={i * step + step * 0.1} width={step * 0.8} y={40 - height(one.good + one.bad)} height={height(one.bad)} />
        </g>
      ))}
    </svg>
  );
}
