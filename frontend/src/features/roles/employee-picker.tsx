import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Employee, employeesQuery } from '@/api/employees';
import { SelectField, TextField } from '@/ui/field';

interface EmployeePickerProps {
  id: string;
  error?: string | undefined;
  picked: Employee | undefined;
  onPick: (employee: Employee | undefined) => void;
}

/** One employee of the organisation, found by name. */
export function EmployeePicker({ id, error, picked, onPick }: EmployeePickerProps) {
  const { t } = useTranslation();
  const [q, setQ] = useState('');
  const { data } = useInfiniteQuery({ ...employeesQuery(q.trim()), placeholderData: (before) => before });
  const found = data?.pages[0]?.items ?? [];
  const listed = picked === undefined || found.some((one) => one.id === picked.id) ? found : [picked, ...found];
  return (
    <>
      <TextField
        id={`${id}-search`}
        label={t('roleAdmin.picker.search')}
        hint={t('roleAdmin.picker.hint')}
        value={q}
        maxLength={200}
        onChange={(event) => setQ(event.target.value)}
      />
      <SelectField
        id={id}
        label={t('roleAdmin.picker.employee')}
        error={error}
        value={picked?.id ?? ''}
        onChange={(event) => onPick(listed.find((one) => one.id === event.target.value))}
      >
        <option value="">{t('roleAdmin.picker.choose', { count: found.length })}</option>
        {listed.map((one) => (
          <option key={one.id} value={one.id}>
            {one.given_name} {one.surname} ({one.email})
          </option>
        ))}
      </SelectField>
    </>
  );
}
