import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { may, sessionQuery } from '@/api/session';
import { nameText } from '@/i18n';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Skeleton } from '@/ui/feedback';
import { CreationPanel } from './creation-panel';
import { InvoicePanel } from './invoice-panel';
import { CertificatesPanel, EyesPanel, LoginPanel, MailPanel, RetentionPanel } from './panels';
import { type Moved, useSettings } from './use-settings';

export function SettingsPage() {
  const { t } = useTranslation();
  const { data, error, refetch, moved, save } = useSettings();
  const { data: session } = useQuery(sessionQuery);
  const changes = session !== undefined && may(session, 'setting.change');
  const props = data && { settings: data, changes, save };
  return (
    <Page title={t('settings.title')} lead={t('settings.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {props === undefined && error === null && <Skeleton label={t('ui.loading')} lines={12} />}
      {props !== undefined && (
        <>
          {!changes && <Alert tone="info">{t('settings.viewOnly')}</Alert>}
          {moved.length > 0 && <MovedList moved={moved} />}
          <LoginPanel {...props} />
          <CreationPanel {...props} />
          <CertificatesPanel {...props} />
          <InvoicePanel {...props} />
          <MailPanel {...props} />
          <EyesPanel {...props} />
          <RetentionPanel {...props} />
        </>
      )}
    </Page>
  );
}

/** What somebody else has saved meanwhile. */
function MovedList({ moved }: { moved: Moved[] }) {
  const { t } = useTranslation();
  return (
    <Alert tone="warning" heading={t('settings.moved.heading')} live>
      <p className="alert-text">{t('settings.moved.text')}</p>
      <ul>
        {moved.map(({ field, before, now }) => (
          <li key={field}>
            <strong>{nameText('settings.fields', field) ?? field}</strong>: {before === '' ? t('settings.nothing') : before} →{' '}
            {now === '' ? t('settings.nothing') : now}
          </li>
        ))}
      </ul>
    </Alert>
  );
}
