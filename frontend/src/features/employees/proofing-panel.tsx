import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type EmployeeDetails, proveEmployee } from '@/api/employees';
import { dateTime } from '@/format';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/field';
import { Party } from '../audit/entry';
import { useEmployeeAction } from './block-dialog';

type Method = 'private_mitid' | 'document_chip' | 'in_person' | 'vouched';

/** How the identity was proved, by whom and when. */
export function ProofingPanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const proved = employee.proofing_method !== '';
  return (
    <section className="panel" aria-labelledby="proofing">
      <div className="panel-top">
        <h2 id="proofing">{t('employees.proofing.heading')}</h2>
        <Badge tone={employee.identity_level === 'none' ? 'warning' : 'info'}>{t(`employees.filter.level.${employee.identity_level}`)}</Badge>
      </div>
      <p>{proved ? t(`employees.filter.proofing.${employee.proofing_method as Method}`) : t('employees.proofing.none')}</p>
      {proved && employee.proofing_at !== null && (
        <p className="quiet">
          {t('employees.proofing.by', { at: dateTime(employee.proofing_at) })} <Party party={employee.proofing_by} name={employee.proofing_by_name} />
        </p>
      )}
      {manages && employee.state !== 'deleted' && (
        <div className="actions">
          <Button onClick={() => setAsking(true)}>{t('employees.proofing.record')}</Button>
        </div>
      )}
      {asking && <Record employee={employee} onClose={() => setAsking(false)} />}
    </section>
  );
}

/** Offers the levels that the chosen way gives, the highest first chosen. */
function Record({ employee, onClose }: { employee: EmployeeDetails; onClose: () => void }) {
  const { t } = useTranslation();
  const ways = employee.proofing_ways;
  const [method, setMethod] = useState(ways[0]?.method ?? '');
  const [wanted, setWanted] = useState<string>();
  const levels = ways.find((one) => one.method === method)?.levels ?? [];
  const level = levels.find((one) => one === wanted) ?? levels.at(-1) ?? '';
  const record = useEmployeeAction(employee.id, () => proveEmployee(employee.id, { method, level }), t('employees.proofing.done'));
  return (
    <Dialog
      open
      onClose={onClose}
      heading={t('employees.proofing.record')}
      actions={
        <>
          <Button variant="primary" pending={record.isPending} onClick={() => record.mutate(undefined, { onSuccess: onClose })}>
            {t('employees.proofing.submit')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      {record.error !== null && (
        <Alert tone="error" live>
          {errorText(record.error)}
        </Alert>
      )}
      <SelectField id="method" label={t('employees.filter.proofing.label')} value={method} onChange={(event) => setMethod(event.target.value)}>
        {ways.map((one) => (
          <option key={one.method} value={one.method}>
            {t(`employees.filter.proofing.${one.method as Method}`)}
          </option>
        ))}
      </SelectField>
      <SelectField id="level" label={t('employees.filter.level.label')} value={level} onChange={(event) => setWanted(event.target.value)}>
        {levels.map((one) => (
          <option key={one} value={one}>
            {t(`employees.filter.level.${one}`)}
          </option>
        ))}
      </SelectField>
    </Dialog>
  );
}
