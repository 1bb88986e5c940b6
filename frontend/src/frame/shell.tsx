import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { installationQuery, type Session } from '@/api/session';
import { ToastProvider } from '@/ui/toast';
import { DemoBanner, OfflineBanner } from './banners';
import { Header } from './header';

/** Everything around a page. */
export function Shell({ session }: { session?: Session | undefined }) {
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
        <Outlet />
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
