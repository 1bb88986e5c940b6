import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { nameText } from '@/i18n';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';

import { reasonOf } from './reason';

const route = getRouteApi('/open/login/failed');

/** Where a login over the organisation's own login ends that did not succeed. */
export function LoginFailedPage() {
  const { t } = useTranslation();
  const { code } = route.useSearch();
  const reason = code === undefined ? 'other' : reasonOf(code);
  const text = nameText('ownLogin.failedTexts', reason) ?? t('ownLogin.failedTexts.other');
  return (
    <Page title={t('ownLogin.failedTitle')} narrow>
      <Alert tone="error">{text}</Alert>
      <div className="panel">
        <h2>{t('ownLogin.failedNext')}</h2>
        <p>{t('ownLogin.failedText')}</p>
        {code !== undefined && (
          <p className="quiet small">
            {t('ownLogin.failure.code')}: <span className="code">{code}</span>
          </p>
        )}
        <div className="actions">
          <Link to="/login" className="button button-primary">
            {t('ownLogin.again')}
          </Link>
        </div>
      </div>
    </Page>
  );
}
