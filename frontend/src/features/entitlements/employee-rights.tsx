import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { employeeRightsQuery, giveRight, type Holding } from '@/api/rights';
import { may, sessionQuery } from '@/api/session';
import { LoadError } from '@/frame/failure';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { useToast } from '@/ui/toast';
import { HoldingTable } from './holding-table';
import { RightForm } from './right-form';

/** The rights of one employee in business services, for who may see them. */
export function EmployeeRights({ employee }: { employee: string }) {
  const { data: session } = useQuery(sessionQuery);
  if (session === undefined || !may(session, 'entitlement.report')) return null;
  return <Panel employee={employee} assigns={may(session, 'entitlement.assign')} />;
}

function Panel({ employee, assigns }: { employee: string; assigns: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [adding, setAdding] = useState(false);
  const { data, error, refetch } = useQuery(employeeRightsQuery(employee));
  const give = useMutation({
    mutationFn: ({ reason: _, ...body }: Parameters<typeof giveRight>[1] & { reason: string }) => giveRight(employee, body),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      setAdding(false);
      toast('success', t('entitlements.given'));
    },
  });
  const takes = useCallback((one: Holding) => assigns && one.source === 'own', [assigns]);
  return (
    <section className="panel" aria-labelledby="rights">
      <h2 id="rights">{t('entitlements.employee.heading')}</h2>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.items.length === 0 && <p>{t('entitlements.employee.none')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <HoldingTable caption={t('entitlements.employee.heading')} holdings={data.items} takes={takes} />
      )}
      {assigns &&
        (adding ? (
          <RightForm id="give" submit={t('entitlements.give')} pending={give.isPending} error={give.error} onSubmit={give.mutate} />
        ) : (
          <div className="actions">
            <Button icon="plus" onClick={() => setAdding(true)}>
              {t('entitlements.give')}
            </Button>
          </div>
        ))}
    </section>
  );
}
