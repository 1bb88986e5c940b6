import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '@/api/audit';
import { activityQuery } from '@/api/self';
import { Party, useVerb } from '@/features/audit/entry';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';

/** What one did and what was done to one, newest first. */
export function OwnActivity() {
  const { t } = useTranslation();
  const query = useInfiniteQuery(activityQuery);
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const verb = useVerb();
  const columns = useMemo<Column<AuditEntry>[]>(
    () => [
      { heading: t('audit.at'), cell: (one) => dateTime(one.at) },
      { heading: t('audit.verb'), rowHeading: true, cell: (one) => verb(one.verb) },
      { heading: t('audit.actor'), cell: (one) => <Party party={one.actor} name={one.actor_name} /> },
      { heading: t('audit.address'), cell: (one) => one.address || '–' },
    ],
    [t, verb],
  );
  return (
    <section className="panel" aria-labelledby="activity">
      <h2 id="activity">{t('self.activity')}</h2>
      {query.isPending && <Skeleton label={t('ui.loading')} lines={6} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {entries.length > 0 && (
        <>
          <Table caption={t('self.activity')} columns={columns} rows={entries} rowKey={(one) => one.id} />
          <LoadMore
            shown={entries.length}
            more={query.hasNextPage}
            pending={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
        </>
      )}
    </section>
  );
}
