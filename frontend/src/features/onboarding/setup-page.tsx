import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { setUpQuery, tick } from '@/api/onboarding';
import { errorText } from '@/api/client';
import { may, sessionQuery } from '@/api/session';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';

const places = {
  authenticators: '/organisation/settings',
  creation: '/organisation/settings',
  invoice: '/organisation/settings',
  import: '/migration/new',
  roles: '/organisation/roles',
} as const;
type Step = keyof typeof places;
const isStep = (step: string): step is Step => step in places;

/** What the first administrator decides; each step is kept and may be skipped. */
export function SetupPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(setUpQuery);
  const { data: session } = useQuery(sessionQuery);
  // The import is a user administrator's work: others are shown where the role is given.
  const imports = session === undefined || may(session, 'migration.manage');
  const act = useMutation({
    mutationFn: tick,
    onSuccess: (now) => queries.setQueryData(setUpQuery.queryKey, now),
  });
  return (
    <Page title={t('onboarding.setup.title')} lead={t('onboarding.setup.lead')} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {act.error !== null && (
        <Alert tone="error" live>
          {errorText(act.error)}
        </Alert>
      )}
      {data?.finished === true && (
        <Alert tone="success" heading={t('onboarding.setup.finished')} live>
          {t('onboarding.setup.finishedText')}
        </Alert>
      )}
      <ol className="nobullet-list">
        {data?.steps.map(({ step, state }, index) => {
          if (!isStep(step)) return null;
          const heading = `${index + 1}. ${t(`onboarding.setup.${step}`)}`;
          return (
            <li className="panel" key={step}>
              <h2>
                {heading} {state !== '' && <Badge tone={state === 'done' ? 'success' : 'info'}>{t(`onboarding.setup.state.${state}`)}</Badge>}
              </h2>
              <p>{t(`onboarding.setup.${step}Text`)}</p>
              {step === 'import' && !imports && <p>{t('onboarding.setup.importWho')}</p>}
              <div className="actions">
                {step === 'import' && !imports ? (
                  <Link to="/organisation/roles" className="button button-secondary">
                    {t('onboarding.setup.importGive')}
                  </Link>
                ) : (
                  <Link to={places[step]} className="button button-secondary">
                    {t('onboarding.setup.go', { what: t(`onboarding.setup.${step}`) })}
                  </Link>
                )}
                {state === '' ? (
                  <>
                    <Button variant="primary" icon="check" aria-label={`${t('onboarding.setup.done')}: ${heading}`} onClick={() => !act.isPending && act.mutate({ step, state: 'done' })}>
                      {t('onboarding.setup.done')}
                    </Button>
                    <Button variant="tertiary" aria-label={`${t('onboarding.setup.skip')}: ${heading}`} onClick={() => !act.isPending && act.mutate({ step, state: 'skipped' })}>
                      {t('onboarding.setup.skip')}
                    </Button>
                  </>
                ) : (
                  <Button variant="tertiary" aria-label={`${t('onboarding.setup.reopen')}: ${heading}`} onClick={() => !act.isPending && act.mutate({ step, state: '' })}>
                    {t('onboarding.setup.reopen')}
                  </Button>
                )}
              </div>
            </li>
          );
        })}
      </ol>
    </Page>
  );
}
