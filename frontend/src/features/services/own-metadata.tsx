import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { installationQuery } from '@/api/session';
import { CopyButton } from '@/ui/copy-button';

/** What the other side needs: Adgang's own metadata. */
export function OwnMetadata() {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  if (data === undefined) return null;
  const url = `${data.base_url.replace(/\/$/, '')}/saml/idp/metadata`;
  return (
    <section className="panel" aria-labelledby="own">
      <h2 id="own">{t('services.own.heading')}</h2>
      <p>{t('services.own.text')}</p>
      <p>
        <a className="code" href="/saml/idp/metadata">
          {url}
        </a>
      </p>
      <CopyButton text={url} what={t('services.own.heading')} />
    </section>
  );
}
