import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import { certificateDer, certificateQuery, type CertificateView, deleteCertificate } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { date, dateTime } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { useNow } from '@/now';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { useToast } from '@/ui/toast';
import { CarePanel } from './care-panel';
import { HistoryPanel } from './history-panel';
import { PlacesPanel } from './places-panel';
import { RemindersPanel } from './reminders-panel';
import { daysTo, dayText, Ending, PlanBadge } from './words';

const route = getRouteApi('/inside/inventory/$id');

/** One certificate: what it is, who looks after it, where it is, what comes next. */
export function CertificatePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery(certificateQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  const manages = session !== undefined && may(session, 'certificate.manage');
  return (
    <Page
      title={data?.certificate.name ?? t('inventory.one')}
      lead={data && <PlanBadge plan={data.certificate.plan} />}
      parent={{ to: '/inventory', title: t('inventory.title') }}
      actions={data !== undefined && manages && <Remove id={id} name={data.certificate.name} />}
    >
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && session !== undefined && (
        <>
          <Urgency view={data} />
          <Ordered view={data} />
          <div className="columns">
            <Facts view={data} />
            <CarePanel key={data.certificate.version} view={data} manages={manages} />
          </div>
          <PlacesPanel view={data} manages={manages} />
          <RemindersPanel view={data} manages={manages} />
          {may(session, 'audit.view') && <HistoryPanel id={id} />}
        </>
      )}
    </Page>
  );
}

/** What somebody has to do now, in one sentence. */
function Urgency({ view }: { view: CertificateView }) {
  const { t } = useTranslation();
  const now = useNow(3_600_000);
  const { certificate: one, places } = view;
  if (one.plan === 'retired') return <Alert tone="info">{t('inventory.urgent.retired')}</Alert>;
  if (one.plan === 'installed') return <Alert tone="success">{t('inventory.urgent.installed')}</Alert>;
  const left = daysTo(one.not_after, now);
  if (left < 0) {
    return (
      <Alert tone="error" heading={t('inventory.urgent.ended', { day: date(one.not_after) })}>
        {t('inventory.urgent.endedText')}
      </Alert>
    );
  }
  if (one.plan === 'issued') {
    const waiting = places.filter((place) => place.installed_at === null).length;
    return <Alert tone="info">{places.length === 0 ? t('inventory.urgent.noPlaces') : t('inventory.urgent.waiting', { count: waiting })}</Alert>;
  }
  if (left >= 180) return null;
  return (
    <Alert tone={left < 30 ? 'error' : 'warning'} heading={t('inventory.urgent.soon', { count: left })}>
      {t(one.plan === 'open' ? 'inventory.urgent.nobody' : 'inventory.urgent.noSuccessor')}
    </Alert>
  );
}

/** The order of its successor here: how it comes, and whether it is late. */
function Ordered({ view }: { view: CertificateView }) {
  const { t } = useTranslation();
  const { certificate: one, renewal } = view;
  if (renewal === null || renewal.state === 'issued' || one.plan === 'retired') return null;
  const over = renewal.state === 'expired' || renewal.state === 'locked';
  return (
    <Alert tone={over || renewal.reminded_at !== null ? 'warning' : 'info'} heading={t('inventory.ordered.heading')}>
      <p>
        {over ? t(`inventory.ordered.${renewal.state === 'locked' ? 'locked' : 'expired'}`) : t(`inventory.ordered.${renewal.method}`)}{' '}
        {!over && renewal.renew_by !== '' && t('inventory.ordered.by', { day: dayText(renewal.renew_by) })}{' '}
        {!over && renewal.reminded_at !== null && t('inventory.ordered.reminded', { day: date(renewal.reminded_at) })}
      </p>
      <Link to="/certificates/$id" params={{ id: one.profile_id }}>
        {t('inventory.ordered.show')}
      </Link>
    </Alert>
  );
}

