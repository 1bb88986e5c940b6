import { useTranslation } from 'react-i18next';
import type { Employee } from '@/api/employees';
import type { Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';

const people: Record<Employee['state'], Tone | undefined> = { active: 'success', suspended: 'warning', blocked: 'error', deleted: undefined };
const cards: Record<Employee['code_card'], Tone | undefined> = { none: undefined, active: 'warning', blocked: 'success' };
const keyFiles: Record<Employee['key_file'], Tone | undefined> = {
  none: undefined,
  ordered: 'info',
  active: 'success',
  blocked: 'error',
  expired: 'error',
};

export function EmployeeBadge({ state }: { state: Employee['state'] }) {
  const { t } = useTranslation();
  return <Badge tone={people[state]}>{t(`employees.state.${state}`)}</Badge>;
}

/** Nobody is invited or activated whose identity is not known well enough; the employee's page says what to do. */
export function UnprovenBadge({ blocked }: { blocked: Employee['blocked'] }) {
  const { t } = useTranslation();
  return blocked === '' ? null : <Badge tone="error">{t('employees.unproven')}</Badge>;
}

/** Blocked is the good end of a code card. */
export function CodeCardBadge({ state }: { state: Employee['code_card'] }) {
  const { t } = useTranslation();
  return <Badge tone={cards[state]}>{t(`employees.codeCard.${state}`)}</Badge>;
}

export function KeyFileBadge({ state }: { state: Employee['key_file'] }) {
  const { t } = useTranslation();
  return <Badge tone={keyFiles[state]}>{t(`employees.keyFile.${state}`)}</Badge>;
}
