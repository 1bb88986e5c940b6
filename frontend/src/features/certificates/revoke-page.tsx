import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { kindsQuery, revokeKind, type Standing } from '@/api/certificates';
import { errorText } from '@/api/client';
import { noGrounds, type Reason, ReasonFields } from '@/features/block/reason-fields';
import { number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { Checkbox } from '@/ui/field';
import { type Column, Table } from '@/ui/table';

/** Every kind of certificate with how many are in force: one kind is revoked at a time. */
export function RevokePage() {
  const { t } = useTranslation();
  const query = useQuery(kindsQuery);
  const [asking, setAsking] = useState<Standing>();
  const [outcome, setOutcome] = useState<'begun' | 'waits'>();
  const columns: Column<Standing>[] = [
    { heading: t('certificates.kind'), rowHeading: true, cell: (one) => t(`certificates.revokeKind.kinds.${one.kind}`) },
    { heading: t('certificates.revokeKind.live'), number: true, cell: (one) => number(one.live) },
    {
      heading: t('certificates.revokeKind.act'),
      cell: (one) => {
        if (one.revoking) return <Badge tone="warning">{t('certificates.revokeKind.revoking')}</Badge>;
        if (one.live === 0) return '–';
        return (
          <Button variant="secondary" icon="lock" onClick={() => setAsking(one)} aria-label={t('certificates.revokeKind.openOf', { kind: t(`certificates.revokeKind.kinds.${one.kind}`) })}>
            {t('certificates.revokeKind.open')}
          </Button>
        );
      },
    },
  ];
  return (
    <Page title={t('certificates.revokeKind.title')} lead={t('certificates.revokeKind.lead')} parent={{ to: '/certificates', title: t('certificates.title') }}>
      {outcome !== undefined && (
        <Alert tone={outcome === 'begun' ? 'success' : 'info'} live>
          {t(`certificates.revokeKind.${outcome}`)}
        </Alert>
      )}
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && (
        <Table caption={t('certificates.revokeKind.title')} columns={columns} rows={query.data.items} rowKey={(one) => one.kind} />
      )}
      {asking !== undefined && <Ask kind={asking} onClose={() => setAsking(undefined)} onDone={setOutcome} />}
    </Page>
  );
}

interface AskProps {
  kind: Standing;
  onClose: () => void;
  onDone: (outcome: 'begun' | 'waits') => void;
}

/** Says how many there are before it revokes them; a box must be ticked. */
function Ask({ kind, onClose, onDone }: AskProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [grounds, setGrounds] = useState(noGrounds);
  const [sure, setSure] = useState(false);
  const [tried, setTried] = useState(false);
  const act = useMutation({
    mutationFn: (reason: Reason) => revokeKind({ kind: kind.kind, reason, live: kind.live }),
    onSuccess: (answer) => {
      onDone('act' in answer ? 'waits' : 'begun');
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['certificates'] }),
  });
  const submit = () => {
    setTried(true);
    if (grounds.reason !== '' && sure) act.mutate(grounds.reason);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      heading={t('certificates.revokeKind.heading', { kind: t(`certificates.revokeKind.kinds.${kind.kind}`) })}
      actions={
        <>
          <Button variant="warning" pending={act.isPending} onClick={submit}>
            {t('certificates.revokeKind.submit', { count: kind.live })}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('certificates.revokeKind.text', { count: kind.live })}</p>
      {kind.kind === 'employee' && <p>{t('certificates.revokeKind.own')}</p>}
      {act.error !== null && (
        <Alert tone="error" live>
          {errorText(act.error)}
        </Alert>
      )}
      <ReasonFields id="revoke-kind" value={grounds} onChange={setGrounds} missing={tried} noted={false} />
      <Checkbox
        id="revoke-kind-sure"
        label={t('certificates.revokeKind.sure')}
        error={tried && !sure ? t('certificates.revokeKind.tick') : undefined}
        checked={sure}
        onChange={(event) => setSure(event.target.checked)}
      />
    </Dialog>
  );
}
