import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Run, runsQuery } from '@/api/bulk';
import { dateTime, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { RunBadge } from './state';

export function RunsPage() {
  const { t } = useTranslation();
  const query = useInfiniteQuery({
    ...runsQuery,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((run) => run.state === 'running')) === true ? 4_000 : false,
  });
  const runs = query.data?.pages.flatMap((page) => page.items) ?? [];
  const upload = (
    <Link to="/employees/bulk/new" className="button button-primary">
      <Icon name="upload" />
      <span>{t('bulk.list.upload')}</span>
    </Link>
  );
  return (
    <Page title={t('bulk.title')} lead={t('bulk.lead')} actions={runs.length > 0 && upload}>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && runs.length === 0 && (
        <Empty icon="persons" heading={t('bulk.list.empty.heading')} action={upload}>
          {t('bulk.list.empty.text')}
        </Empty>
      )}
      {runs.length > 0 && (
        <>
          <RunTable runs={runs} />
          <LoadMore
            shown={runs.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </Page>
  );
}

function RunTable({ runs }: { runs: Run[] }) {
  const { t } = useTranslation();
  const columns = useMemo<Column<Run>[]>(
    () => [
      {
        heading: t('bulk.list.name'),
        rowHeading: true,
        cell: (run) => (
          <Link to="/employees/bulk/$id" params={{ id: run.id }}>
            {run.name}
          </Link>
        ),
      },
      { heading: t('bulk.list.mode'), cell: (run) => t(`bulk.mode.${run.mode}.name`) },
      { heading: t('bulk.list.state'), cell: (run) => <RunBadge state={run.state} /> },
      { heading: t('bulk.list.total'), number: true, cell: (run) => number(run.total) },
      { heading: t('bulk.row.done'), number: true, cell: (run) => number(run.counts.done) },
      { heading: t('bulk.row.failed'), number: true, cell: (run) => number(run.counts.failed) },
      { heading: t('bulk.list.created'), cell: (run) => <span className="nowrap">{dateTime(run.created_at)}</span> },
      { heading: t('bulk.list.by'), cell: (run) => run.created_by },
    ],
    [t],
  );
  return <Table caption={t('bulk.title')} columns={columns} rows={runs} rowKey={(run) => run.id} />;
}
