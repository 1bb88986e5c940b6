import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { installationQuery, type Session } from '@/api/session';
import { ToastProvider } from '@/ui/toast';
import { DemoBanner, OfflineBanner } from './banners';
import { Header } from './header';

/** Everything around a page. */
export function Shell({ session, children }: { session?: Session | undefined; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <ToastProvider>
      <a className="skipnav" href="#main">
        {t('frame.skip')}
      </a>
      <OfflineBanner />
      <DemoBanner />
      <Header session={session} />
      <main className="container page-container" id="main" tabIndex={-1}>
        {children ?? <Outlet />}
      </main>
      <Footer />
    </ToastProvider>
  );
}

function Footer() {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  return (
    <footer className="footer">
      <div className="container">
        <p>{t('frame.footer')}</p>
        {data !== undefined && <p>{t('frame.version', { version: data.version })}</p>}
        <p>
          <a href="/api/docs">{t('frame.api')}</a>
        </p>
      </div>
    </footer>
  );
}
