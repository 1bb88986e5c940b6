import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { endSessions, type OpenSession, openSessionsQuery } from '@/api/open-sessions';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

/**
 * Where somebody is logged in, and a way to end it: of an employee for whoever
 * manages employees, else one's own.
 */
export function OpenSessions({ employee }: { employee?: string }) {
  const { t } = useTranslation();
  const { data, isPending, error, refetch } = useQuery(openSessionsQuery(employee));
  const [asking, setAsking] = useState<OpenSession | 'all'>();
  const rows = data?.items ?? [];
  return (
    <section className="panel" aria-labelledby="open-sessions">
      <h2 id="open-sessions">{t('sessions.heading')}</h2>
      {isPending && <Skeleton label={t('ui.loading')} lines={2} />}
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data !== undefined && rows.length === 0 && <p>{t('sessions.none')}</p>}
      {rows.length > 0 && (
        <Table
          caption={t('sessions.heading')}
          rows={rows}
          rowKey={(one) => one.id}
          columns={[
            { heading: t('sessions.since'), rowHeading: true, cell: (one) => dateTime(one.since) },
            { heading: t('sessions.by'), cell: (one) => one.provider ?? t('sessions.keyFile') },
            { heading: t('sessions.from'), cell: (one) => <span className="code">{one.address === '' ? '–' : one.address}</span> },
            { heading: t('sessions.seen'), cell: (one) => dateTime(one.seen_at) },
            { heading: t('sessions.services'), cell: (one) => (one.services.length === 0 ? '–' : one.services.join(', ')) },
            {
              heading: t('sessions.action'),
              cell: (one) =>
                one.here ? (
                  t('sessions.here')
                ) : (
                  <Button variant="tertiary" onClick={() => setAsking(one)} aria-label={t('sessions.endThis', { at: dateTime(one.since) })}>
                    {t('sessions.end')}
                  </Button>
                ),
            },
          ]}
        />
      )}
      {employee !== undefined && rows.length > 1 && (
        <div className="actions">
          <Button icon="lock" onClick={() => setAsking('all')}>
            {t('sessions.endAll')}
          </Button>
        </div>
      )}
      <EndSessions employee={employee} what={asking} onClose={() => setAsking(undefined)} />
    </section>
  );
}

interface EndSessionsProps {
  employee: string | undefined;
  what: OpenSession | 'all' | undefined;
  onClose: () => void;
}

function EndSessions({ employee, what, onClose }: EndSessionsProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const end = useMutation({
    mutationFn: () => endSessions(employee, what === 'all' ? undefined : what?.id),
    onSuccess: () => {
      toast('success', t('sessions.done'));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['open-sessions'] }),
  });
  return (
    <Dialog
      open={what !== undefined}
      onClose={onClose}
      heading={t(what === 'all' ? 'sessions.confirmAll' : 'sessions.confirm')}
      actions={
        <>
          <Button variant="warning" pending={end.isPending} onClick={() => end.mutate()}>
            {t(what === 'all' ? 'sessions.endAll' : 'sessions.end')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('sessions.text')}</p>
      {end.error !== null && (
        <Alert tone="error" live>
          {errorText(end.error)}
        </Alert>
      )}
    </Dialog>
  );
}
