import { Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Page } from './page';

/** A part of a page that could not be fetched. */
export function LoadError({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation();
  return (
    <Alert tone="error" heading={t('frame.failed')} live>
      <p className="alert-text">{errorText(error)}</p>
      {!isStatus(error, 403) && !isStatus(error, 404) && (
        <div className="actions">
          <Button icon="refresh" onClick={onRetry}>
            {t('ui.retry')}
          </Button>
        </div>
      )}
    </Alert>
  );
}

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Page title={t('frame.notFound.title')} narrow>
      <p>{t('frame.notFound.text')}</p>
      <p>
        <Link to="/">{t('frame.home')}</Link>
      </p>
    </Page>
  );
}

/** Whatever a page threw: a missing thing, a missing right or a fault of ours. */
export function PageError({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const router = useRouter();
  if (isStatus(error, 404)) return <NotFound />;
  const title = isStatus(error, 403) ? t('frame.denied.title') : t('frame.failed');
  return (
    <Page title={title} narrow>
      <p>{isStatus(error, 403) ? t('frame.denied.text') : errorText(error)}</p>
      <div className="actions">
        {!isStatus(error, 403) && (
          <Button variant="primary" icon="refresh" onClick={() => void router.invalidate()}>
            {t('ui.retry')}
          </Button>
        )}
        <Link to="/">{t('frame.home')}</Link>
      </div>
    </Page>
  );
}
