import { useQuery } from '@tanstack/react-query';
import i18next from 'i18next';
import { useTranslation } from 'react-i18next';
import { termsQuery } from '@/api/onboarding';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Skeleton } from '@/ui/feedback';
import { TermsText } from './act-steps';

export function TermsPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(termsQuery);
  const text = (one: { text_da: string; text_en: string }) => (i18next.language === 'en' ? one.text_en : one.text_da);
  return (
    <Page title={t('onboarding.terms')} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data?.announced.map((one) => (
        <section className="panel" key={one.version} aria-labelledby={`v${one.version}`}>
          <Alert tone="warning">{t('onboarding.announced', { version: one.version, at: date(one.effective_at) })}</Alert>
          <h2 id={`v${one.version}`}>{t('onboarding.version', { version: one.version })}</h2>
          <TermsText text={text(one)} />
        </section>
      ))}
      {data !== undefined && (
        <section className="panel" aria-labelledby="current">
          <h2 id="current">{t('onboarding.currentTerms', { version: data.current.version })}</h2>
          <TermsText text={text(data.current)} />
        </section>
      )}
    </Page>
  );
}
