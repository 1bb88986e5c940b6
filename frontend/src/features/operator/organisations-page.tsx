import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { organisationsQuery, type Standing } from '@/api/operator';
import { date, dateTime, number, percent } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';

const route = getRouteApi('/console/operator');

export const share = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole));

export function OrganisationsPage() {
  const { t } = useTranslation();
  const { q = '' } = route.useSearch();
  const navigate = useNavigate();
  const query = useInfiniteQuery(organisationsQuery(q));
  const all = query.data?.pages.flatMap((page) => page.items) ?? [];
  const columns = useMemo<Column<Standing>[]>(
    () => [
      {
        heading: t('operator.organisation'),
        rowHeading: true,
        cell: (o) => (
          <Link to="/operator/organisations/$id" params={{ id: o.id }}>
            {o.name}
          </Link>
        ),
      },
      { heading: t('onboarding.cvr'), cell: (o) => o.cvr },
      { heading: t('operator.employees'), number: true, cell: (o) => number(o.employees) },
      { heading: t('operator.activated'), number: true, cell: (o) => share(o.activated, o.employees) },
      { heading: t('operator.migration'), number: true, cell: (o) => share(o.rows_done, o.rows) },
      { heading: t('operator.setUp'), cell: (o) => (o.set_up === '' ? '–' : t(`operator.setUpState.${o.set_up}`)) },
      { heading: t('operator.lastActive'), cell: (o) => (o.last_active ? dateTime(o.last_active) : '–') },
      { heading: t('operator.since'), cell: (o) => date(o.created_at) },
    ],
    [t],
  );
  return (
    <Page title={t('operator.pages.organisations')}>
      <TextField
        id="q"
        type="search"
        label={t('operator.search')}
        value={q}
        onChange={(e) => void navigate({ to: '/operator', search: e.target.value === '' ? {} : { q: e.target.value }, replace: true })}
      />
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && all.length === 0 && (
        <Empty icon="search" heading={t('operator.noOrganisations')}>
          {t('operator.noOrganisationsText')}
        </Empty>
      )}
      {all.length > 0 && (
        <>
          <Table caption={t('operator.pages.organisations')} columns={columns} rows={all} rowKey={(o) => o.id} />
          <LoadMore shown={all.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </Page>
  );
}
