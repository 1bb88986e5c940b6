import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { ownServicesQuery } from '@/api/self';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { useLogOut } from '@/frame/log-out';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';

/** The services that one is logged in to, and the way out of all of them. */
export function OwnServices() {
  const { t } = useTranslation();
  const { data, isPending, error, refetch } = useQuery(ownServicesQuery);
  const logOut = useLogOut(true);
  return (
    <section className="panel" aria-labelledby="own-services">
      <h2 id="own-services">{t('self.services.heading')}</h2>
      {isPending && <Skeleton label={t('ui.loading')} lines={2} />}
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <p>{t('self.services.none')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <dl className="facts">
          {data.items.map((one) => (
            <div key={one.id} className="fact">
              <dt>{one.name}</dt>
              <dd>{t(one.here ? 'self.services.since' : 'self.services.sinceElsewhere', { at: dateTime(one.since) })}</dd>
            </div>
          ))}
        </dl>
      )}
      <p>{t('self.services.text')}</p>
      <div className="actions">
        <Button icon="lock" onClick={logOut}>
          {t('self.services.logOut')}
        </Button>
      </div>
    </section>
  );
}
