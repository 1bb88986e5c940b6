import { useTranslation } from 'react-i18next';
import type { Narrowing } from '@/api/employees';
import { SelectField, TextField } from '@/ui/field';

/** What each filter may be; the texts are employees.filter.<name>.<value>. */
export const choices = {
  state: ['active', 'suspended', 'blocked', 'deleted'],
  key_file: ['none', 'ordered', 'active', 'blocked', 'expired'],
  code_card: ['none', 'active', 'blocked'],
  invitation: ['open', 'expiring', 'expired', 'locked'],
  proofing: ['none', 'private_mitid', 'document_chip', 'in_person', 'vouched'],
  level: ['none', 'Low', 'Substantial', 'High'],
  anonymous: ['true'],
  administrator: ['true'],
  unproven: ['true'],
  sort: ['name', '-name', 'newest', 'oldest'],
} as const;

interface FiltersProps {
  narrowing: Narrowing;
  onChange: (change: Narrowing) => void;
}

export function Filters({ narrowing, onChange }: FiltersProps) {
  const { t } = useTranslation();
  return (
    <details className="panel" open={Object.values(narrowing).some((value) => value !== undefined)}>
      <summary>{t('employees.filter.heading')}</summary>
      <div className="filters">
        {(Object.keys(choices) as (keyof typeof choices)[]).map((name) => (
          <SelectField
            key={name}
            id={`filter-${name}`}
            label={t(`employees.filter.${name}.label`)}
            value={narrowing[name] ?? ''}
            onChange={(event) => onChange({ [name]: event.target.value === '' ? undefined : event.target.value })}
          >
            <option value="">{t(name === 'sort' ? 'employees.filter.sortUsual' : 'employees.filter.any')}</option>
            {choices[name]
              .filter((value) => value !== 'name')
              .map((value) => (
                <option key={value} value={value}>
                  {t(`employees.filter.${name}.${value}` as 'employees.filter.any')}
                </option>
              ))}
          </SelectField>
        ))}
        <TextField
          id="filter-p_number"
          label={t('employees.facts.pNumber')}
          inputMode="numeric"
          maxLength={10}
          defaultValue={narrowing.p_number ?? ''}
          onChange={(event) => {
            const value = event.target.value.trim();
            if (value === '' || /^\d{10}$/.test(value)) onChange({ p_number: value === '' ? undefined : value });
          }}
        />
      </div>
    </details>
  );
}
