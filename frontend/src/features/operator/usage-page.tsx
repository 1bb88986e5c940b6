import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { ledgerQuery, ledgerUrl, type UsageAccount } from '@/api/operator';
import { kroner, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';

const route = getRouteApi('/console/operator/usage');
const methods = ['digital_post', 'email', 'ean'] as const;

/** What the invoices of one month are made from, organisation by organisation. */
export function LedgerPage() {
  const { t } = useTranslation();
  const { month } = route.useSearch();
  const navigate = useNavigate();
  const query = useInfiniteQuery({ ...ledgerQuery(month), placeholderData: (before) => before });
  const first = query.data?.pages[0];
  const all = query.data?.pages.flatMap((page) => page.items) ?? [];
  const columns = useMemo<Column<UsageAccount>[]>(
    () => [
      { heading: t('operator.usage.cvr'), rowHeading: true, cell: (one) => one.cvr },
      {
        heading: t('operator.usage.name'),
        cell: (one) => (
          <Link to="/operator/organisations/$id" params={{ id: one.organisation_id }}>
            {one.name}
          </Link>
        ),
      },
      {
        heading: t('operator.usage.to'),
        cell: (one) => {
          const method = methods.find((known) => known === one.invoice_method);
          return <span className="break">{method === undefined ? t('operator.usage.nowhere') : `${t(`settings.invoice.${method}`)} ${one.invoice_to}`}</span>;
        },
      },
      { heading: t('usage.users'), number: true, cell: (one) => number(one.users) },
      { heading: t('usage.certificates'), number: true, cell: (one) => number(one.certificates) },
      { heading: t('usage.amount'), number: true, cell: (one) => kroner(one.amount) },
      { heading: t('usage.carried'), number: true, cell: (one) => kroner(one.carried) },
      { heading: t('usage.invoiced'), number: true, cell: (one) => kroner(one.invoiced) },
    ],
    [t],
  );
  return (
    <Page title={t('operator.pages.usage')} lead={t('operator.usage.lead')}>
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {first?.months.length === 0 && (
        <Empty icon="search" heading={t('operator.usage.none')}>
          {t('operator.usage.noneText')}
        </Empty>
      )}
      {first !== undefined && first.months.length > 0 && (
        <>
          <SelectField
            id="month"
            label={t('usage.month')}
            value={first.month}
            onChange={(event) => void navigate({ to: '/operator/usage', search: { month: event.target.value }, replace: true })}
          >
            {first.months.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </SelectField>
          <p role="status">
            {t('operator.usage.total', {
              organisations: number(first.total.organisations),
              users: number(first.total.users),
              certificates: number(first.total.certificates),
              invoiced: kroner(first.total.invoiced),
            })}
          </p>
          <p>
            <a href={ledgerUrl(first.month)} download>
              <Icon name="download" /> {t('operator.usage.csv')}
            </a>
          </p>
          <Table caption={t('operator.pages.usage')} columns={columns} rows={all} rowKey={(one) => one.organisation_id} />
          <LoadMore shown={all.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </Page>
  );
}
