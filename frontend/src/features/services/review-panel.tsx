import { useQuery } from '@tanstack/react-query';
import i18next from 'i18next';
import { useTranslation } from 'react-i18next';
import { reviewQuery, type ServiceReview } from '@/api/services';
import { sentence } from '@/i18n';
import { LoadError } from '@/frame/failure';
import { Badge } from '@/ui/badge';
import { Skeleton } from '@/ui/feedback';

type Finding = ServiceReview['findings'][number];

function useFinding(): (one: Finding) => string {
  const { t } = useTranslation();
  return (one) => {
    const key = `services.review.codes.${one.code.replace('.', '_')}`;
    if (one.tone === 'error' || !i18next.exists(key)) return sentence(one.code, one.value ?? one.code) ?? one.code;
    return (t as (key: string, values: Record<string, string>) => string)(key, { value: one.value ?? '' });
  };
}

/** What there is to say about metadata, worst first. */
export function Findings({ findings }: { findings: Finding[] }) {
  const { t } = useTranslation();
  const tell = useFinding();
  if (findings.length === 0) return <p>{t('services.review.clean')}</p>;
  return (
    <ul className="findings">
      {findings.map((one, i) => (
        <li key={i} className="break">
          <Badge tone={one.tone === 'notice' ? 'info' : one.tone}>{t(`services.review.tones.${one.tone}`)}</Badge> {tell(one)}
        </li>
      ))}
    </ul>
  );
}

/** What is weak in the metadata of a service that is registered. */
export function ReviewPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(reviewQuery(id));
  return (
    <section className="panel" aria-labelledby="review">
      <h2 id="review">{t('services.review.heading')}</h2>
      <p>{t('services.review.lead')}</p>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data !== undefined && <Findings findings={data.findings} />}
    </section>
  );
}
