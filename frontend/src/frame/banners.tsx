import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { installationQuery } from '@/api/session';
import { Icon } from '@/ui/icon';

/** Says that this is a demonstration, and where its mail lies. */
export function DemoBanner() {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  if (data?.demo !== true) return null;
  return (
    <aside className="banner" aria-label={t('frame.demo.label')}>
      <div className="container">
        <p>
          <strong>{t('frame.demo.label')}.</strong> {t('frame.demo.text')}
        </p>
        <a href="/demo/mail" target="_blank" rel="noreferrer">
          {t('frame.demo.mail')} <Icon name="open-in-new" label={t('ui.newTab')} />
        </a>
      </div>
    </aside>
  );
}

function listen(changed: () => void): () => void {
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
}

/** Shown while the browser has no network. */
export function OfflineBanner() {
  const { t } = useTranslation();
  const online = useSyncExternalStore(listen, () => navigator.onLine);
  return (
    <div role="status">
      {!online && (
        <div className="banner banner-quiet">
          <div className="container">
            <p>{t('frame.offline')}</p>
          </div>
        </div>
      )}
    </div>
  );
}
