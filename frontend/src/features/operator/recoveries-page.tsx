import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Recovery } from '@/api/onboarding';
import { appoint, openRecoveriesQuery, refuse } from '@/api/operator';
import { errorText } from '@/api/client';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextArea } from '@/ui/field';

export function OpenRecoveriesPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(openRecoveriesQuery);
  return (
    <Page title={t('operator.pages.recoveries')} lead={t('operator.recoveriesLead')} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.items.length === 0 && (
        <Empty icon="how-to-reg" heading={t('onboarding.recoveries.none')}>
          {t('operator.noRecoveries')}
        </Empty>
      )}
      {data?.items.map((one) => <Case key={one.id} recovery={one} />)}
    </Page>
  );
}

function Case({ recovery: r }: { recovery: Recovery }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: (yes: boolean) => (yes ? appoint : refuse)(r.id, { organisation_id: r.organisation_id, reason }),
    onSuccess: (now) => queries.setQueryData(openRecoveriesQuery.queryKey, now),
  });
  return (
    <section className="panel" aria-labelledby={r.id}>
      <h2 id={r.id}>{r.organisation}</h2>
      <p>{t('operator.recoveryText', { representative: r.representative, name: r.name, email: r.email })}</p>
      <p>{r.reason}</p>
      <p>{t('operator.readyAt', { at: dateTime(r.ready_at ?? r.asked_at) })}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextArea id={`reason-${r.id}`} label={t('operator.reason')} hint={t('operator.identityHint')} rows={3} value={reason} onChange={(e) => setReason(e.target.value)} />
      <div className="actions">
        <Button variant="primary" pending={isPending} onClick={() => mutate(true)}>
          {t('operator.appoint')}
        </Button>
        <Button variant="warning" pending={isPending} onClick={() => mutate(false)}>
          {t('operator.reject')}
        </Button>
      </div>
    </section>
  );
}
