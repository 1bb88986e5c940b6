import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditEntry, auditExport, auditQuery } from '@/api/audit';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { ChainPanel } from './chain-panel';
import { Details, Party, useVerb } from './entry';
import { FilterForm } from './filter-form';

const route = getRouteApi('/inside/organisation/audit');

export function AuditPage() {
  const { t } = useTranslation();
  const filter = route.useSearch();
  const query = useInfiniteQuery({ ...auditQuery(filter), placeholderData: (before) => before });
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title={t('audit.title')} lead={t('audit.lead')}>
      <ChainPanel />
      <FilterForm key={JSON.stringify(filter)} filter={filter} />
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && entries.length === 0 && (
        <Empty icon="search" heading={t('audit.none')}>
          {t('audit.noneText')}
        </Empty>
      )}
      {entries.length > 0 && (
        <>
          <p>
            <a href={auditExport('csv', filter)} download>
              {t('audit.export.csv')}
            </a>
            {' · '}
            <a href={auditExport('json', filter)} download>
              {t('audit.export.json')}
            </a>
          </p>
          <EntryTable entries={entries} />
          <LoadMore
            shown={entries.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </Page>
  );
}

function EntryTable({ entries }: { entries: AuditEntry[] }) {
  const { t } = useTranslation();
  const verb = useVerb();
  const columns = useMemo<Column<AuditEntry>[]>(
    () => [
      { heading: t('audit.number'), number: true, cell: (one) => one.number ?? t('audit.open') },
      { heading: t('audit.at'), cell: (one) => dateTime(one.at) },
      { heading: t('audit.actor'), cell: (one) => <Party party={one.actor} name={one.actor_name} /> },
      { heading: t('audit.verb'), rowHeading: true, cell: (one) => verb(one.verb) },
      { heading: t('audit.object'), cell: (one) => <Party party={one.object} name={one.object_name} /> },
      { heading: t('audit.details'), cell: (one) => <Details entry={one} /> },
      { heading: t('audit.address'), cell: (one) => one.address || '–' },
    ],
    [t, verb],
  );
  return <Table caption={t('audit.title')} columns={columns} rows={entries} rowKey={(one) => one.id} />;
}
