import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { statisticsQuery } from '@/api/services';
import { date, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { DayBars } from '@/ui/chart';
import { Skeleton } from '@/ui/feedback';
import { Table } from '@/ui/table';

const days = 30;

/** Logins and refusals, day by day. */
export function StatisticsPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(statisticsQuery(id, days));
  const all = data?.days ?? [];
  const logins = all.reduce((sum, one) => sum + one.logins, 0);
  const refusals = all.reduce((sum, one) => sum + one.refusals, 0);
  return (
    <section className="panel" aria-labelledby="statistics">
      <h2 id="statistics">{t('services.statistics.heading', { days })}</h2>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && (
        <>
          <dl className="figures">
            <div className="figure state-activated">
              <dt>{t('services.statistics.logins')}</dt>
              <dd>{number(logins)}</dd>
            </div>
            <div className="figure state-failed">
              <dt>{t('services.statistics.refusals')}</dt>
              <dd>{number(refusals)}</dd>
            </div>
          </dl>
          {logins + refusals === 0 ? (
            <p>{t('services.statistics.none')}</p>
          ) : (
            <>
              <DayBars label={t('services.statistics.chart')} days={all.map((one) => ({ good: one.logins, bad: one.refusals }))} />
              <p className="quiet small chart-ends">
                <span>{date(all[0]?.day ?? '')}</span>
                <span>{date(all.at(-1)?.day ?? '')}</span>
              </p>
              <details>
                <summary>{t('services.statistics.table')}</summary>
                <Table
                  caption={t('services.statistics.chart')}
                  columns={[
                    { heading: t('services.statistics.day'), rowHeading: true, cell: (one) => date(one.day) },
                    { heading: t('services.statistics.logins'), number: true, cell: (one) => number(one.logins) },
                    { heading: t('services.statistics.refusals'), number: true, cell: (one) => number(one.refusals) },
                  ]}
                  rows={all.filter((one) => one.logins + one.refusals > 0).reverse()}
                  rowKey={(one) => one.day}
                />
              </details>
            </>
          )}
        </>
      )}
    </section>
  );
}
