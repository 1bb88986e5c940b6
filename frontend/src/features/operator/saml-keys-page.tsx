import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { activateSamlKey, announceSamlKey, type SamlKey, samlKeysQuery, vouchSamlKey } from '@/api/operator';
import { errorText } from '@/api/client';
import { date, dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert, type Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { TextArea } from '@/ui/field';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

const tones: Record<SamlKey['state'], Tone | undefined> = { announced: 'info', active: 'success', retiring: 'warning', retired: undefined };

export function SamlKeysPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(samlKeysQuery);
  return (
    <Page title={t('operator.samlKeys.title')} lead={t('operator.samlKeys.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={4} />}
      {data !== undefined && <Keys keys={data.items} />}
      {data?.items.filter((key) => key.state === 'announced').map((key) => <Successor key={key.id} samlKey={key} />)}
    </Page>
  );
}

function useWhat() {
  const { t } = useTranslation();
  return (key: SamlKey) => `${t(`operator.samlKeys.${key.use}`)}, ${key.algorithm}`;
}

function Keys({ keys }: { keys: SamlKey[] }) {
  const { t } = useTranslation();
  const what = useWhat();
  const queries = useQueryClient();
  const toast = useToast();
  const announce = useMutation({
    mutationFn: announceSamlKey,
    onSuccess: (now) => {
      queries.setQueryData(samlKeysQuery.queryKey, now);
      toast('success', t('operator.samlKeys.announced'));
    },
  });
  const hasSuccessor = (key: SamlKey) => keys.some((one) => one.state === 'announced' && one.use === key.use && one.algorithm === key.algorithm);
  return (
    <>
      {announce.error !== null && (
        <Alert tone="error" live>
          {errorText(announce.error)}
        </Alert>
      )}
      <Table
        caption={t('operator.samlKeys.title')}
        columns={[
          { heading: t('operator.samlKeys.use'), rowHeading: true, cell: what },
          { heading: t('operator.samlKeys.state'), cell: (key) => <Badge tone={tones[key.state]}>{t(`operator.samlKeys.states.${key.state}`)}</Badge> },
          { heading: t('operator.samlKeys.since'), cell: (key) => date(key.retired_at ?? key.retiring_at ?? key.active_at ?? key.created_at) },
          { heading: t('operator.samlKeys.notAfter'), cell: (key) => date(key.not_after) },
          { heading: t('operator.samlKeys.fingerprint'), cell: (key) => <span className="code">{key.fingerprint.slice(0, 16)}…</span> },
          {
            heading: t('operator.act'),
            cell: (key) =>
              key.state === 'active' &&
              !hasSuccessor(key) && (
                <Button
                  variant="unstyled"
                  pending={announce.isPending}
                  aria-label={t('operator.samlKeys.announceWhat', { what: what(key) })}
                  onClick={() => announce.mutate({ use: key.use, algorithm: key.algorithm })}
                >
                  {t('operator.samlKeys.announce')}
                </Button>
              ),
          },
        ]}
        rows={keys}
        rowKey={(key) => key.id}
      />
    </>
  );
}

/** An announced key: who knows it, and the switch by hand. */
function Successor({ samlKey: key }: { samlKey: SamlKey }) {
  const { t } = useTranslation();
  const what = useWhat();
  const queries = useQueryClient();
  const vouch = useMutation({
    mutationFn: (partner: string) => vouchSamlKey(key.id, partner),
    onSuccess: (now) => queries.setQueryData(samlKeysQuery.queryKey, now),
  });
  const seen = key.partners.filter((partner) => partner.how !== undefined).length;
  return (
    <section className="panel" aria-labelledby={key.id}>
      <h2 id={key.id}>{t('operator.samlKeys.partnersOf', { what: what(key) })}</h2>
      <p className="code break">{key.fingerprint}</p>
      <p>{key.partners.length === 0 ? t('operator.samlKeys.nobody') : t('operator.samlKeys.byItself', { seen, all: key.partners.length })}</p>
      {vouch.error !== null && (
        <Alert tone="error" live>
          {errorText(vouch.error)}
        </Alert>
      )}
      {key.partners.length > 0 && (
        <Table
          caption={t('operator.samlKeys.partnersOf', { what: what(key) })}
          columns={[
            { heading: t('operator.samlKeys.partner'), rowHeading: true, cell: (partner) => partner.name },
            { heading: t('operator.samlKeys.contacts'), cell: (partner) => <span className="break">{partner.contacts.join(', ') || '–'}</span> },
            {
              heading: t('operator.samlKeys.known'),
              cell: (partner) =>
                partner.how !== undefined && partner.seen_at !== undefined
                  ? t(`operator.samlKeys.how.${partner.how}`, { at: dateTime(partner.seen_at) })
                  : t('operator.samlKeys.unknown'),
            },
            {
              heading: t('operator.act'),
              cell: (partner) =>
                partner.how === undefined && (
                  <Button variant="unstyled" icon="check" aria-label={t('operator.samlKeys.vouchWho', { name: partner.name })} onClick={() => !vouch.isPending && vouch.mutate(partner.id)}>
                    {t('operator.samlKeys.vouch')}
                  </Button>
                ),
            },
          ]}
          rows={key.partners}
          rowKey={(partner) => partner.id}
        />
      )}
      <Switch id={key.id} />
    </section>
  );
}

function Switch({ id }: { id: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => activateSamlKey(id, reason),
    onSuccess: (now) => {
      setAsking(false);
      queries.setQueryData(samlKeysQuery.queryKey, now);
      toast('success', t('operator.samlKeys.activated'));
    },
  });
  return (
    <>
      <Button variant="secondary" onClick={() => setAsking(true)}>
        {t('operator.samlKeys.activate')}
      </Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('operator.samlKeys.activate')}
        actions={
          <>
            <Button variant="warning" pending={isPending} onClick={() => mutate()}>
              {t('operator.samlKeys.activate')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('operator.samlKeys.activateText')}</p>
        {error !== null && (
          <Alert tone="error" live>
            {errorText(error)}
          </Alert>
        )}
        <TextArea id={`reason-${id}`} label={t('operator.samlKeys.reason')} rows={3} value={reason} onChange={(e) => setReason(e.target.value)} />
      </Dialog>
    </>
  );
}
