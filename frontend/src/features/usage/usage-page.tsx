import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { baseUrl } from '@/api/client';
import { usageQuery } from '@/api/usage';
import { date, kroner, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';

type Month = Schema['UsageMonth'];

/** What invoices are made from, month by month. */
export function UsagePage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(usageQuery);
  const columns: Column<Month>[] = [
    { heading: t('usage.month'), rowHeading: true, cell: (one) => one.month },
    { heading: t('usage.users'), number: true, cell: (one) => number(one.users) },
    { heading: t('usage.certificates'), number: true, cell: (one) => number(one.certificates) },
    { heading: t('usage.amount'), number: true, cell: (one) => kroner(one.amount) },
    { heading: t('usage.carried'), number: true, cell: (one) => kroner(one.carried) },
    { heading: t('usage.invoiced'), number: true, cell: (one) => kroner(one.invoiced) },
  ];
  return (
    <Page title={t('usage.title')} lead={t('usage.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && (
        <>
          <p>{t('usage.next', { date: date(data.next_cut), users: number(data.now.users), amount: kroner(data.now.amount) })}</p>
          <Table caption={t('usage.title')} columns={columns} rows={[data.now, ...data.months]} rowKey={(one) => one.month} />
          <Bars months={[...data.months].reverse()} />
          <p>
            <a href={`${baseUrl}/usage.csv`} download>
              <Icon name="download" /> {t('usage.csv')}
            </a>
          </p>
          <p className="quiet small">
            {t('usage.prices', { free: data.free_users, user: kroner(data.user_price), certificate: kroner(data.certificate_price) })}
          </p>
        </>
      )}
    </Page>
  );
}

/** Users over months; the table above has the same figures. */
function Bars({ months }: { months: Month[] }) {
  const most = Math.max(1, ...months.map((one) => one.users));
  if (months.length === 0) return null;
  return (
    <svg className="usage-bars" viewBox={`0 0 ${months.length * 40} 120`} aria-hidden>
      {months.map((one, index) => {
        const height = (one.users / most) * 100;
        return <rect key={one.month} x={index * 40 + 6} y={110 - height} width={28} height={height} rx={2} />;
      })}
    </svg>
  );
}
