import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { blockKeyFile, type EmployeeDetails } from '@/api/employees';
import { date, dateTime } from '@/format';
import { Button } from '@/ui/button';
import { BlockDialog } from './block-dialog';
import { KeyFileBadge } from './state';

export function KeyFilePanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const file = employee.key_file_details;
  const facts = [
    ['activatedAt', file?.activated_at && dateTime(file.activated_at)],
    ['notAfter', file?.not_after && date(file.not_after)],
    ['blockedAt', file?.blocked_at && dateTime(file.blocked_at)],
    ['reason', file?.block_reason],
    ['serial', file?.serial],
  ] as const;
  return (
    <section className="panel" aria-labelledby="key-file">
      <div className="panel-top">
        <h2 id="key-file">{t('employees.keyFile.heading')}</h2>
        <KeyFileBadge state={employee.key_file} />
      </div>
      {(file === null || employee.key_file === 'ordered') && <p>{t(`employees.keyFile.${file === null ? 'noneText' : 'orderedText'}`)}</p>}
      <dl className="facts">
        {facts.map(
          ([name, value]) =>
            typeof value === 'string' &&
            value !== '' && (
              <div key={name} className="fact">
                <dt>{t(`employees.keyFile.${name}`)}</dt>
                <dd className={name === 'serial' ? 'code' : undefined}>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {manages && employee.key_file === 'active' && (
        <div className="actions">
          <Button variant="secondary" icon="lock" onClick={() => setAsking(true)}>
            {t('employees.block.keyFile.submit')}
          </Button>
        </div>
      )}
      <BlockDialog
        id={employee.id}
        what="keyFile"
        name={`${employee.given_name} ${employee.surname}`}
        open={asking}
        onClose={() => setAsking(false)}
        block={blockKeyFile}
      />
    </section>
  );
}
