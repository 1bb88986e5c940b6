import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { again, type Application, applicationKey, applicationQuery, setUpCode, withdraw } from '@/api/onboarding';
import { errorText } from '@/api/client';
import { dateTime } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { Steps } from '@/ui/steps';
import { ApproveStep, CompanyStep, DocumentStep, SignStep } from './act-steps';
import { PeopleStep } from './people-step';
import { Details, Parties } from './details';

export function ApplicationPage() {
  const { t } = useTranslation();
  // The token stands after # in the link, so that it reaches no server log.
  const token = useLocation({ select: (location) => location.hash.trim() });
  const { data, error } = useQuery({ ...applicationQuery(token), enabled: token !== '' });
  return (
    <Page title={t('onboarding.application')} {...(data === undefined || data.name === '' ? {} : { lead: data.name })} narrow>
      {token === '' && <Alert tone="warning">{t('onboarding.noToken')}</Alert>}
      {error !== null && (
        <Alert tone="error" heading={t('onboarding.refused')} live>
          {errorText(error)}
        </Alert>
      )}
      {token !== '' && data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && <Guide application={data} token={token} />}
    </Page>
  );
}

const order = ['company', 'people', 'approval', 'signatures', 'documents', 'decision'] as const;

/** What comes next, for whom, and everything that was entered. */
function Guide({ application: a, token }: { application: Application; token: string }) {
  const { t } = useTranslation();
  const shown = order.filter(
    (step) => (step !== 'approval' || a.start === 'reporter') && (step !== 'documents' || (!a.verified && ['documents', 'decision'].includes(a.step)) || a.step === 'documents'),
  );
  const now = shown.indexOf(a.step as (typeof order)[number]);
  const preparing = ['company', 'people', 'approval'].includes(a.step);
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Steps names={shown.map((step) => t(`onboarding.step.${step}`))} current={now < 0 ? shown.length : now} />
      {a.test_number && a.cvr !== '' && <Alert tone="warning">{t('onboarding.testNumber')}</Alert>}
      <Turn application={a} />
      {a.step === 'company' && a.you?.role !== 'signatory' && <CompanyStep key="c" application={a} token={token} />}
      {a.step === 'people' && a.you?.role !== 'signatory' && <PeopleStep key={a.cvr} application={a} token={token} />}
      {a.step === 'approval' && a.you?.role === 'representative' && <ApproveStep token={token} />}
      {a.step === 'signatures' && a.you?.role !== 'reporter' && a.you?.signed_at === null && <SignStep token={token} />}
      {a.step === 'documents' && a.you?.role !== 'signatory' && <DocumentStep application={a} token={token} />}
      {a.step === 'approved' && a.you?.role === 'representative' && <Code application={a} token={token} />}
      {(a.step === 'rejected' || a.step === 'withdrawn') && a.you?.role !== 'signatory' && <Again token={token} />}
      {a.cvr !== '' && <Details application={a} />}
      <Parties application={a} />
      {preparing && a.step !== 'company' && a.you?.role !== 'signatory' && (
        <>
          <Button aria-expanded={editing} onClick={() => setEditing(!editing)}>
            {t('onboarding.changeCompany')}
          </Button>
          {editing && <CompanyStep application={a} token={token} />}
        </>
      )}
      {now >= 0 && a.step !== 'decision' && a.you?.role !== 'signatory' && <Withdraw token={token} />}
    </>
  );
}

/** Whose turn it is. */
function Turn({ application: a }: { application: Application }) {
  const { t } = useTranslation();
  if (a.step === 'approved') {
    return (
      <Alert tone="success" heading={t('onboarding.end.approved')}>
        {t('onboarding.end.approvedText', { name: `${a.admin_given_name} ${a.admin_surname}` })}
      </Alert>
    );
  }
  if (a.step === 'rejected') {
    return (
      <Alert tone="error" heading={t('onboarding.end.rejected')}>
        {a.reason}
      </Alert>
    );
  }
  if (a.step === 'withdrawn') return <Alert tone="info">{t('onboarding.end.withdrawn')}</Alert>;
  const waiting = a.step === 'signatures' ? a.parties.filter((p) => p.role !== 'reporter' && p.signed_at === null).map((p) => p.name) : [];
  return (
    <Alert tone="info" heading={t(`onboarding.turn.${a.step}`)}>
      {waiting.length > 0 ? t('onboarding.turn.waitingFor', { names: waiting.join(', ') }) : t('onboarding.saved', { at: dateTime(a.updated_at) })}
    </Alert>
  );
}

function Code({ application, token }: { application: Application; token: string }) {
  const { t } = useTranslation();
  const { mutate, data, isPending, error } = useMutation({ mutationFn: () => setUpCode(token) });
  if (application.you?.email === application.admin_email) return <Alert tone="info">{t('onboarding.code.operator')}</Alert>;
  return (
    <section className="panel" aria-labelledby="code">
      <h2 id="code">{t('onboarding.code.heading')}</h2>
      <p>{t('onboarding.code.text')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data === undefined ? (
        <Button icon="visibility" pending={isPending} onClick={() => mutate()}>
          {t('onboarding.code.show')}
        </Button>
      ) : (
        <p className="code" role="status">
          {data.code}
        </p>
      )}
    </section>
  );
}

function Again({ token }: { token: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => again(token),
    onSuccess: (made) => navigate({ to: '/connect/application', hash: made.token }),
  });
  return (
    <div className="panel">
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Button variant="primary" pending={isPending} onClick={() => mutate()}>
        {t('onboarding.again')}
      </Button>
    </div>
  );
}

function Withdraw({ token }: { token: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: () => withdraw(token),
    onSuccess: (now) => queries.setQueryData(applicationKey(token), now),
  });
  return (
    <p>
      <Button variant="tertiary" icon="delete" pending={isPending} onClick={() => confirm(t('onboarding.withdrawSure')) && mutate()}>
        {t('onboarding.withdraw')}
      </Button>
    </p>
  );
}
