import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { acceptSource, discardSource, fetchSource, type ServiceMetadata, serviceKey, setSource, sourceQuery } from '@/api/services';
import { dateTime } from '@/format';
import { sentence } from '@/i18n';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { SelectField, TextArea, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { DifferenceTables } from '../identity-providers/proposal';

const rules = ['by_hand', 'only_keys', 'signed'] as const;

/** Where a service's metadata comes from, and what new metadata would change. */
export function SourcePanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(sourceQuery(id));
  if (data === undefined)
    return (
      <section className="panel" aria-labelledby="source">
        <h2 id="source">{t('services.source.heading')}</h2>
        {error === null ? <Skeleton label={t('ui.loading')} lines={6} /> : <LoadError error={error} onRetry={() => void refetch()} />}
      </section>
    );
  return (
    <>
      <Waiting id={id} source={data} />
      <Fetching id={id} source={data} />
      <SourceForm key={data.version} id={id} source={data} />
    </>
  );
}

/** Keeps what the server made of it, and asks again for what may have changed with it. */
function useKept(id: string) {
  const queries = useQueryClient();
  return (source?: ServiceMetadata) => {
    if (source === undefined) void queries.invalidateQueries({ queryKey: sourceQuery(id).queryKey });
    else queries.setQueryData(sourceQuery(id).queryKey, source);
    void queries.invalidateQueries({ queryKey: serviceKey(id) });
    void queries.invalidateQueries({ queryKey: ['services', 'review', id] });
  };
}

function Waiting({ id, source }: { id: string; source: ServiceMetadata }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const keep = useKept(id);
  const accept = useMutation({
    mutationFn: () => acceptSource(id),
    onSuccess: (answer) => {
      if (!('entity_id' in answer)) {
        void queries.invalidateQueries({ queryKey: ['approvals'] });
        toast('info', t('approvals.waits'));
        return;
      }
      keep();
      toast('success', t('services.source.accepted'));
    },
  });
  const discard = useMutation({
    mutationFn: () => discardSource(id),
    onSuccess: () => {
      keep();
      toast('success', t('services.source.discarded'));
    },
  });
  const error = accept.error ?? discard.error;
  if (source.proposal === undefined) return null;
  return (
    <section className="panel" aria-labelledby="proposal">
      <h2 id="proposal">{t('services.source.waits')}</h2>
      <p>{t('services.source.waitsText', { at: dateTime(source.proposal.proposed_at) })}</p>
      <DifferenceTables difference={source.proposal} />
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <div className="actions">
        <Button variant="primary" pending={accept.isPending} onClick={() => accept.mutate()}>
          {t('services.source.accept')}
        </Button>
        <Button pending={discard.isPending} onClick={() => discard.mutate()}>
          {t('services.source.discard')}
        </Button>
      </div>
    </section>
  );
}

function Fetching({ id, source }: { id: string; source: ServiceMetadata }) {
  const { t } = useTranslation();
  const toast = useToast();
  const keep = useKept(id);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => fetchSource(id),
    onSuccess: (after) => {
      keep(after);
      if (after.failure === undefined) toast('success', t('services.source.fetched'));
    },
  });
  const times = [
    ['fetchedAt', source.fetched_at],
    ['goodAt', source.good_at],
    ['nextAt', source.next_at],
    ['validUntil', source.valid_until],
  ] as const;
  return (
    <section className="panel" aria-labelledby="fetching">
      <h2 id="fetching">{t('services.source.state')}</h2>
      {source.url === '' && <p>{t('services.source.never')}</p>}
      {source.failure !== undefined && (
        <Alert tone="warning" heading={t('services.source.failed')}>
          {sentence(source.failure, source.failure_text ?? source.failure) ?? source.failure}
        </Alert>
      )}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {source.url !== '' && (
        <>
          <dl className="facts">
            {times.map(([name, at]) => at !== undefined && <Fact key={name} name={t(`services.source.${name}`)} value={dateTime(at)} />)}
            {source.signer !== undefined && <Fact name={t('services.source.signer')} value={`${source.signer.subject}, SHA-256 ${source.signer.fingerprint}`} />}
          </dl>
          <Button icon="refresh" pending={isPending} onClick={() => mutate()}>
            {t('services.source.now')}
          </Button>
        </>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="break">{value}</dd>
    </>
  );
}

function SourceForm({ id, source }: { id: string; source: ServiceMetadata }) {
  const { t } = useTranslation();
  const toast = useToast();
  const keep = useKept(id);
  const [url, setURL] = useState(source.url);
  const [rule, setRule] = useState(source.rule);
  const [pinned, setPinned] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => setSource(id, { url: url.trim(), rule, pinned, version: source.version }),
    onSuccess: (after) => {
      keep(after);
      toast('success', t('services.saved'));
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate();
  };
  return (
    <form className="panel" noValidate onSubmit={send} aria-labelledby="source">
      <h2 id="source">{t('services.source.heading')}</h2>
      <p>{t('services.source.lead')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextField id="source-url" type="url" label={t('services.source.url')} hint={t('services.source.urlHint')} value={url} onChange={(event) => setURL(event.target.value)} />
      <SelectField id="source-rule" label={t('services.source.rule')} hint={t('services.source.ruleHint')} value={rule} onChange={(event) => setRule(event.target.value as ServiceMetadata['rule'])}>
        {rules.map((one) => (
          <option key={one} value={one}>
            {t(`services.source.rules.${one}`)}
          </option>
        ))}
      </SelectField>
      {rule === 'signed' && (
        <TextArea
          id="source-pinned"
          className="code"
          label={t('services.source.pinned')}
          hint={t('services.source.pinnedHint')}
          rows={6}
          spellCheck={false}
          value={pinned}
          onChange={(event) => setPinned(event.target.value)}
        />
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('services.save')}
        </Button>
      </div>
    </form>
  );
}