function Facts({ view }: { view: CertificateView }) {
  const { t } = useTranslation();
  const now = useNow(3_600_000);
  const { certificate: one } = view;
  const rows: [string, string][] = [
    [t('inventory.subject'), one.subject],
    [t('inventory.subjectId'), one.subject_id],
    ['CVR', one.cvr],
    [t('inventory.email'), one.email],
    [t('inventory.issuer'), one.issuer],
    [t('inventory.serial'), one.serial],
  ];
  return (
    <section className="panel" aria-labelledby="facts">
      <h2 id="facts">{t('inventory.facts')}</h2>
      <dl className="facts">
        <dt>{t('inventory.kind')}</dt>
        <dd>
          {t(`inventory.kinds.${one.kind}`)} {one.test && <Badge>{t('inventory.test')}</Badge>}{' '}
          {one.secure_email && <Badge tone="info">{t('inventory.secureEmail')}</Badge>}
        </dd>
        <dt>{t('inventory.generation')}</dt>
        <dd>{t(`inventory.generations.${one.generation}`)}</dd>
        <dt>{t('inventory.notAfter')}</dt>
        <dd>
          <Ending certificate={one} now={now} />
        </dd>
        {one.not_before !== null && (
          <>
            <dt>{t('inventory.notBefore')}</dt>
            <dd>{date(one.not_before)}</dd>
          </>
        )}
        {rows
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div className="fact" key={name}>
              <dt>{name}</dt>
              <dd className="break">{value}</dd>
            </div>
          ))}
        {!view.listed && (
          <>
            <dt>{t('inventory.chain')}</dt>
            <dd>
              {t(`inventory.chains.${one.chain === '' ? 'none' : one.chain}`)}
              {view.path.length > 0 && (
                <ol className="break">
                  {view.path.map((name) => (
                    <li key={name}>{name}</li>
                  ))}
                </ol>
              )}
            </dd>
          </>
        )}
        <dt>{t('inventory.source')}</dt>
        <dd>{t(`inventory.sources.${one.source}`)}</dd>
        {view.retired_at !== null && (
          <>
            <dt>{t('inventory.plans.retired')}</dt>
            <dd>{dateTime(view.retired_at)}</dd>
          </>
        )}
        {one.renew_by !== '' && (
          <>
            <dt>{t('inventory.renewBy')}</dt>
            <dd>{dayText(one.renew_by)}</dd>
          </>
        )}
        {one.switch_on !== '' && (
          <>
            <dt>{t('inventory.switchOn')}</dt>
            <dd>{dayText(one.switch_on)}</dd>
          </>
        )}
        <dt>{t('inventory.successor')}</dt>
        <dd>
          <Successor view={view} />
        </dd>
      </dl>
      <p>
        {view.listed ? (
          <span className="quiet">{t('inventory.onlyListed')}</span>
        ) : (
          <a href={certificateDer(one.id)} download>
            <Icon name="download" /> {t('inventory.download')}
          </a>
        )}
      </p>
    </section>
  );
}

/** An ID of the inventory is a page; a serial number was issued here. */
export const isInventoryId = (id: string): boolean => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id);

function Successor({ view }: { view: CertificateView }) {
  const { t } = useTranslation();
  if (view.successor_id === '') return <>{t('inventory.none')}</>;
  if (!isInventoryId(view.successor_id)) return <span className="code break">{view.successor_id}</span>;
  return (
    <Link to="/inventory/$id" params={{ id: view.successor_id }}>
      {view.successor === '' ? t('inventory.one') : view.successor}
    </Link>
  );
}

function Remove({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => deleteCertificate(id),
    onSuccess: async () => {
      toast('success', t('inventory.remove.done'));
      await navigate({ to: '/inventory' });
      queries.removeQueries({ queryKey: ['inventory', 'one', id] });
      await queries.invalidateQueries({ queryKey: ['inventory'] });
    },
  });
  return (
    <>
      <Button variant="tertiary" icon="delete" onClick={() => setAsking(true)}>
        {t('inventory.remove.open')}
      </Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('inventory.remove.heading', { name })}
        actions={
          <>
            <Button variant="warning" pending={remove.isPending} onClick={() => remove.mutate()}>
              {t('inventory.remove.submit')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        {remove.error !== null && (
          <Alert tone="error" live>
            {errorText(remove.error)}
          </Alert>
        )}
        <p>{t('inventory.remove.text')}</p>
      </Dialog>
    </>
  );
}
