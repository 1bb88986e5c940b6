import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Batch, batchesQuery, isUnderWay } from '@/api/batches';
import { date, dateTime, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { BatchBadge } from './state';

export function BatchesPage() {
  const { t } = useTranslation();
  const query = useInfiniteQuery({
    ...batchesQuery,
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.items.some(isUnderWay)) === true ? 4_000 : false),
  });
  const batches = query.data?.pages.flatMap((page) => page.items) ?? [];
  const upload = (
    <Link to="/migration/new" className="button button-primary">
      <Icon name="upload" />
      <span>{t('migration.list.upload')}</span>
    </Link>
  );
  return (
    <Page title={t('migration.title')} lead={t('migration.lead')} actions={batches.length > 0 && upload}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && batches.length === 0 && (
        <Empty icon="persons" heading={t('migration.list.empty.heading')} action={upload}>
          {t('migration.list.empty.text')}
        </Empty>
      )}
      {batches.length > 0 && (
        <>
          <BatchTable batches={batches} />
          <LoadMore
            shown={batches.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </Page>
  );
}

function BatchTable({ batches }: { batches: Batch[] }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<Batch>[]>(
    () => [
      {
        heading: t('migration.list.name'),
        rowHeading: true,
        cell: (batch) => (
          <Link to="/migration/$id" params={{ id: batch.id ?? '' }}>
            {batch.name}
          </Link>
        ),
      },
      {
        heading: t('migration.list.state'),
        cell: (batch) => <BatchBadge state={batch.state} scheduled={batch.started_at === null && batch.start_at !== null} />,
      },
      { heading: t('migration.list.total'), number: true, cell: (batch) => number(batch.total) },
      {
        heading: t('migration.row.invited'),
        number: true,
        cell: (batch) => number(batch.counts.invited + batch.counts.activated),
      },
      { heading: t('migration.row.activated'), number: true, cell: (batch) => number(batch.counts.activated) },
      {
        heading: t('migration.list.deadline'),
        cell: (batch) => <span className="nowrap">{batch.deadline === null ? '–' : date(batch.deadline)}</span>,
      },
      {
        heading: t('migration.list.created'),
        cell: (batch) => <span className="nowrap">{dateTime(batch.created_at)}</span>,
      },
    ],
    [t],
  );
  return <Table caption={t('migration.title')} columns={columns} rows={batches} rowKey={(batch) => batch.id ?? ''} />;
}
