import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import { removeService, replaceService, type Service, serviceKey, serviceQuery } from '@/api/services';
import { date, dateTime } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { AskFirst } from '@/frame/ask-first';
import { MetadataAddress } from '@/frame/metadata-address';
import { Alert } from '@/ui/alert';
import { Skeleton } from '@/ui/feedback';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { PublishPanel } from '../entitlements/publish-panel';
import { AccessPanel } from './access-panel';
import { AttributesPanel } from './attributes-panel';
import { ConformancePanel } from './conformance-panel';
import { DiagnosisPanel } from './diagnosis-panel';
import { MessagesPanel } from './messages-panel';
import { MetadataForm } from './metadata-form';
import { OpenIDPanel } from './openid-panel';
import { PolicyPanel } from './policy-panel';
import { ReviewPanel } from './review-panel';
import { SourcePanel } from './source-panel';
import { StatisticsPanel } from './statistics-panel';
import { type Tab, tabs } from './tabs';
import { TrialPanel } from './trial-panel';

const route = getRouteApi('/inside/services/$id');

export function ServicePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { tab = 'overview' } = route.useSearch();
  const { data, error, refetch } = useQuery(serviceQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page title={data?.name ?? t('services.one')} parent={{ to: '/services', title: t('services.title') }}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && (
        <>
          <Tabs service={data} at={tab} />
          {tab === 'overview' && <Overview service={data} />}
          {tab === 'openid' && <OpenIDPanel service={data} />}
          {tab === 'source' && <SourcePanel id={id} />}
          {tab === 'policy' && <PolicyPanel id={id} />}
          {tab === 'access' && <AccessPanel id={id} own />}
          {tab === 'attributes' && <AttributesPanel id={id} />}
          {tab === 'statistics' && <StatisticsPanel id={id} />}
          {tab === 'diagnosis' && <DiagnosisPanel id={id} />}
          {tab === 'trial' && <TrialPanel id={id} />}
          {tab === 'conformance' && <ConformancePanel id={id} />}
          {tab === 'messages' && <MessagesPanel id={id} />}
        </>
      )}
    </Page>
  );
}

/** Pages about what only SAML has. */
const samlOnly: readonly Tab[] = ['source', 'trial', 'conformance', 'messages'];

/** The pages about one service; each has an address of its own. */
function Tabs({ service, at }: { service: Service; at: Tab }) {
  const { t } = useTranslation();
  const { id } = service;
  const shown = service.saml ? tabs : tabs.filter((tab) => !samlOnly.includes(tab));
  return (
    <nav className="tabs" aria-label={t('services.tabs.label')}>
      <ul>
        {shown.map((tab) => (
          <li key={tab}>
            <Link
              to="/services/$id"
              params={{ id }}
              search={tab === 'overview' ? {} : { tab }}
              activeOptions={{ exact: true, includeSearch: true }}
              aria-current={tab === at ? 'page' : undefined}
            >
              {t(`services.tabs.${tab}`)}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Overview({ service }: { service: Service }) {
  const { t } = useTranslation();
  return (
    <>
      <Facts service={service} />
      {service.saml && (
        <>
          <MetadataAddress heading={t('services.ownFor.heading')} text={t('services.ownFor.text')} path={`/saml/idp/metadata/${service.id}`} />
          <ReviewPanel id={service.id} />
        </>
      )}
      <PublishPanel service={service.id} />
      {service.saml && (
        <>
          <Certificates service={service} />
          <Replace id={service.id} />
        </>
      )}
      <Remove service={service} />
    </>
  );
}

function Facts({ service }: { service: Service }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="facts">
      <h2 id="facts">{t('services.facts')}</h2>
      <dl className="facts">
        <dt>{t('services.entityId')}</dt>
        <dd className="code">{service.entity_id}</dd>
        {service.saml && (
          <>
            <dt>{t('services.acs')}</dt>
            {service.acs_urls.map((url) => (
              <dd key={url} className="code">
                {url}
              </dd>
            ))}
            <dt>{t('services.encrypts')}</dt>
            <dd>{service.encrypts ? t('services.encryptsYes') : t('services.encryptsNo')}</dd>
          </>
        )}
        <dt>{t('services.created')}</dt>
        <dd>{dateTime(service.created_at)}</dd>
        <dt>{t('services.lastLogin')}</dt>
        <dd>{service.last_login_at ? dateTime(service.last_login_at) : t('services.never')}</dd>
      </dl>
    </section>
  );
}

function Certificates({ service }: { service: Service }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="certificates">
      <h2 id="certificates">{t('services.certificates.heading')}</h2>
      <Table
        caption={t('services.certificates.heading')}
        columns={[
          { heading: t('services.certificates.subject'), rowHeading: true, cell: (one) => <span className="break">{one.subject}</span> },
          { heading: t('services.certificates.use'), cell: (one) => t(`services.certificates.${one.use}`) },
          { heading: t('services.certificates.notAfter'), cell: (one) => date(one.not_after) },
        ]}
        rows={service.certificates}
        rowKey={(one) => `${one.use} ${one.subject} ${one.not_after}`}
      />
    </section>
  );
}

/** New keys or addresses of the same service; its entityID stays. */
function Replace({ id }: { id: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [version, setVersion] = useState(0);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (metadata: string) => replaceService(id, metadata),
    onSuccess: (answer) => {
      setVersion(version + 1);
      if (!('entity_id' in answer)) {
        void queries.invalidateQueries({ queryKey: ['approvals'] });
        toast('info', t('approvals.waits'));
        return;
      }
      queries.setQueryData(serviceKey(id), answer);
      void queries.invalidateQueries({ queryKey: ['services', 'list'] });
      toast('success', t('services.replaced'));
    },
  });
  return (
    <details className="panel" key={version}>
      <summary>{t('services.replace')}</summary>
      <p>{t('services.replaceText')}</p>
      {error !== null && (
        <Alert tone="error" heading={t('services.form.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <MetadataForm submit={t('services.replaceSubmit')} pending={isPending} onSubmit={mutate} />
    </details>
  );
}

function Remove({ service }: { service: Service }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const gone = async () => {
    const waiting = await removeService(service.id);
    if (waiting) {
      await queries.invalidateQueries({ queryKey: ['approvals'] });
      toast('info', t('approvals.waits'));
      return;
    }
    toast('success', t('services.removed', { name: service.name }));
    await navigate({ to: '/services' });
    queries.removeQueries({ queryKey: serviceKey(service.id) });
    await queries.invalidateQueries({ queryKey: ['services', 'list'] });
  };
  return (
    <AskFirst icon="delete" label={t('services.remove')} heading={t('services.removeHeading', { name: service.name })} act={gone}>
      {t('services.removeText')}
    </AskFirst>
  );
}
