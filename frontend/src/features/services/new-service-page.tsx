import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { registerService, reviewMetadata, type ServiceReview, serviceKey, setSource } from '@/api/services';
import { Page } from '@/frame/page';
import { MetadataAddress } from '@/frame/metadata-address';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Checkbox, TextField } from '@/ui/field';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { MetadataForm } from './metadata-form';
import { NewOpenIDForm } from './openid-new';
import { Findings } from './review-panel';

export function NewServicePage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const toast = useToast();
  const [source, setSourceOf] = useState<Schema['ServiceSource']>({});
  const register = useMutation({
    mutationFn: async ({ metadata, follow }: { metadata: string; follow: boolean }) => {
      const service = await registerService(metadata);
      // The service is there; an address that fails the second time is seen on its page.
      if (follow && source.url !== undefined) await setSource(service.id, { url: source.url, rule: 'by_hand', pinned: '', version: 0 }).catch(() => undefined);
      return service;
    },
    onSuccess: (service) => {
      queries.setQueryData(serviceKey(service.id), service);
      void queries.invalidateQueries({ queryKey: ['services', 'list'] });
      toast('success', t('services.registered'));
      void navigate({ to: '/services/$id', params: { id: service.id } });
    },
  });
  const look = useMutation({
    mutationFn: (from: Schema['ServiceSource']) => {
      setSourceOf(from);
      return reviewMetadata(from);
    },
  });
  const error = register.error ?? look.error;
  return (
    <Page
      title={t('services.register')}
      lead={t('services.form.lead')}
      parent={{ to: '/services', title: t('services.title') }}
      narrow
    >
      {error !== null && (
        <Alert tone="error" heading={t('services.form.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      {look.data === undefined && <Source pending={look.isPending} onLook={look.mutate} />}
      {look.data?.parties !== undefined && <Parties parties={look.data.parties} pending={look.isPending} onChoose={(entity_id) => look.mutate({ ...source, entity_id })} />}
      {look.data !== undefined && look.data.parties === undefined && (
        <Looked
          review={look.data}
          published={source.url !== undefined}
          pending={register.isPending}
          onRegister={(follow) => register.mutate({ metadata: look.data.metadata ?? '', follow })}
          onAgain={() => {
            look.reset();
            register.reset();
          }}
        />
      )}
      {look.data === undefined && <NewOpenIDForm />}
      <MetadataAddress heading={t('services.own.heading')} text={t('services.own.text')} path="/saml/idp/metadata" />
    </Page>
  );
}

/** Metadata from a file, pasted, or from where the service publishes it. */
function Source({ pending, onLook }: { pending: boolean; onLook: (source: Schema['ServiceSource']) => void }) {
  const { t } = useTranslation();
  const [url, setURL] = useState('');
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!pending && url.trim() !== '') onLook({ url: url.trim() });
  };
  return (
    <>
      <MetadataForm submit={t('services.intake.look')} pending={pending} onSubmit={(metadata) => onLook({ metadata })} />
      <form className="panel" noValidate onSubmit={send}>
        <TextField
          id="metadata-url"
          type="url"
          label={t('services.intake.urlLabel')}
          hint={t('services.intake.urlHint')}
          value={url}
          onChange={(event) => setURL(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" icon="download" pending={pending}>
            {t('services.intake.look')}
          </Button>
        </div>
      </form>
    </>
  );
}

interface PartiesProps {
  parties: NonNullable<ServiceReview['parties']>;
  pending: boolean;
  onChoose: (entityID: string) => void;
}

/** Metadata of several services: a person says which one. */
function Parties({ parties, pending, onChoose }: PartiesProps) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="parties">
      <h2 id="parties">{t('services.intake.which')}</h2>
      <p>{t('services.intake.whichText')}</p>
      <Table
        caption={t('services.intake.which')}
        columns={[
          { heading: t('services.intake.whichName'), rowHeading: true, cell: (one) => <span className="break">{one.name}</span> },
          { heading: t('services.entityId'), cell: (one) => <span className="code break">{one.entity_id}</span> },
          {
            heading: t('services.intake.choose'),
            cell: (one) => (
              <Button pending={pending} aria-label={t('services.intake.chooseOne', { name: one.name })} onClick={() => onChoose(one.entity_id)}>
                {t('services.intake.choose')}
              </Button>
            ),
          },
        ]}
        rows={parties}
        rowKey={(one) => one.entity_id}
      />
    </section>
  );
}

interface LookedProps {
  review: ServiceReview;
  /** It was fetched from an address, which can be watched. */
  published: boolean;
  pending: boolean;
  onRegister: (follow: boolean) => void;
  onAgain: () => void;
}

/** What there is to say before the service is registered. */
function Looked({ review, published, pending, onRegister, onAgain }: LookedProps) {
  const { t } = useTranslation();
  const [follow, setFollow] = useState(true);
  const heading = review.usable ? t('services.intake.usable', { name: review.name ?? review.entity_id ?? '' }) : t('services.intake.unusable');
  return (
    <section className="panel" aria-labelledby="looked">
      <h2 id="looked">{t('services.review.heading')}</h2>
      <Alert tone={review.usable ? 'success' : 'error'} heading={heading} live />
      {review.usable && (
        <dl className="facts">
          <dt>{t('services.entityId')}</dt>
          <dd className="code break">{review.entity_id}</dd>
          <dt>{t('services.acs')}</dt>
          {review.acs_urls.map((url) => (
            <dd key={url} className="code break">
              {url}
            </dd>
          ))}
          <dt>{t('services.policy.contacts')}</dt>
          {review.contacts.length === 0 && <dd>{t('services.policy.noContacts')}</dd>}
          {review.contacts.map((one, i) => (
            <dd key={i} className="break">
              {t(`services.policy.kinds.${one.kind}`)}: {one.name} {one.email}
            </dd>
          ))}
        </dl>
      )}
      <Findings findings={review.findings} />
      {review.usable && published && <Checkbox id="follow" label={t('services.intake.follow')} checked={follow} onChange={(event) => setFollow(event.target.checked)} />}
      <div className="actions">
        {review.usable && (
          <Button variant="primary" pending={pending} onClick={() => onRegister(published && follow)}>
            {t('services.form.submit')}
          </Button>
        )}
        <Button onClick={onAgain}>{t('services.intake.again')}</Button>
      </div>
    </section>
  );
}
