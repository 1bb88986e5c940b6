import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { installationQuery } from '@/api/session';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { CopyButton } from '@/ui/copy-button';
import { Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';

const files = ['root', 'issuing'] as const;

/** SHA-256 of a file, in pairs of hexadecimal digits as openssl writes them. */
async function fingerprint(path: string): Promise<string> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', await answer.arrayBuffer()));
  return [...sum].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}

/** What the issuing authority of this installation is, and where its files are. */
export function AuthorityPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ['authority'],
    queryFn: async () => ({ root: await fingerprint('/ca/root.cer'), issuing: await fingerprint('/ca/issuing.cer') }),
  });
  const installation = useQuery(installationQuery);
  const address = `${installation.data?.pki_url ?? ''}/ca`;
  return (
    <Page title={t('authority.title')} lead={t('authority.lead')} narrow>
      <Alert tone="info" heading={t('authority.own')}>
        {t('authority.ownText')}
      </Alert>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined &&
        files.map((name) => (
          <section key={name} className="panel" aria-labelledby={name}>
            <h2 id={name}>{t(`authority.${name}`)}</h2>
            <dl className="facts">
              <dt>{t('authority.fingerprint')}</dt>
              <dd>
                <span className="code break">{data[name]}</span> <CopyButton small text={data[name]} what={t('authority.fingerprint')} />
              </dd>
              <dt>{t('authority.files')}</dt>
              <dd>
                <a href={`/ca/${name}.cer`} download>
                  <Icon name="download" /> {name}.cer
                </a>{' '}
                <a href={`/ca/${name}.crl`} download>
                  <Icon name="download" /> {name}.crl
                </a>
              </dd>
            </dl>
          </section>
        ))}
      <section className="panel" aria-labelledby="status">
        <h2 id="status">{t('authority.status')}</h2>
        <p>{t('authority.statusText')}</p>
        <dl className="facts">
          <dt>OCSP</dt>
          <dd className="code break">{address}/ocsp</dd>
          <dt>{t('authority.list')}</dt>
          <dd className="code break">{address}/issuing.crl</dd>
        </dl>
      </section>
      <section className="panel" aria-labelledby="trust">
        <h2 id="trust">{t('authority.trust')}</h2>
        <p>{t('authority.trustText')}</p>
      </section>
      <section className="panel" aria-labelledby="policy">
        <h2 id="policy">{t('authority.policy')}</h2>
        <ul>
          {(['subject', 'life', 'keys', 'revocation', 'oid'] as const).map((one) => (
            <li key={one}>{t(`authority.rules.${one}`)}</li>
          ))}
        </ul>
      </section>
    </Page>
  );
}
