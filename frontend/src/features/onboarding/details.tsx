import { useTranslation } from 'react-i18next';
import type { Application } from '@/api/onboarding';
import { dateTime } from '@/format';
import { Badge } from '@/ui/badge';
import { Table } from '@/ui/table';

/** What was entered, and what the register says. */
export function Details({ application: a }: { application: Application }) {
  const { t } = useTranslation();
  const c = a.company;
  return (
    <section className="panel" aria-labelledby="details">
      <h2 id="details">{t('onboarding.details')}</h2>
      <dl className="facts">
        <dt>{t('onboarding.cvr')}</dt>
        <dd>{a.cvr}</dd>
        <dt>{t('onboarding.organisation')}</dt>
        <dd>{a.name}</dd>
        {c === undefined ? (
          <>
            <dt>{t('onboarding.register')}</dt>
            <dd>{t('onboarding.notFound')}</dd>
          </>
        ) : (
          <>
            <dt>{t('onboarding.form')}</dt>
            <dd>
              {t(`onboarding.forms.${c.form}`)} ({c.form_text})
            </dd>
            <dt>{t('onboarding.address')}</dt>
            <dd>{c.address}</dd>
            <dt>{t('onboarding.rule')}</dt>
            <dd>{c.rule === '' ? '–' : c.rule}</dd>
          </>
        )}
        {a.admin_email !== '' && (
          <>
            <dt>{t('onboarding.administrator')}</dt>
            <dd>
              {a.admin_given_name} {a.admin_surname}, {a.admin_email}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** Who takes part and what each still has to do. */
export function Parties({ application: a }: { application: Application }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="parties">
      <h2 id="parties">{t('onboarding.parties')}</h2>
      <Table
        caption={t('onboarding.parties')}
        columns={[
          { heading: t('onboarding.name'), rowHeading: true, cell: (p) => p.name },
          { heading: t('onboarding.part'), cell: (p) => t(`onboarding.role.${p.role}`) },
          { heading: t('onboarding.email'), cell: (p) => <span className="break">{p.email}</span> },
          {
            heading: t('onboarding.signed'),
            cell: (p) =>
              p.role === 'reporter' ? '–' : p.signed_at ? `${dateTime(p.signed_at)} (${t('onboarding.version', { version: p.terms_version })})` : <Badge tone="warning">{t('onboarding.notSigned')}</Badge>,
          },
        ]}
        rows={a.parties}
        rowKey={(p) => p.email}
      />
    </section>
  );
}
