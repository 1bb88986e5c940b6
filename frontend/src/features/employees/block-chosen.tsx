import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { blockKeyFiles } from '@/api/employees';
import { noGrounds, type Reason, ReasonFields } from '@/features/block/reason-fields';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';

export interface Blocked {
  outcome: 'blocked' | 'waits';
  count: number;
}

interface Props {
  chosen: string[];
  onClose: () => void;
  onDone: (done: Blocked) => void;
}

/** Blocks the key files of those chosen, all or none: first it says how many have one. */
export function BlockChosen({ chosen, onClose, onDone }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [grounds, setGrounds] = useState(noGrounds);
  const [tried, setTried] = useState(false);
  const dry = useQuery({
    queryKey: ['employees', 'block', chosen],
    queryFn: () => blockKeyFiles({ ids: chosen, reason: 'unspecified', dry_run: true }),
    staleTime: 0,
  });
  const found = dry.data !== undefined && 'blocked' in dry.data ? dry.data : undefined;
  const act = useMutation({
    mutationFn: (reason: Reason) => blockKeyFiles({ ids: chosen, reason }),
    onSuccess: (answer) => {
      onDone('blocked' in answer ? { outcome: 'blocked', count: answer.blocked.length } : { outcome: 'waits', count: chosen.length });
      void queries.invalidateQueries({ queryKey: ['employees', 'list'] });
    },
  });
  const submit = () => {
    setTried(true);
    if (grounds.reason !== '') act.mutate(grounds.reason);
  };
  const none = found !== undefined && found.blocked.length === 0;
  const error = act.error ?? dry.error;
  return (
    <Dialog
      open
      onClose={onClose}
      heading={t('employees.blockChosen.heading', { count: chosen.length })}
      actions={
        <>
          {found !== undefined && !none && (
            <Button variant="warning" pending={act.isPending} onClick={submit}>
              {t('employees.blockChosen.submit', { count: found.blocked.length })}
            </Button>
          )}
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      {dry.isPending && <Skeleton label={t('ui.loading')} lines={2} />}
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {found !== undefined && (
        <>
          <p>{none ? t('employees.blockChosen.none') : t('employees.blockChosen.text', { count: found.blocked.length })}</p>
          {!none && found.without.length > 0 && <p>{t('employees.blockChosen.without', { count: found.without.length })}</p>}
          {!none && <ReasonFields id="block-chosen" value={grounds} onChange={setGrounds} missing={tried} noted={false} />}
        </>
      )}
    </Dialog>
  );
}
