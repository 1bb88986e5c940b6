import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type Approval, approvalsQuery, approve, reject, withdraw } from '@/api/roles';
import { sessionQuery } from '@/api/session';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { ReasonDialog } from '@/features/roles/reason-dialog';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { ActsPanel } from './acts-panel';

const tones = { pending: 'info', approved: 'success', rejected: 'error', failed: 'error', expired: 'warning', withdrawn: undefined } as const;

/** Acts that need two persons: what waits, what was decided, and which they are. */
export function ApprovalsPage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const waiting = useInfiniteQuery(approvalsQuery('waiting'));
  const history = useInfiniteQuery(approvalsQuery('history'));
  const open = waiting.data?.pages.flatMap((page) => page.items) ?? [];
  const past = history.data?.pages.flatMap((page) => page.items) ?? [];
  if (session === undefined) return null;
  return (
    <Page title={t('approvals.title')} lead={t('approvals.lead')}>
      {waiting.isPending && <Skeleton label={t('ui.loading')} />}
      {waiting.error !== null && <LoadError error={waiting.error} onRetry={() => void waiting.refetch()} />}
      {waiting.isSuccess && open.length === 0 && (
        <Empty icon="persons" heading={t('approvals.empty')}>
          {t('approvals.emptyText')}
        </Empty>
      )}
      {open.map((one) => (
        <Waits key={one.id} request={one} />
      ))}
      {waiting.hasNextPage && <LoadMore shown={open.length} more pending={waiting.isFetchingNextPage} onMore={() => void waiting.fetchNextPage()} />}
      {past.length > 0 && (
        <>
          <h2>{t('approvals.history')}</h2>
          <History requests={past} />
          <LoadMore shown={past.length} more={history.hasNextPage} pending={history.isFetchingNextPage} onMore={() => void history.fetchNextPage()} />
        </>
      )}
      <ActsPanel session={session} />
    </Page>
  );
}

const useWhat = () => {
  const { t, i18n } = useTranslation();
  return (one: Approval): string => {
    const what = i18n.language === 'en' ? one.english : one.danish;
    return t('approvals.what', { what: what.charAt(0).toUpperCase() + what.slice(1), subject: one.subject === '' ? '' : `: ${one.subject}` });
  };
};

/** What is to happen, as far as the page knows its words. */
function Details({ request }: { request: Approval }) {
  const { t } = useTranslation();
  const roles = (text: string | undefined) =>
    (text ?? '')
      .split(' ')
      .filter((role) => role !== '')
      .map((role) => t(`roles.${role as 'user-administrator'}`))
      .join(', ');
  const { given, taken, count, kind, certificates, name, acts } = request.details;
  return (
    <dl className="facts">
      {roles(given) !== '' && (
        <>
          <dt>{t('approvals.given')}</dt>
          <dd>{roles(given)}</dd>
        </>
      )}
      {roles(taken) !== '' && (
        <>
          <dt>{t('approvals.taken')}</dt>
          <dd>{roles(taken)}</dd>
        </>
      )}
      {count !== undefined && (
        <>
          <dt>{t('approvals.count')}</dt>
          <dd>{count}</dd>
        </>
      )}
      {kind !== undefined && (
        <>
          <dt>{t('approvals.kind')}</dt>
          <dd>{t(`certificates.revokeKind.kinds.${kind as 'employee'}`)}</dd>
          <dt>{t('approvals.certificates')}</dt>
          <dd>{certificates}</dd>
        </>
      )}
      {name !== undefined && (
        <>
          <dt>{t('approvals.service')}</dt>
          <dd className="break">{name}</dd>
        </>
      )}
      {acts !== undefined && (
        <>
          <dt>{t('approvals.left')}</dt>
          <dd>{acts === '[]' ? t('approvals.none') : (JSON.parse(acts) as string[]).join(', ')}</dd>
        </>
      )}
      <dt>{t('approvals.asker')}</dt>
      <dd>
        {request.asker}, {dateTime(request.asked_at)}
      </dd>
      <dt>{t('approvals.expires')}</dt>
      <dd>{dateTime(request.expires_at)}</dd>
    </dl>
  );
}

function Waits({ request }: { request: Approval }) {
  const { t } = useTranslation();
  const what = useWhat();
  const queries = useQueryClient();
  const toast = useToast();
  const [rejecting, setRejecting] = useState(false);
  const settled = async (text: string) => {
    setRejecting(false);
    await Promise.all(['approvals', 'roles', 'employees', 'services', 'settings'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    toast('success', text);
  };
  const agree = useMutation({
    mutationFn: () => approve(request.id),
    onSuccess: () => settled(t('approvals.approved')),
    onError: () => queries.invalidateQueries({ queryKey: ['approvals', 'history'] }),
  });
  const refuse = useMutation({ mutationFn: (reason: string) => reject(request.id, reason), onSuccess: () => settled(t('approvals.rejected')) });
  const take = useMutation({ mutationFn: () => withdraw(request.id), onSuccess: () => settled(t('approvals.withdrawn')) });
  const error = agree.error ?? take.error;
  return (
    <section className="panel" aria-label={what(request)}>
      <h2>{what(request)}</h2>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Details request={request} />
      {request.own && <p className="quiet">{t('approvals.own')}</p>}
      <div className="actions">
        {request.own ? (
          <Button pending={take.isPending} onClick={() => take.mutate()}>
            {t('approvals.withdraw')}
          </Button>
        ) : (
          <>
            <Button variant="primary" pending={agree.isPending} onClick={() => agree.mutate()}>
              {t('approvals.approve')}
            </Button>
            <Button onClick={() => setRejecting(true)}>{t('approvals.reject')}</Button>
          </>
        )}
      </div>
      <ReasonDialog
        open={rejecting}
        onClose={() => setRejecting(false)}
        heading={t('approvals.rejectHeading')}
        submit={t('approvals.reject')}
        error={refuse.error}
        pending={refuse.isPending}
        onReason={(reason) => refuse.mutate(reason)}
      />
    </section>
  );
}

function History({ requests }: { requests: Approval[] }) {
  const { t } = useTranslation();
  const what = useWhat();
  const columns: Column<Approval>[] = [
    { heading: t('approvals.act'), rowHeading: true, cell: what },
    { heading: t('approvals.asker'), cell: (one) => one.asker },
    {
      heading: t('approvals.outcome'),
      cell: (one) => (
        <>
          <Badge tone={tones[one.state]}>{t(`approvals.state.${one.state}`)}</Badge>
          {one.reason !== '' && <span className="block small">{one.reason}</span>}
        </>
      ),
    },
    { heading: t('approvals.decider'), cell: (one) => (one.decider === 'system' ? '–' : one.decider) },
    { heading: t('approvals.decidedAt'), cell: (one) => (one.decided_at ? dateTime(one.decided_at) : '–') },
  ];
  return <Table caption={t('approvals.history')} columns={columns} rows={requests} rowKey={(one) => one.id} />;
}
