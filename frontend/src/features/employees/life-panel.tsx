import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { deleteEmployee, type EmployeeDetails, mailsQuery, reactivateEmployee, suspendEmployee } from '@/api/employees';
import { date, dateTime } from '@/format';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Table } from '@/ui/table';
import { BlockDialog, useEmployeeAction } from './block-dialog';

/** What can be done to the employee, and what stands in the way. */
export function LifePanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState<'suspend' | 'delete'>();
  const back = useEmployeeAction(employee.id, () => reactivateEmployee(employee.id), t('employees.life.reactivated'));
  const name = `${employee.given_name} ${employee.surname}`;
  const { state } = employee;
  return (
    <>
      {employee.blocked !== '' && (
        <Alert tone="warning" heading={t('employees.life.blockedHeading')}>
          {t(employee.blocked === 'org.proofing.foreign' ? 'employees.life.blockedForeign' : 'employees.life.blockedLevel')}
        </Alert>
      )}
      {state === 'deleted' && (
        <Alert tone="info" heading={t('employees.life.deletedHeading')}>
          {employee.erased_at === null
            ? t('employees.life.deletedText', { date: employee.erase_at === null ? '' : date(employee.erase_at) })
            : t('employees.life.erasedText', { date: date(employee.erased_at) })}
        </Alert>
      )}
      {back.error !== null && (
        <Alert tone="error" live>
          {errorText(back.error)}
        </Alert>
      )}
      {employee.state_reason !== '' && <p>{t('employees.life.reason', { reason: employee.state_reason })}</p>}
      {manages && state !== 'deleted' && (
        <div className="actions">
          <Link className="button button-primary" to="/employees/$id/edit" params={{ id: employee.id }}>
            {t('employees.life.edit')}
          </Link>
          {state === 'active' ? (
            <Button onClick={() => setAsking('suspend')}>{t('employees.block.suspend.submit')}</Button>
          ) : (
            <Button pending={back.isPending} onClick={() => back.mutate(undefined)}>
              {t('employees.life.reactivate')}
            </Button>
          )}
          <Button icon="delete" onClick={() => setAsking('delete')}>
            {t('employees.block.delete.submit')}
          </Button>
        </div>
      )}
      <BlockDialog
        id={employee.id}
        what={asking ?? 'suspend'}
        name={name}
        open={asking !== undefined}
        onClose={() => setAsking(undefined)}
        block={asking === 'delete' ? deleteEmployee : suspendEmployee}
      />
    </>
  );
}

/** Every mail to the employee and what became of it. */
export function MailsPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = useQuery(mailsQuery(id));
  return (
    <section className="panel" aria-labelledby="mails">
      <h2 id="mails">{t('employees.mails.heading')}</h2>
      {data === undefined || data.items.length === 0 ? (
        <p>{t('employees.mails.none')}</p>
      ) : (
        <Table
          caption={t('employees.mails.heading')}
          rows={data.items}
          rowKey={(one) => one.kind + one.queued_at}
          columns={[
            { heading: t('employees.mails.kind'), rowHeading: true, cell: (one) => t(`employees.mails.kinds.${one.kind}` as 'employees.mails.other', { defaultValue: t('employees.mails.other') }) },
            { heading: t('employees.mails.when'), cell: (one) => dateTime(one.sent_at ?? one.queued_at) },
            {
              heading: t('employees.mails.state'),
              cell: (one) => (
                <>
                  <Badge tone={one.state === 'failed' ? 'error' : one.state === 'sent' ? 'success' : 'info'}>{t(`employees.mail.${one.state}`)}</Badge>{' '}
                  {one.state === 'failed' && one.error}
                </>
              ),
            },
          ]}
        />
      )}
    </section>
  );
}
