import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { sessionQuery } from '@/api/session';
import { dateTime } from '@/format';
import { useLogOut } from '@/frame/log-out';
import { Page } from '@/frame/page';
import { OwnRoleRequests } from '@/features/roles/own-role-requests';
import { OpenSessions } from '@/features/sessions/open-sessions';
import { OwnServices } from '@/features/self/own-services';
import { OwnPanels } from '@/features/self/own-panels';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';

/** Who one is here, and what services are told. */
export function MePage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const logOut = useLogOut();
  if (session === undefined) return null;
  const id = session.employee_id ?? '';
  return (
    <Page title={t('me.title')} lead={t('me.lead')} narrow>
      <section className="panel" aria-labelledby="identity">
        <h2 id="identity">{session.name}</h2>
        <dl className="facts">
          <dt>{t('me.organisation')}</dt>
          <dd>
            {session.organisation.name}, {t('frame.cvr', { cvr: session.organisation.cvr })}
          </dd>
          <dt>{t('me.email')}</dt>
          <dd>{session.email}</dd>
          <dt>{t('me.uuid')}</dt>
          <dd>
            <span className="code">{id}</span> <CopyButton text={id} what={t('me.uuid')} small />
          </dd>
          <dt>{t('me.roles')}</dt>
          <dd>{session.roles.length === 0 ? t('me.noRoles') : session.roles.map((role) => t(`roles.${role}`)).join(', ')}</dd>
          {session.expires_at && (
            <>
              <dt>{t('me.session')}</dt>
              <dd>{dateTime(session.expires_at)}</dd>
            </>
          )}
        </dl>
        <div className="actions">
          <Button icon="lock" onClick={logOut}>
            {t('frame.logOut')}
          </Button>
        </div>
      </section>
      {id !== '' && <OpenSessions />}
      {id !== '' && <OwnServices />}
      <OwnRoleRequests />
      {id !== '' && <OwnPanels />}
    </Page>
  );
}
