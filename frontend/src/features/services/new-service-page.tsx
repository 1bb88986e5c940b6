import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { registerService, reviewMetadata, type ServiceReview, serviceKey } from '@/api/services';
import { Page } from '@/frame/page';
import { MetadataAddress } from '@/frame/metadata-address';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { MetadataForm } from './metadata-form';
import { NewOpenIDForm } from './openid-new';
import { Findings } from './review-panel';

export function NewServicePage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const toast = useToast();
  const register = useMutation({
    mutationFn: registerService,
    onSuccess: (service) => {
      queries.setQueryData(serviceKey(service.id), service);
      void queries.invalidateQueries({ queryKey: ['services', 'list'] });
      toast('success', t('services.registered'));
      void navigate({ to: '/services/$id', params: { id: service.id } });
    },
  });
  const look = useMutation({ mutationFn: (source: Schema['ServiceSource']) => reviewMetadata(source) });
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
      {look.data === undefined ? (
        <Source pending={look.isPending} onLook={look.mutate} />
      ) : (
        <Looked
          review={look.data}
          pending={register.isPending}
          onRegister={() => register.mutate(look.data.metadata ?? '')}
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

interface LookedProps {
  review: ServiceReview;
  pending: boolean;
  onRegister: () => void;
  onAgain: () => void;
}

/** What there is to say before the service is registered. */
function Looked({ review, pending, onRegister, onAgain }: LookedProps) {
  const { t } = useTranslation();
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
      <div className="actions">
        {review.usable && (
          <Button variant="primary" pending={pending} onClick={onRegister}>
            {t('services.form.submit')}
          </Button>
        )}
        <Button onClick={onAgain}>{t('services.intake.again')}</Button>
      </div>
    </section>
  );
}
