import { useTranslation } from 'react-i18next';
import type { EmployeeDetails } from '@/api/employees';
import { date } from '@/format';

/** What is known of a person, as terms and values; what is empty is left out. */
export function FactList({ facts }: { facts: readonly (readonly [name: string, value: string])[] }) {
  return facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => (
      <div key={name} className="fact">
        <dt>{name}</dt>
        <dd className="break">{value}</dd>
      </div>
    ));
}

type Known = Pick<EmployeeDetails, 'phone' | 'cpr' | 'p_number' | 'se_number' | 'local_user_id' | 'anonymous' | 'extra' | 'identity_level'> & {
  date_of_birth: string | null;
  without_cpr?: boolean;
};

/** The facts that the employee's page and the own page share. */
export function usePersonFacts(): (one: Known) => (readonly [string, string])[] {
  const { t } = useTranslation();
  return (one) => [
    [t('employees.facts.phone'), one.phone],
    [t('employees.facts.cpr'), one.without_cpr === true ? t('employees.facts.noCpr') : one.cpr],
    [t('employees.facts.dateOfBirth'), !one.date_of_birth ? '' : date(`${one.date_of_birth}T12:00:00Z`)],
    [t('employees.facts.pNumber'), one.p_number],
    [t('employees.facts.seNumber'), one.se_number],
    [t('employees.facts.localId'), one.local_user_id],
    ...Object.entries(one.extra),
    [t('employees.filter.level.label'), t(`employees.filter.level.${one.identity_level}`)],
    [t('employees.facts.anonymous'), one.anonymous ? t('employees.facts.anonymousText') : ''],
  ];
}
