import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { installationQuery } from '@/api/session';
import { CopyButton } from '@/ui/copy-button';

/** What the identity provider needs: Adgang's metadata as a service provider. */
export function PartyMetadata() {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  if (data === undefined) return null;
  const url = `${data.base_url.replace(/\/$/, '')}/saml/sp/metadata`;
  return (
    <section className="panel" aria-labelledby="own">
      <h2 id="own">{t('ownLogin.party.heading')}</h2>
      <p>{t('ownLogin.party.text')}</p>
      <p>
        <a className="code" href="/saml/sp/metadata">
          {url}
        </a>
      </p>
      <CopyButton text={url} what={t('ownLogin.party.heading')} />
    </section>
  );
}
