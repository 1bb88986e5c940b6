import { useTranslation } from 'react-i18next';
import { Alert } from '@/ui/alert';
import { CopyButton } from '@/ui/copy-button';

/** What a client needs to be given once: its ID, and its secret if it has one. */
export function OpenIDSecret({ clientId, secret }: { clientId: string; secret: string }) {
  const { t } = useTranslation();
  return (
    <Alert tone="warning" heading={t('services.openid.secretHeading')} live>
      <p className="alert-text">{t('services.openid.secretText')}</p>
      <dl className="facts">
        <dt>{t('services.openid.clientId')}</dt>
        <dd className="code break">{clientId}</dd>
        <dt>{t('services.openid.auths.client_secret')}</dt>
        <dd className="code break">{secret}</dd>
      </dl>
      <CopyButton text={secret} what={t('services.openid.auths.client_secret')} />
    </Alert>
  );
}
