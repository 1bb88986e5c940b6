import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { EmployeeDetails } from '@/api/employees';
import { reasons } from '@/features/block/reason-fields';
import { date, dateTime } from '@/format';
import { Button } from '@/ui/button';
import { BlockKeyFile } from './block-key-file';
import { KeyFileBadge } from './state';

export function KeyFilePanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const file = employee.key_file_details;
  const reasonText = (code: string | undefined) => {
    const known = reasons.find((one) => one === code);
    return known === undefined ? code : t(`block.grounds.${known}`);
  };
  const facts = [
    ['activatedAt', file?.activated_at && dateTime(file.activated_at)],
    ['notAfter', file?.not_after && date(file.not_after)],
    ['blockedAt', file?.blocked_at && dateTime(file.blocked_at)],
    ['reason', reasonText(file?.block_reason)],
    ['note', file?.block_note],
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
      <BlockKeyFile id={employee.id} name={`${employee.given_name} ${employee.surname}`} open={asking} onClose={() => setAsking(false)} />
    </section>
  );
}
