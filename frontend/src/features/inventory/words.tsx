import { useTranslation } from 'react-i18next';
import type { Certificate, Generation, Kind, Plan } from '@/api/inventory';
import { date } from '@/format';
import type { Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';

export const generations: Generation[] = ['oces1', 'oces2', 'oces3', 'adgang', 'private', 'unknown'];
export const kinds: Kind[] = ['employee', 'organisation', 'system', 'function', 'person', 'tls', 'authority', 'unknown'];
export const plans: Plan[] = ['open', 'planned', 'issued', 'installed', 'retired'];

const tones: Partial<Record<Plan, Tone>> = { open: 'warning', planned: 'info', issued: 'info', installed: 'success' };

/** How far a certificate is on the way to its successor. */
export function PlanBadge({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  return <Badge tone={tones[plan]}>{t(`inventory.plans.${plan}`)}</Badge>;
}

/** What a certificate of a list lacks, as far as a list knows: its places stand on its page. */
export function wantsOf(one: Pick<Certificate, 'plan' | 'owner_id' | 'contact_email' | 'contact_post'>): ('care' | 'successor' | 'installed')[] {
  if (one.plan === 'installed' || one.plan === 'retired') return [];
  const nobody = one.owner_id === '' && one.contact_email === '' && one.contact_post === '';
  return [...(nobody ? (['care'] as const) : []), one.plan === 'issued' ? 'installed' : 'successor'];
}

/** Its successor was to be there on a day that has passed. */
export const isOverdue = (one: Pick<Certificate, 'plan' | 'renew_by'>, now: Date): boolean =>
  one.renew_by !== '' && (one.plan === 'open' || one.plan === 'planned') && one.renew_by < dayAhead(0, now);

const dayLength = 86_400_000;

/** Whole days from now to an instant; negative when it has passed. */
export const daysTo = (instant: string, now: Date): number => Math.floor((new Date(instant).getTime() - now.getTime()) / dayLength);

/** The last day of a certificate, and how soon that is. */
export function Ending({ certificate, now }: { certificate: Pick<Certificate, 'not_after' | 'plan'>; now: Date }) {
  const { t } = useTranslation();
  const days = daysTo(certificate.not_after, now);
  const done = certificate.plan === 'installed' || certificate.plan === 'retired';
  return (
    <>
      <span className="nowrap">{date(certificate.not_after)}</span>{' '}
      {!done && days < 90 && (
        <span className="block">
          <Badge tone={days < 30 ? 'error' : 'warning'}>{days < 0 ? t('inventory.ended') : t('inventory.daysLeft', { count: days })}</Badge>
        </span>
      )}
    </>
  );
}

/** A day as YYYY-MM-DD in words; its noon is the same day in every zone of Denmark. */
export const dayText = (day: string): string => date(`${day}T12:00:00Z`);

/** Today and later, as YYYY-MM-DD of this machine. */
export function dayAhead(days: number, from = new Date()): string {
  const at = new Date(from.getTime() + days * dayLength);
  return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Copenhagen' }).format(at);
}
