import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type EmployeeDetails, employeeQuery } from '@/api/employees';
import { isStatus } from '@/api/client';
import { may, sessionQuery } from '@/api/session';
import { date } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { CopyButton } from '@/ui/copy-button';
import { Skeleton } from '@/ui/feedback';
import { EmployeeRights } from '../entitlements/employee-rights';
import { CodeCardPanel } from './code-card-panel';
import { InvitationPanel } from './invitation-panel';
import { KeyFilePanel } from './key-file-panel';
import { LifePanel, MailsPanel, ProofingPanel } from './life-panel';
import { EmployeeBadge } from './state';

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
      lead={data && <EmployeeBadge state={data.state} />}
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
    </Page>
  );
}

function Facts({ employee }: { employee: EmployeeDetails }) {
  const { t } = useTranslation();
  const facts = [
    ['email', employee.email],
    ['phone', employee.phone],
    ['cpr', employee.cpr],
    ['dateOfBirth', employee.date_of_birth === null ? '' : date(`${employee.date_of_birth}T12:00:00Z`)],
    ['pNumber', employee.p_number],
    ['seNumber', employee.se_number],
    ['localId', employee.local_user_id],
    ['roles', employee.roles.map((role) => t(`roles.${role}`)).join(', ')],
    ['created', date(employee.created_at)],
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
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name} className="fact">
              <dt>{t(`employees.facts.${name}`)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <p className="quiet small">{t('employees.facts.ridText')}</p>
    </section>
  );
}
