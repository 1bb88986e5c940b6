import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { organisationQuery, renewLink, showCode } from '@/api/operator';
import { errorText, isStatus } from '@/api/client';
import { dateTime, number } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { useToast } from '@/ui/toast';
import { share } from './organisations-page';

const route = getRouteApi('/console/operator/organisations/$id');

export function OrganisationPage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const queries = useQueryClient();
  const toast = useToast();
  const { data: o, error, refetch } = useQuery(organisationQuery(id));
  const code = useMutation({ mutationFn: () => showCode(id) });
  const renew = useMutation({
    mutationFn: () => renewLink(id),
    onSuccess: (now) => {
      queries.setQueryData(organisationQuery(id).queryKey, now);
      code.reset();
      toast('success', t('operator.renewed'));
    },
  });
  if (isStatus(error, 404)) return <NotFound />;
  const failed = renew.error ?? code.error;
  return (
    <Page title={o?.name ?? t('operator.organisation')} parent={{ to: '/operator', title: t('operator.pages.organisations') }} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {o === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {failed !== null && (
        <Alert tone="error" live>
          {errorText(failed)}
        </Alert>
      )}
      {o !== undefined && (
        <>
          <section className="panel" aria-labelledby="facts">
            <h2 id="facts">{t('operator.facts')}</h2>
            <dl className="facts">
              <dt>{t('onboarding.cvr')}</dt>
              <dd>{o.cvr}</dd>
              <dt>{t('onboarding.role.representative')}</dt>
              <dd>{o.representative === undefined ? '–' : `${o.representative}, ${o.representative_email ?? ''}`}</dd>
              <dt>{t('operator.employees')}</dt>
              <dd>
                {number(o.employees)} ({t('operator.activated')}: {share(o.activated, o.employees)})
              </dd>
              <dt>{t('operator.migration')}</dt>
              <dd>{share(o.rows_done, o.rows)}</dd>
              <dt>{t('operator.setUp')}</dt>
              <dd>{o.set_up === '' ? '–' : t(`operator.setUpState.${o.set_up}`)}</dd>
              {o.link_until && (
                <>
                  <dt>{t('operator.linkUntil')}</dt>
                  <dd>{dateTime(o.link_until)}</dd>
                </>
              )}
            </dl>
            <p className="quiet">{t('operator.noImpersonation')}</p>
          </section>
          {(o.set_up === 'pending' || o.set_up === 'expired') && (
            <section className="panel" aria-labelledby="link">
              <h2 id="link">{t('operator.setUp')}</h2>
              <p>{t('operator.codeText')}</p>
              {code.data !== undefined && (
                <p className="code" role="status">
                  {code.data.code}
                </p>
              )}
              <div className="actions">
                <Button icon="email" pending={renew.isPending} onClick={() => renew.mutate()}>
                  {t('operator.renew')}
                </Button>
                <Button icon="visibility" pending={code.isPending} onClick={() => code.mutate()}>
                  {t('onboarding.code.show')}
                </Button>
              </div>
            </section>
          )}
        </>
      )}
    </Page>
  );
}
