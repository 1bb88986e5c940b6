import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { objectTo, recoveriesQuery, type Recovery } from '@/api/onboarding';
import { errorText } from '@/api/client';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { TextArea } from '@/ui/field';

/** New administrators that the management representative asked for, and the chance to object. */
export function RecoveriesPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(recoveriesQuery);
  const [objecting, setObjecting] = useState<Recovery>();
  return (
    <Page title={t('onboarding.recoveries.title')} lead={t('onboarding.recoveries.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.items.length === 0 && (
        <Empty icon="how-to-reg" heading={t('onboarding.recoveries.none')}>
          {t('onboarding.recoveries.noneText')}
        </Empty>
      )}
      {data?.items.map((one) => (
        <section className="panel" key={one.id} aria-labelledby={one.id}>
          <h2 id={one.id}>{one.name}</h2>
          <p>
            {t(`onboarding.recover.state.${one.state}`)} · {one.email}
          </p>
          <p>{one.reason}</p>
          {one.note !== '' && <p className="quiet">{one.note}</p>}
          {one.state === 'waiting' && (
            <>
              <p>{t('onboarding.recoveries.until', { name: one.representative, at: dateTime(one.ready_at ?? one.asked_at) })}</p>
              <Button variant="warning" onClick={() => setObjecting(one)}>
                {t('onboarding.recoveries.object')}
              </Button>
            </>
          )}
        </section>
      ))}
      {objecting !== undefined && <Objection recovery={objecting} onClose={() => setObjecting(undefined)} />}
    </Page>
  );
}

function Objection({ recovery, onClose }: { recovery: Recovery; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => objectTo(recovery.id, reason),
    onSuccess: (now) => {
      queries.setQueryData(recoveriesQuery.queryKey, now);
      onClose();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      heading={t('onboarding.recoveries.object')}
      actions={
        <>
          <Button variant="warning" pending={isPending} onClick={() => mutate()}>
            {t('onboarding.recoveries.object')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextArea label={t('onboarding.recover.reason')} hint={t('onboarding.recover.reasonHint')} rows={4} value={reason} onChange={(e) => setReason(e.target.value)} />
    </Dialog>
  );
}
