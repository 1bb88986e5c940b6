import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { attemptsQuery, fetchMessage, type ServiceAttempt } from '@/api/services';
import { saveFile } from '@/download';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useWho } from './diagnosis-panel';

type Part = ServiceAttempt['parts'][number];

/** Requests and responses with their signatures, for proof. */
export function MessagesPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const who = useWho();
  const query = useInfiniteQuery(attemptsQuery(id, ''));
  const kept = query.data?.pages.flatMap((page) => page.items).filter((one) => one.parts.length > 0) ?? [];
  const fetchOne = useMutation({
    mutationFn: async ({ one, part }: { one: ServiceAttempt; part: Part }) => {
      const blob = await fetchMessage(id, one.id, part);
      saveFile(new Uint8Array(await blob.arrayBuffer()), `${one.at.slice(0, 19).replace(/:/g, '')}-${part}.xml`, 'application/octet-stream');
    },
  });
  const columns: Column<ServiceAttempt>[] = [
    { heading: t('services.diagnosis.at'), rowHeading: true, cell: (one) => <span className="nowrap">{dateTime(one.at)}</span> },
    { heading: t('services.diagnosis.who'), cell: who },
    { heading: t('services.diagnosis.what'), cell: (one) => t(one.result === 'login' ? 'services.statistics.logins' : 'services.statistics.refusals') },
    {
      heading: t('services.messages.fetch'),
      cell: (one) =>
        one.parts.map((part) => (
          <Button
            key={part}
            variant="unstyled"
            icon="download"
            aria-label={t('services.messages.fetchOne', { part: t(`services.messages.${part}`), at: dateTime(one.at) })}
            pending={fetchOne.isPending && fetchOne.variables.one.id === one.id && fetchOne.variables.part === part}
            onClick={() => fetchOne.mutate({ one, part })}
          >
            {t(`services.messages.${part}`)}
          </Button>
        )),
    },
  ];
  return (
    <section className="panel" aria-labelledby="messages">
      <h2 id="messages">{t('services.messages.heading')}</h2>
      <p>{t('services.messages.lead')}</p>
      {fetchOne.error !== null && (
        <Alert tone="error" heading={t('services.messages.failed')} live>
          {errorText(fetchOne.error)}
        </Alert>
      )}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.isSuccess && kept.length === 0 && !query.hasNextPage && <p>{t('services.messages.none')}</p>}
      {kept.length > 0 && <Table caption={t('services.messages.heading')} columns={columns} rows={kept} rowKey={(one) => one.id} />}
      {query.isSuccess && (kept.length > 0 || query.hasNextPage) && (
        <LoadMore shown={kept.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
      )}
    </section>
  );
}
