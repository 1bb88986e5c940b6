import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { noticesQuery } from '@/api/mail';
import type { Session } from '@/api/session';
import { Drawer } from '@/ui/dialog';
import { Icon } from '@/ui/icon';
import { LanguageButton } from './language';
import { Wordmark } from './logo';
import { useLogOut } from './log-out';
import { MainMenu } from './menu';
import { sectionsOf } from './navigation';

export function Header({ session }: { session: Session | undefined }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <header>
      <div className="header">
        <div className="container header-inner">
          <Wordmark />
          {session !== undefined && (
            <div className="header-organisation">
              {session.organisation.name}
              <span>{t('frame.cvr', { cvr: session.organisation.cvr })}</span>
            </div>
          )}
          <div className="header-tools">
            <LanguageButton className="header-link" />
            {session !== undefined && <Person session={session} />}
          </div>
          <button type="button" className="header-link header-menu" aria-haspopup="dialog" onClick={() => setOpen(true)}>
            <Icon name="menu" />
            {t('frame.menu')}
          </button>
        </div>
      </div>
      {session !== undefined && sectionsOf(session).length > 0 && (
        <div className="navigation-menu">
          <div className="navigation-menu-inner container">
            <MainMenu session={session} className="nav" />
          </div>
        </div>
      )}
      <Drawer open={open} onClose={() => setOpen(false)} heading={t('frame.menu')}>
        <DrawerContent session={session} onGo={() => setOpen(false)} />
      </Drawer>
    </header>
  );
}

/** The way to what was sent to me, with the number of what is unread. */
function Notices() {
  const { t, i18n } = useTranslation();
  const { data } = useInfiniteQuery(noticesQuery(i18n.language === 'en' ? 'en' : 'da'));
  const unread = data?.pages[0]?.unread ?? 0;
  return (
    <Link to="/notices" className="header-link">
      <Icon name="notifications" />
      {unread === 0 ? t('notices.title') : t('notices.some', { unread })}
    </Link>
  );
}

function Person({ session }: { session: Session }) {
  const { t } = useTranslation();
  const logOut = useLogOut();
  return (
    <>
      <Notices />
      <Link to="/me" className="header-link">
        <Icon name="account" />
        {session.name}
      </Link>
      <button type="button" className="header-link" onClick={logOut}>
        <Icon name="lock" />
        {t('frame.logOut')}
      </button>
    </>
  );
}

function DrawerContent({ session, onGo }: { session: Session | undefined; onGo: () => void }) {
  const { t } = useTranslation();
  const logOut = useLogOut();
  return (
    <>
      {session !== undefined && <MainMenu session={session} className="navigation-menu-mobile" nested onGo={onGo} />}
      {session !== undefined && (
        <div className="drawer-part">
          <p>
            <Link to="/me" onClick={onGo}>
              {session.name}
            </Link>
            <br />
            <Link to="/notices" onClick={onGo}>
              {t('notices.title')}
            </Link>
            <br />
            {session.organisation.name}
            <br />
            <span className="quiet">{t('frame.cvr', { cvr: session.organisation.cvr })}</span>
          </p>
          <button type="button" className="function-link" onClick={logOut}>
            <Icon name="lock" />
            {t('frame.logOut')}
          </button>
        </div>
      )}
      <div className="drawer-part">
        <LanguageButton className="function-link" />
      </div>
    </>
  );
}
