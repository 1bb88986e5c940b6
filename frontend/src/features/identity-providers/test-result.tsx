import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { testQuery } from '@/api/identity-providers';
import { dateTime } from '@/format';
import { codeText, nameText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Skeleton } from '@/ui/feedback';
import { Table } from '@/ui/table';
import { reasonOf } from '../login/reason';

/** What a test login brought, and whom it would log in. */
export function TestResult({ id, test }: { id: string; test: string }) {
  const { t, i18n } = useTranslation();
  const { data, error } = useQuery(testQuery(id, test));
  if (error !== null) return <Alert tone="warning">{errorText(error)}</Alert>;
  if (data === undefined) return <Skeleton label={t('ui.loading')} />;
  const why = (i18n.language === 'da' ? codeText(data.refusal) : undefined) ?? nameText('ownLogin.failedTexts', reasonOf(data.refusal)) ?? data.refusal;
  const rows = Object.entries(data.attributes).map(([name, values]) => ({ name, values }));
  return (
    <section className="panel" aria-labelledby="test">
      <h2 id="test">{t('ownLogin.test.heading')}</h2>
      {data.refusal === '' ? (
        <Alert tone="success" heading={t('ownLogin.test.good')}>
          <p className="alert-text">
            {data.employee_id !== undefined && (
              <Link to="/employees/$id" params={{ id: data.employee_id }}>
                {data.employee_name}
              </Link>
            )}
          </p>
        </Alert>
      ) : (
        <Alert tone="warning" heading={t('ownLogin.test.bad')}>
          {why}
        </Alert>
      )}
      <dl className="facts">
        <dt>NameID</dt>
        <dd className="code break">{data.name_id}</dd>
        <dt>{t('ownLogin.test.stated')}</dt>
        <dd>{data.stated === 'None' ? t('ownLogin.test.noLevel') : nameText('settings.levels', data.stated)}</dd>
        <dt>{t('ownLogin.test.counts')}</dt>
        <dd>{nameText('settings.levels', data.level)}</dd>
        <dt>AuthnContextClassRef</dt>
        <dd className="code break">{data.class === '' ? '–' : data.class}</dd>
        <dt>{t('ownLogin.test.at')}</dt>
        <dd>{dateTime(data.authn_at)}</dd>
        <dt>{t('ownLogin.test.encrypted')}</dt>
        <dd>{data.encrypted ? t('ownLogin.yes') : t('ownLogin.no')}</dd>
      </dl>
      <Table
        caption={t('ownLogin.test.attributes')}
        columns={[
          { heading: t('ownLogin.test.attribute'), rowHeading: true, cell: (one) => <span className="code break">{one.name}</span> },
          { heading: t('ownLogin.test.values'), cell: (one) => <span className="break">{one.values.join(', ')}</span> },
        ]}
        rows={rows}
        rowKey={(one) => one.name}
      />
    </section>
  );
}
