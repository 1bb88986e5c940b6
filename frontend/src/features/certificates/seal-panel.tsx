import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { allowSeal, forbidSeal, sealUsersQuery } from '@/api/certificates';
import { errorText } from '@/api/client';
import type { Employee } from '@/api/employees';
import { EmployeePicker } from '@/features/roles/employee-picker';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';

/** Who may use a seal; rights administrators decide. */
export function SealPanel({ id, manages }: { id: string; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(sealUsersQuery(id));
  const [picked, setPicked] = useState<Employee>();
  const refresh = () => queries.invalidateQueries({ queryKey: ['certificates', 'seal', id] });
  const allow = useMutation({
    mutationFn: (person: string) => allowSeal(id, person),
    onSuccess: async () => {
      setPicked(undefined);
      await refresh();
    },
  });
  const forbid = useMutation({ mutationFn: (person: string) => forbidSeal(id, person), onSuccess: refresh });
  const failure = allow.error ?? forbid.error;
  return (
    <section className="panel" aria-labelledby="seal">
      <h2 id="seal">{t('certificates.seal.title')}</h2>
      <p>{t('certificates.seal.text')}</p>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={2} />}
      {failure !== null && (
        <Alert tone="error" live>
          {errorText(failure)}
        </Alert>
      )}
      {data?.items.length === 0 && <p>{t('certificates.seal.nobody')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <ul>
          {data.items.map((one) => (
            <li key={one.id}>
              {one.name}{' '}
              {manages && (
                <Button variant="unstyled" icon="close" aria-label={t('certificates.seal.forbidOne', { name: one.name })} onClick={() => forbid.mutate(one.id)}>
                  {t('certificates.seal.forbid')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {manages && (
        <>
          <EmployeePicker id="seal-user" picked={picked} onPick={setPicked} />
          <Button icon="plus" pending={allow.isPending} disabled={picked === undefined} onClick={() => picked !== undefined && allow.mutate(picked.id)}>
            {t('certificates.seal.allow')}
          </Button>
        </>
      )}
    </section>
  );
}
