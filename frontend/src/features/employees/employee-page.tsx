import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { dossierUrl, type EmployeeDetails, employeeQuery } from '@/api/employees';
import { isStatus } from '@/api/client';
import { may, sessionQuery } from '@/api/session';
import { date } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { CopyButton } from '@/ui/copy-button';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { OpenSessions } from '../sessions/open-sessions';
import { EmployeeRights } from '../entitlements/employee-rights';
import { CodeCardPanel } from './code-card-panel';
import { FactList, usePersonFacts } from './facts';
import { InvitationPanel } from './invitation-panel';
import { KeyFilePanel } from './key-file-panel';
import { LifePanel, MailsPanel } from './life-panel';
import { ProofingPanel } from './proofing-panel';
import { EmployeeBadge, UnprovenBadge } from './state';

const route = getRouteApi('/inside/employees/$id');

export function EmployeePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(employeeQuery(id));
  const { data: session } = useQuery(sessionQuery);
  const manages = session !== undefined && may(session, 'employee.manage');
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page
      title={data === undefined ? t('employees.one') : data.given_name === '' ? t('employees.erased') : `${data.given_name} ${data.surname}`}
      lead={
        data && (
          <>
            <EmployeeBadge state={data.state} /> <UnprovenBadge blocked={data.blocked} />
          </>
        )
      }
      parent={{ to: '/employees', title: t('employees.title') }}
    >
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && (
        <LifePanel employee={data} manages={manages} />
      )}
      {data !== undefined && (
        <div className="columns">
          <div>
            <Facts employee={data} />
            <ProofingPanel employee={data} manages={manages} />
            <MailsPanel id={id} />
          </div>
          <div>
            <KeyFilePanel employee={data} manages={manages} />
            <InvitationPanel employee={data} manages={manages} />
            <CodeCardPanel employee={data} manages={manages} />
          </div>
        </div>
      )}
      {data !== undefined && <EmployeeRights employee={id} />}
      {data !== undefined && manages && <OpenSessions employee={id} />}
      {data !== undefined && manages && <Dossier id={id} />}
    </Page>
  );
}

function Facts({ employee }: { employee: EmployeeDetails }) {
  const { t } = useTranslation();
  const personFacts = usePersonFacts();
  const facts = [
    [t('employees.facts.email'), employee.email],
    ...personFacts(employee),
    [t('employees.facts.channel'), t(employee.channel === 'letter' ? 'employees.form.byLetter' : 'employees.form.byMail')],
    [t('employees.facts.lang'), t(`employees.form.${employee.lang}`)],
    [t('employees.facts.roles'), employee.roles.map((role) => t(`roles.${role}`)).join(', ')],
    [t('employees.facts.created'), date(employee.created_at)],
  ] as const;
  return (
    <section className="panel" aria-labelledby="facts">
      <h2 id="facts">{t('employees.facts.heading')}</h2>
      <dl className="facts">
        <dt>{t('employees.rid')}</dt>
        <dd className="code">{employee.rid ?? '–'}</dd>
        <dt>{t('employees.facts.uuid')}</dt>
        <dd>
          <span className="code">{employee.id}</span>{' '}
          <CopyButton text={employee.id} what={t('employees.facts.uuid')} small />
        </dd>
        <FactList facts={facts} />
      </dl>
      <p className="quiet small">{t('employees.facts.ridText')}</p>
    </section>
  );
}

/** For whoever asks what is stored about them and cannot log in to get it. */
function Dossier({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="dossier">
      <h2 id="dossier">{t('employees.dossier.heading')}</h2>
      <p>{t('employees.dossier.text')}</p>
      <p>
        <a href={dossierUrl(id, t('employees.dossier.lang'))} download>
          <Icon name="download" /> {t('employees.dossier.get')}
        </a>
      </p>
    </section>
  );
}
