import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Application } from '@/api/onboarding';
import { accept, caseQuery, reject } from '@/api/operator';
import { errorText, isStatus, ProblemError } from '@/api/client';
import { installationQuery } from '@/api/session';
import { bytes } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Details, Parties } from '@/features/onboarding/details';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { Skeleton } from '@/ui/feedback';
import { SelectField, TextArea } from '@/ui/field';

const route = getRouteApi('/console/operator/applications/$id');

export function CasePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: a, error, refetch } = useQuery(caseQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page title={a === undefined || a.name === '' ? t('onboarding.application') : a.name} parent={{ to: '/operator/applications', title: t('operator.pages.applications') }} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {a === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {a !== undefined && (
        <>
          <Alert tone={a.step === 'decision' ? 'warning' : 'info'} heading={t(`onboarding.step.${a.step}`)}>
            {a.verified ? t('operator.verifiedText') : t('operator.unverifiedText')}
          </Alert>
          {a.connected === true && <Alert tone="error">{t('operator.connected')}</Alert>}
          {a.test_number && a.cvr !== '' && <Alert tone="warning">{t('onboarding.testNumber')}</Alert>}
          <Details application={a} />
          {a.company !== undefined && (
            <section className="panel" aria-labelledby="persons">
              <h2 id="persons">{t('operator.persons')}</h2>
              <ul>
                {a.company.persons.map((p) => (
                  <li key={p.name}>
                    {p.name}: {p.roles.join(', ')}
                  </li>
                ))}
              </ul>
            </section>
          )}
          <Parties application={a} />
          <Documents application={a} />
          {a.reason !== '' && (
            <section className="panel" aria-labelledby="reason-given">
              <h2 id="reason-given">{t('operator.decision')}</h2>
              <p>{a.reason}</p>
            </section>
          )}
          {a.step === 'decision' && <Decision id={a.id} />}
        </>
      )}
    </Page>
  );
}

function Documents({ application: a }: { application: Application }) {
  const { t } = useTranslation();
  if (a.documents.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="documents">
      <h2 id="documents">{t('onboarding.step.documents')}</h2>
      <p className="quiet">{t('operator.documentsText')}</p>
      <ul>
        {a.documents.map((one) => (
          <li key={one.id}>
            {one.erased ? one.name : <a href={`/api/v1/operator/applications/${a.id}/documents/${one.id}`}>{one.name}</a>} <span className="quiet">{bytes(one.size)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Decision({ id }: { id: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const installation = useQuery(installationQuery);
  const [check, setCheck] = useState('');
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: (yes: boolean) => (yes ? accept(id, { identity_check: check, reason }) : reject(id, reason)),
    onSuccess: (now) => {
      queries.setQueryData(caseQuery(id).queryKey, now);
      void queries.invalidateQueries({ queryKey: ['operator', 'applications'] });
    },
  });
  const field = error instanceof ProblemError ? error.field : undefined;
  const checks = ['in_person', 'video', 'documents', 'known', ...(installation.data?.test_data === true ? (['test'] as const) : [])] as const;
  return (
    <section className="panel" aria-labelledby="decide">
      <h2 id="decide">{t('operator.decide')}</h2>
      {error !== null && <ErrorSummary problems={[{ field: field ?? 'reason', text: errorText(error) }]} attempt={1} />}
      <p>{t('operator.decideText')}</p>
      <SelectField id="identity_check" label={t('operator.identity')} hint={t('operator.identityHint')} error={field === 'identity_check' ? errorText(error) : undefined} value={check} onChange={(e) => setCheck(e.target.value)}>
        <option value="">{t('onboarding.choose')}</option>
        {checks.map((one) => (
          <option key={one} value={one}>
            {t(`operator.check.${one}`)}
          </option>
        ))}
      </SelectField>
      <TextArea id="reason" label={t('operator.reason')} hint={t('operator.reasonHint')} rows={4} error={field === 'reason' ? errorText(error) : undefined} value={reason} onChange={(e) => setReason(e.target.value)} />
      <div className="actions">
        <Button variant="primary" icon="check" pending={isPending} onClick={() => mutate(true)}>
          {t('operator.accept')}
        </Button>
        <Button variant="warning" pending={isPending} onClick={() => mutate(false)}>
          {t('operator.reject')}
        </Button>
      </div>
    </section>
  );
}
