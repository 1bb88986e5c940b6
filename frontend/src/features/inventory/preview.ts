import type { Certificate, Rules } from '@/api/inventory';
import { dayAhead } from './words';

/** Who hears of a certificate under a rule. */
export type Hearer = 'owner' | 'contact' | 'users' | 'admins' | 'webhook';

export interface Coming {
  /** YYYY-MM-DD, of Denmark. */
  day: string;
  certificate: Certificate;
  rule: number;
  hearers: Hearer[];
}

const shifted = (day: string, by: number): string => {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + by);
  return at.toISOString().slice(0, 10);
};

function hearersOf(one: Certificate, rule: number, rules: Rules): Hearer[] {
  const first: Hearer[] = one.owner_id !== '' ? ['owner'] : one.contact_email !== '' ? ['contact'] : [];
  return [
    ...first,
    ...(rule <= rules.users_from || first.length === 0 ? (['users'] as const) : []),
    ...(rule <= rules.admins_from ? (['admins'] as const) : []),
    ...(rules.webhook_url === '' ? [] : (['webhook'] as const)),
  ];
}

/**
 * What rules would send in the days ahead, the first day first: a line for each
 * certificate and rule, by the day of Denmark on which it falls. What is installed
 * or out of use sends nothing, and authorities neither.
 */
export function comingUp(certificates: Certificate[], rules: Rules, now: Date, ahead: number): Coming[] {
  const [from, to] = [dayAhead(0, now), shifted(dayAhead(0, now), ahead)];
  return certificates
    .filter((one) => one.plan !== 'installed' && one.plan !== 'retired' && one.kind !== 'authority')
    .flatMap((certificate) => {
      const end = dayAhead(0, new Date(certificate.not_after));
      return [...new Set(rules.days)].map((rule) => ({ day: shifted(end, -rule), certificate, rule, hearers: hearersOf(certificate, rule, rules) }));
    })
    .filter(({ day }) => day >= from && day <= to)
    .sort((a, b) => a.day.localeCompare(b.day) || a.certificate.not_after.localeCompare(b.certificate.not_after) || a.certificate.id.localeCompare(b.certificate.id));
}

/** The days on which one receiver would get more than a digest allows. */
export function digestDays(coming: Coming[], over: number): string[] {
  const counts = new Map<string, number>();
  for (const { day, certificate, hearers } of coming) {
    for (const hearer of hearers) {
      const who = hearer === 'owner' ? certificate.owner_id : hearer === 'contact' ? certificate.contact_email : hearer;
      if (hearer !== 'webhook') counts.set(`${day} ${who}`, (counts.get(`${day} ${who}`) ?? 0) + 1);
    }
  }
  return [...new Set([...counts].filter(([, n]) => n > over).map(([key]) => key.slice(0, 10)))].sort();
}
