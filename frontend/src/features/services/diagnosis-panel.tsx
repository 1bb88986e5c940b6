import { useInfiniteQuery } from '@tanstack/react-query';
import i18next from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attemptsQuery, type ServiceAttempt } from '@/api/services';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Skeleton } from '@/ui/feedback';
import { Checkbox } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { useAttributeName } from './attributes-panel';

/** What happened at an attempt and what to do about it, in words. */
function useDiagnosis() {
  const { t } = useTranslation();
  const say = t as (key: string) => string;
  return (one: ServiceAttempt) => {
    if (one.result === 'login') return { what: t('services.diagnosis.well'), remedy: '' };
    const code = one.code.replace('federation.', '').replace('.', '_');
    const key = `services.diagnosis.codes.${i18next.exists(`services.diagnosis.codes.${code}.what`) ? code : 'other'}`;
    return { what: say(`${key}.what`), remedy: say(`${key}.remedy`) };
  };
}

/** Who an attempt was by, as far as the service's owner may know. */
export function useWho(): (one: ServiceAttempt) => string {
  const { t } = useTranslation();
  return (one) => {
    if (one.person !== '') return one.person;
    return one.cvr === '' ? t('services.diagnosis.nobody') : t('services.diagnosis.foreign', { cvr: one.cvr });
  };
}

/** Why logins went wrong, newest first, each with its remedy. */
export function DiagnosisPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const [refused, setRefused] = useState(false);
  const query = useInfiniteQuery(attemptsQuery(id, refused ? 'refused' : ''));
  const attempts = query.data?.pages.flatMap((page) => page.items) ?? [];
  const diagnose = useDiagnosis();
  const latest = refused ? undefined : attempts[0];
  return (
    <section className="panel" aria-labelledby="diagnosis">
      <h2 id="diagnosis">{t('services.diagnosis.heading')}</h2>
      <p>{t('services.diagnosis.lead')}</p>
      {latest !== undefined && (
        <Alert
          tone={latest.result === 'login' ? 'success' : 'warning'}
          heading={t(latest.result === 'login' ? 'services.diagnosis.latestWell' : 'services.diagnosis.latest')}
        >
          <p className="alert-text">
            {dateTime(latest.at)}: {diagnose(latest).what} {diagnose(latest).remedy}
          </p>
        </Alert>
      )}
      <Checkbox id="only-refused" label={t('services.diagnosis.only')} checked={refused} onChange={(event) => setRefused(event.target.checked)} />
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton label={t('ui.loading')} lines={6} />}
      {query.isSuccess && attempts.length === 0 && <p>{t('services.diagnosis.none')}</p>}
      {attempts.length > 0 && (
        <>
          <ol className="attempts">
            {attempts.map((one) => (
              <Attempt key={one.id} one={one} />
            ))}
          </ol>
          <LoadMore shown={attempts.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </section>
  );
}

function Attempt({ one }: { one: ServiceAttempt }) {
  const { t } = useTranslation();
  const { what, remedy } = useDiagnosis()(one);
  const who = useWho();
  return (
    <li className={one.result === 'login' ? 'state-activated' : 'state-failed'}>
      <p className="quiet small">
        <time dateTime={one.at}>{dateTime(one.at)}</time> · {who(one)}
      </p>
      <p>
        <strong>{what}</strong>
      </p>
      {remedy !== '' && (
        <p>
          {t('services.diagnosis.remedy')} {remedy}
        </p>
      )}
      <Details one={one} />
    </li>
  );
}

const order = [
  'asked', 'registered', 'destination', 'expected', 'issued_at', 'skew', 'wanted', 'comparison', 'level', 'identity', 'means', 'rights', 'subject', 'algorithm',
  'signer', 'certificates', 'requesters', 'attributes', 'withheld', 'binding', 'request_id', 'text',
] as const;

function Details({ one }: { one: ServiceAttempt }) {
  const { t } = useTranslation();
  const nameOf = useAttributeName();
  const facts = order.flatMap((key) => {
    const value = one.facts[key];
    const values = (Array.isArray(value) ? value : [value]).filter((each) => each !== undefined && each !== '').map(String);
    return values.length === 0 ? [] : [{ key, values: key === 'attributes' || key === 'withheld' ? values.map(nameOf) : values }];
  });
  if (facts.length === 0 && one.status === '') return null;
  return (
    <details>
      <summary>{t('services.diagnosis.details')}</summary>
      <dl className="facts">
        {one.status !== '' && (
          <>
            <dt>{t('services.diagnosis.facts.status')}</dt>
            <dd className="code">{one.status}</dd>
          </>
        )}
        {facts.map(({ key, values }) => (
          <FactRow key={key} name={t(`services.diagnosis.facts.${key}`)} values={values} />
        ))}
      </dl>
    </details>
  );
}

function FactRow({ name, values }: { name: string; values: string[] }) {
  return (
    <>
      <dt>{name}</dt>
      {values.map((value, i) => (
        <dd key={i} className="code break">
          {value}
        </dd>
      ))}
    </>
  );
}
