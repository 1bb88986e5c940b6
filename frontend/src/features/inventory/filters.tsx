import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { employeeQuery, type Employee } from '@/api/employees';
import type { Narrowing } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { EmployeePicker } from '@/features/roles/employee-picker';
import { SelectField, TextField } from '@/ui/field';
import { generations, kinds, plans } from './words';

interface FiltersProps {
  narrowing: Narrowing;
  onChange: (change: Narrowing) => void;
}

export function InventoryFilters({ narrowing, onChange }: FiltersProps) {
  const { t } = useTranslation();
  const { q: _, ...others } = narrowing;
  const change = (name: keyof Narrowing) => (event: { target: { value: string } }) =>
    onChange({ [name]: event.target.value === '' ? undefined : event.target.value });
  return (
    <details className="panel" open={Object.values(others).some((value) => value !== undefined)}>
      <summary>{t('inventory.filter.heading')}</summary>
      <div className="filters">
        <SelectField id="filter-kind" label={t('inventory.kind')} value={narrowing.kind ?? ''} onChange={change('kind')}>
          <option value="">{t('inventory.filter.any')}</option>
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {t(`inventory.kinds.${kind}`)}
            </option>
          ))}
        </SelectField>
        <SelectField id="filter-generation" label={t('inventory.generation')} value={narrowing.generation ?? ''} onChange={change('generation')}>
          <option value="">{t('inventory.filter.any')}</option>
          {generations.map((generation) => (
            <option key={generation} value={generation}>
              {t(`inventory.generations.${generation}`)}
            </option>
          ))}
        </SelectField>
        <SelectField id="filter-plan" label={t('inventory.plan')} value={narrowing.plan ?? ''} onChange={change('plan')}>
          <option value="">{t('inventory.filter.inUse')}</option>
          {plans.map((plan) => (
            <option key={plan} value={plan}>
              {t(`inventory.plans.${plan}`)}
            </option>
          ))}
        </SelectField>
        <TextField id="filter-until" type="date" label={t('inventory.filter.until')} defaultValue={narrowing.until ?? ''} onChange={change('until')} />
      </div>
      <OwnerFilter owner={narrowing.owner} onChange={onChange} />
    </details>
  );
}

/** Anybody, nobody, or one employee. */
function OwnerFilter({ owner, onChange }: { owner: string | undefined; onChange: (change: Narrowing) => void }) {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const id = owner === undefined || owner === 'nobody' ? undefined : owner;
  const [picking, setPicking] = useState(id !== undefined);
  const picks = session !== undefined && may(session, 'employee.view');
  return (
    <>
      <SelectField
        id="filter-owner"
        label={t('inventory.owner')}
        value={picking ? 'one' : (owner ?? '')}
        onChange={(event) => {
          const { value } = event.target;
          setPicking(value === 'one');
          onChange({ owner: value === 'nobody' ? value : undefined });
        }}
      >
        <option value="">{t('inventory.filter.any')}</option>
        <option value="nobody">{t('inventory.nobody')}</option>
        {picks && <option value="one">{t('inventory.filter.oneOwner')}</option>}
      </SelectField>
      {picking && picks && <PickedOwner id={id} onPick={(picked) => onChange({ owner: picked?.id })} />}
    </>
  );
}

function PickedOwner({ id, onPick }: { id: string | undefined; onPick: (picked: Employee | undefined) => void }) {
  const { data } = useQuery({ ...employeeQuery(id ?? ''), enabled: id !== undefined });
  return <EmployeePicker id="filter-owner-employee" picked={id === undefined ? undefined : data} onPick={onPick} />;
}
