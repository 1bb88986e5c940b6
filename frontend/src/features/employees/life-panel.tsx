import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { deleteEmployee, type EmployeeDetails, mailsQuery, proveEmployee, reactivateEmployee, suspendEmployee } from '@/api/employees';
import { date, dateTime } from '@/format';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/field';
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
          {codeText(employee.blocked) ?? employee.blocked}
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

const methods = ['private_mitid', 'document_chip', 'in_person', 'vouched'] as const;
const levels = ['Low', 'Substantial', 'High'] as const;
type Method = (typeof methods)[number];

/** How the identity was proved, by whom and when. */
export function ProofingPanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const [method, setMethod] = useState<Method>('private_mitid');
  const [level, setLevel] = useState<string>('Substantial');
  const record = useEmployeeAction(employee.id, () => proveEmployee(employee.id, { method, level }), t('employees.proofing.done'));
  return (
    <section className="panel" aria-labelledby="proofing">
      <div className="panel-top">
        <h2 id="proofing">{t('employees.proofing.heading')}</h2>
        <Badge tone={employee.identity_level === 'none' ? 'warning' : 'info'}>{t(`employees.filter.level.${employee.identity_level}`)}</Badge>
      </div>
      {employee.proofing_method === '' ? (
        <p>{t('employees.proofing.none')}</p>
      ) : (
        <p>
          {t(`employees.filter.proofing.${employee.proofing_method as Method}`)}, {employee.proofing_at !== null && dateTime(employee.proofing_at)}
        </p>
      )}
      {manages && employee.state !== 'deleted' && (
        <div className="actions">
          <Button onClick={() => setAsking(true)}>{t('employees.proofing.record')}</Button>
        </div>
      )}
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('employees.proofing.record')}
        actions={
          <>
            <Button variant="primary" pending={record.isPending} onClick={() => record.mutate(undefined, { onSuccess: () => setAsking(false) })}>
              {t('employees.proofing.submit')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        {record.error !== null && (
          <Alert tone="error" live>
            {errorText(record.error)}
          </Alert>
        )}
        <SelectField id="method" label={t('employees.filter.proofing.label')} value={method} onChange={(event) => setMethod(event.target.value as Method)}>
          {methods.map((one) => (
            <option key={one} value={one}>
              {t(`employees.filter.proofing.${one}`)}
            </option>
          ))}
        </SelectField>
        <SelectField id="level" label={t('employees.filter.level.label')} value={level} onChange={(event) => setLevel(event.target.value)}>
          {levels.map((one) => (
            <option key={one} value={one}>
              {t(`employees.filter.level.${one}`)}
            </option>
          ))}
        </SelectField>
      </Dialog>
    </section>
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
