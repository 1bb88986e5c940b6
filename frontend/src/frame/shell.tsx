import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { installationQuery, type Session } from '@/api/session';
import { ToastProvider } from '@/ui/toast';
import { DemoBanner, OfflineBanner } from './banners';
import { Header } from './header';
import { SideMenu, useSideSection } from './menu';

/** Everything around a page. */
export function Shell({ session, children }: { session?: Session | undefined; children?: ReactNode }) {
  const { t } = useTranslation();
  const side = useSideSection(session);
  return (
    <ToastProvider>
      <a className="skipnav" href="#main">
        {t('frame.skip')}
      </a>
      <OfflineBanner />
      <DemoBanner />
      <Header session={session} />
      <div className={`container page-container ${side === undefined ? '' : 'page-beside'}`}>
        {side !== undefined && <SideMenu section={side} />}
        <main id="main" tabIndex={-1}>
          {children ?? <Outlet />}
        </main>
      </div>
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
