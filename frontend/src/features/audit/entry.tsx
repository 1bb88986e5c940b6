import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '@/api/audit';
import type { texts } from '@/locales/da/texts';

export type Verb = keyof typeof texts.audit.verbs;

const keyOf = (verb: string) => verb.replace('.', '-');

/** What a verb is called; one that has no text is shown as it is. */
export function useVerb(): (verb: string) => string {
  const { t, i18n } = useTranslation();
  return (verb) => (i18n.exists(`audit.verbs.${keyOf(verb)}`) ? t(`audit.verbs.${keyOf(verb) as Verb}`) : verb);
}

/** Who acted, or whom it was done to: by name while there is one. */
export function Party({ party, name }: { party: string; name: string | null }) {
  const { t } = useTranslation();
  const [kind = '', id = ''] = party.split(':', 2);
  switch (kind) {
    case 'employee':
      return (
        <Link to="/employees/$id" params={{ id }}>
          {name ?? t('audit.party.former', { id: id.slice(-6) })}
        </Link>
      );
    case 'service':
      return (
        <Link to="/services/$id" params={{ id }}>
          {t('audit.party.service')}
        </Link>
      );
    case 'batch':
      return (
        <Link to="/migration/$id" params={{ id }}>
          {t('audit.party.batch')}
        </Link>
      );
    case 'inventory':
      return (
        <Link to="/inventory/$id" params={{ id }}>
          {t('audit.party.inventory')}
        </Link>
      );
    case 'campaign':
      return (
        <Link to="/inventory/campaigns/$id" params={{ id }}>
          {t('audit.party.campaign')}
        </Link>
      );
    case 'command':
    case 'system':
    case 'anonymous':
    case 'token':
    case 'certificate':
    case 'certificate_profile':
    case 'certificate_order':
    case 'contact':
    case 'machine':
    case 'organisation':
    case 'host':
    case 'webhook':
    case 'setting':
      return <>{t(`audit.party.${kind}`)}</>;
    default:
      return <span className="break">{party}</span>;
  }
}

/** What was noted, and what a setting was and became. */
export function Details({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  return (
    <>
      {entry.note !== '' && <span className="break">{entry.note}</span>}
      {(entry.before !== '' || entry.after !== '') && (
        <span className="break">
          {' '}
          {t('audit.change', { before: entry.before || '–', after: entry.after || '–', interpolation: { escapeValue: false } })}
        </span>
      )}
    </>
  );
}
