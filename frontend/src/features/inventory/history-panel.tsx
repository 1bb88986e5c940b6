import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type AuditEntry, auditQuery } from '@/api/audit';
import { Details, Party, useVerb } from '@/features/audit/entry';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';

/** What was done to a certificate, from the audit log. */
export function HistoryPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const verb = useVerb();
  const query = useInfiniteQuery(auditQuery({ object: `inventory:${id}` }));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const columns: Column<AuditEntry>[] = [
    { heading: t('audit.at'), rowHeading: true, cell: (one) => dateTime(one.at) },
    { heading: t('audit.verb'), cell: (one) => verb(one.verb) },
    { heading: t('audit.actor'), cell: (one) => <Party party={one.actor} name={one.actor_name} /> },
    { heading: t('audit.details'), cell: (one) => <Details entry={one} /> },
  ];
  return (
    <section className="panel" aria-labelledby="history">
      <h2 id="history">{t('inventory.history')}</h2>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && entries.length === 0 && <p>{t('audit.none')}</p>}
      {entries.length > 0 && <Table caption={t('inventory.history')} columns={columns} rows={entries} rowKey={(one) => one.id} />}
      {query.hasNextPage && <LoadMore shown={entries.length} more pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />}
    </section>
  );
}
