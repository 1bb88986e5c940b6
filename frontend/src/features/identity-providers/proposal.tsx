import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { accept, discard, type IdentityProvider, identityProviderKey, identityProvidersKey, propose } from '@/api/identity-providers';
import { date, dateTime } from '@/format';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { MetadataForm } from '../services/metadata-form';

type Difference = Schema['MetadataDifference'];
type Row = Schema['MetadataCertificate'] & { fate: 'added' | 'removed' | 'kept' };

const tones = { added: 'success', removed: 'warning', kept: undefined } as const;

/** What new metadata would change; a person decides. */
export function Proposal({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const decide = useMutation({
    mutationFn: (yes: boolean) => (yes ? accept(provider.id) : discard(provider.id)),
    onSuccess: (after, yes) => {
      queries.setQueryData(identityProviderKey(provider.id), after);
      void queries.invalidateQueries({ queryKey: [...identityProvidersKey, 'list'] });
      toast('success', yes ? t('ownLogin.diff.accepted') : t('ownLogin.diff.discarded'));
    },
  });
  if (provider.proposal === undefined) return null;
  return (
    <section className="panel" aria-labelledby="proposal">
      <h2 id="proposal">{t('ownLogin.diff.heading')}</h2>
      <p>{t('ownLogin.diff.text', { at: dateTime(provider.proposal.proposed_at) })}</p>
      <DifferenceTables difference={provider.proposal} />
      {decide.error !== null && (
        <Alert tone="error" live>
          {errorText(decide.error)}
        </Alert>
      )}
      <div className="actions">
        <Button variant="primary" pending={decide.isPending} onClick={() => decide.mutate(true)}>
          {t('ownLogin.diff.accept')}
        </Button>
        <Button pending={decide.isPending} onClick={() => decide.mutate(false)}>
          {t('ownLogin.diff.discard')}
        </Button>
      </div>
    </section>
  );
}

/** What differs, in tables: keys with their dates, and values before and after. */
export function DifferenceTables({ difference }: { difference: Difference }) {
  return (
    <>
      <Certificates difference={difference} />
      <Changes difference={difference} />
    </>
  );
}

function Certificates({ difference }: { difference: Difference }) {
  const { t } = useTranslation();
  const rows: Row[] = (['added', 'removed', 'kept'] as const).flatMap((fate) => difference[fate].map((one) => ({ ...one, fate })));
  return (
    <Table
      caption={t('ownLogin.diff.keys')}
      columns={[
        { heading: t('ownLogin.diff.fate'), cell: (one) => <Badge tone={tones[one.fate]}>{t(`ownLogin.diff.${one.fate}`)}</Badge> },
        { heading: t('ownLogin.subject'), rowHeading: true, cell: (one) => <span className="break">{one.subject}</span> },
        { heading: t('ownLogin.use'), cell: (one) => (one.use === 'signing' ? t('ownLogin.signing') : t('ownLogin.encryption')) },
        { heading: t('ownLogin.fingerprint'), cell: (one) => <span className="code break">{one.fingerprint}</span> },
        { heading: t('ownLogin.notAfter'), cell: (one) => date(one.not_after) },
      ]}
      rows={rows}
      rowKey={(one) => `${one.fate} ${one.use} ${one.fingerprint}`}
    />
  );
}

function Changes({ difference }: { difference: Difference }) {
  const { t } = useTranslation();
  if (difference.changes.length === 0) return null;
  return (
    <Table
      caption={t('ownLogin.diff.others')}
      columns={[
        { heading: t('ownLogin.diff.what'), rowHeading: true, cell: (one) => t(`ownLogin.diff.whats.${one.what}`) },
        { heading: t('ownLogin.diff.before'), cell: (one) => <span className="code break">{one.before || '–'}</span> },
        { heading: t('ownLogin.diff.after'), cell: (one) => <span className="code break">{one.after || '–'}</span> },
      ]}
      rows={difference.changes}
      rowKey={(one) => one.what}
    />
  );
}

/** Hands new metadata in, by file or by fetching it. */
export function NewMetadata({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [round, setRound] = useState(0);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (metadata: string | undefined) => propose(provider.id, metadata),
    onSuccess: (after) => {
      queries.setQueryData(identityProviderKey(provider.id), after);
      void queries.invalidateQueries({ queryKey: [...identityProvidersKey, 'list'] });
      setRound(round + 1);
      toast(after.proposal === undefined ? 'info' : 'success', after.proposal === undefined ? t('ownLogin.diff.same') : t('ownLogin.diff.ready'));
      if (after.proposal !== undefined) scrollTo({ top: 0 });
    },
  });
  return (
    <details className="panel" key={round}>
      <summary>{t('ownLogin.replace')}</summary>
      <p>{t('ownLogin.replaceText')}</p>
      {error !== null && (
        <Alert tone="error" heading={t('ownLogin.form.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      {provider.metadata_url !== null && (
        <Button icon="refresh" pending={isPending} onClick={() => mutate(undefined)}>
          {t('ownLogin.fetchNow')}
        </Button>
      )}
      <MetadataForm submit={t('ownLogin.replaceSubmit')} pending={isPending} onSubmit={mutate} />
    </details>
  );
}
