import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText, isStatus } from '@/api/client';
import {
  beginTest,
  depart,
  type IdentityProvider,
  identityProviderKey,
  identityProviderQuery,
  identityProvidersKey,
  remove,
  switchTo,
} from '@/api/identity-providers';
import { date, dateTime } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { AskFirst } from '@/frame/ask-first';
import { codeText } from '@/i18n';
import { MetadataAddress } from '@/frame/metadata-address';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { Domains } from './domains';
import { StateBadge } from './list-page';
import { NewMetadata, Proposal } from './proposal';
import { TermsForm } from './terms-form';
import { TestResult } from './test-result';

const route = getRouteApi('/inside/identity-providers/$id');

export function IdentityProviderPage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { test } = route.useSearch();
  const { data, error, refetch } = useQuery(identityProviderQuery(id));
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page title={data?.name ?? t('ownLogin.one')} parent={{ to: '/identity-providers', title: t('ownLogin.title') }}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && (
        <>
          {test !== undefined && test !== 'failed' && <TestResult id={id} test={test} />}
          {test === 'failed' && (
            <Alert tone="error" heading={t('ownLogin.test.failed')}>
              {t('ownLogin.test.failedText')}
            </Alert>
          )}
          <LastFailure provider={data} />
          <Proposal provider={data} />
          <State provider={data} />
          <TermsForm key={data.version} provider={data} />
          {data.kind === 'local' && <Domains provider={data} />}
          <Facts provider={data} />
          <MetadataAddress heading={t('ownLogin.party.heading')} text={t('ownLogin.party.textFor')} path={`/saml/sp/metadata/${data.id}`} />
          <NewMetadata provider={data} />
          <Remove provider={data} />
        </>
      )}
    </Page>
  );
}

function LastFailure({ provider }: { provider: IdentityProvider }) {
  const { t, i18n } = useTranslation();
  if (provider.failure === null || provider.failed_at === null) return null;
  const known = i18n.language === 'da' ? codeText(provider.failure) : undefined;
  return (
    <Alert tone="warning" heading={t('ownLogin.failure.heading', { at: dateTime(provider.failed_at) })}>
      <p className="alert-text">{known ?? provider.failure_note ?? provider.failure}</p>
      <p className="alert-text">
        {t('ownLogin.failure.code')}: <span className="code">{provider.failure}</span>
      </p>
      {provider.failure_note !== null && (
        <p className="alert-text">
          {t('ownLogin.failure.note')}: <span className="break">{provider.failure_note}</span>
        </p>
      )}
    </Alert>
  );
}

function State({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const change = useMutation({
    mutationFn: (state: 'active' | 'off') => switchTo(provider.id, state),
    onSuccess: async (_, state) => {
      await queries.invalidateQueries({ queryKey: identityProvidersKey });
      toast('success', t(`ownLogin.switched.${state}`));
    },
  });
  const test = useMutation({ mutationFn: () => beginTest(provider.id), onSuccess: depart });
  const failed = change.error ?? test.error;
  return (
    <section className="panel" aria-labelledby="state">
      <h2 id="state">
        {t('ownLogin.state')} <StateBadge state={provider.state} />
      </h2>
      <p>{t(`ownLogin.stateText.${provider.state}`)}</p>
      {failed !== null && (
        <Alert tone="error" live>
          {errorText(failed)}
        </Alert>
      )}
      <div className="actions">
        <Button variant="primary" icon="lock" pending={test.isPending} onClick={() => test.mutate()}>
          {t('ownLogin.test.begin')}
        </Button>
        {provider.state === 'active' ? (
          <Button pending={change.isPending} onClick={() => change.mutate('off')}>
            {t('ownLogin.switchOff')}
          </Button>
        ) : (
          <Button pending={change.isPending} onClick={() => change.mutate('active')}>
            {t('ownLogin.switchOn')}
          </Button>
        )}
      </div>
    </section>
  );
}

function Facts({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="facts">
      <h2 id="facts">{t('ownLogin.facts')}</h2>
      <dl className="facts">
        <dt>{t('ownLogin.kind')}</dt>
        <dd>{t(`ownLogin.kinds.${provider.kind}`)}</dd>
        <dt>{t('ownLogin.entityId')}</dt>
        <dd className="code break">{provider.entity_id}</dd>
        <dt>{t('ownLogin.signOn')}</dt>
        {provider.sign_on.map((url) => (
          <dd key={url} className="code break">
            {url}
          </dd>
        ))}
        <dt>{t('ownLogin.metadataAt')}</dt>
        <dd>{dateTime(provider.metadata_at)}</dd>
        {provider.metadata_url !== null && (
          <>
            <dt>{t('ownLogin.metadataUrl')}</dt>
            <dd className="code break">{provider.metadata_url}</dd>
          </>
        )}
        {provider.fetched_at !== null && (
          <>
            <dt>{t('ownLogin.fetchedAt')}</dt>
            <dd>
              {dateTime(provider.fetched_at)}
              {provider.fetch_failure !== null && ` – ${t('ownLogin.fetchFailed')}`}
            </dd>
          </>
        )}
        <dt>{t('ownLogin.lastLogin')}</dt>
        <dd>{provider.last_login_at ? dateTime(provider.last_login_at) : t('ownLogin.never')}</dd>
      </dl>
      <Table
        caption={t('ownLogin.certificates')}
        columns={[
          { heading: t('ownLogin.subject'), rowHeading: true, cell: (one) => <span className="break">{one.subject}</span> },
          { heading: t('ownLogin.use'), cell: (one) => (one.use === 'signing' ? t('ownLogin.signing') : t('ownLogin.encryption')) },
          { heading: t('ownLogin.fingerprint'), cell: (one) => <span className="code break">{one.fingerprint}</span> },
          { heading: t('ownLogin.notAfter'), cell: (one) => date(one.not_after) },
        ]}
        rows={provider.certificates}
        rowKey={(one) => `${one.use} ${one.fingerprint}`}
      />
    </section>
  );
}

function Remove({ provider }: { provider: IdentityProvider }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const gone = async () => {
    await remove(provider.id);
    toast('success', t('ownLogin.removed', { name: provider.name }));
    await navigate({ to: '/identity-providers' });
    queries.removeQueries({ queryKey: identityProviderKey(provider.id) });
    await queries.invalidateQueries({ queryKey: [...identityProvidersKey, 'list'] });
  };
  return (
    <AskFirst icon="delete" label={t('ownLogin.remove')} heading={t('ownLogin.removeHeading', { name: provider.name })} act={gone}>
      {t('ownLogin.removeText')}
    </AskFirst>
  );
}
