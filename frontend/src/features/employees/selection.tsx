import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { actOnInvitations, type Narrowing } from '@/api/employees';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { BlockChosen, type Blocked } from './block-chosen';

interface SelectionProps {
  chosen: string[];
  onClear: () => void;
  q: string;
  narrowing: Narrowing;
}

/** Resends or extends the invitations of those chosen, or of all whom the search
 * finds; blocks the key files of those chosen. */
export function Selection({ chosen, onClear, q, narrowing }: SelectionProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<'resend' | 'extend'>();
  const [blocking, setBlocking] = useState(false);
  const [blocked, setBlocked] = useState<Blocked>();
  const all = chosen.length === 0;
  const action = useMutation({
    mutationFn: (act: 'resend' | 'extend') => {
      if (!all) return actOnInvitations({ act, ids: chosen });
      const { anonymous, administrator, sort: _, ...rest } = narrowing;
      const filter = Object.fromEntries(Object.entries({ ...rest, q }).filter(([, value]) => value !== undefined && value !== ''));
      return actOnInvitations({ act, filter: { ...filter, anonymous: anonymous === 'true', administrator: administrator === 'true' } });
    },
    onSuccess: () => {
      onClear();
      void queries.invalidateQueries({ queryKey: ['employees', 'list'] });
    },
    onSettled: () => setAsking(undefined),
  });
  const result = action.data;
  return (
    <section className="selection" aria-label={t('employees.select.heading')}>
      <div className="actions">
        {(['resend', 'extend'] as const).map((act) => (
          <Button key={act} icon={act === 'resend' ? 'email' : 'time'} onClick={() => setAsking(act)}>
            {t(`employees.select.${act}${all ? 'All' : ''}`, { count: chosen.length })}
          </Button>
        ))}
        {!all && (
          <>
            <Button icon="lock" onClick={() => setBlocking(true)}>
              {t('employees.select.block', { count: chosen.length })}
            </Button>
            <Button variant="tertiary" onClick={onClear}>
              {t('employees.select.clear')}
            </Button>
          </>
        )}
      </div>
      {action.error !== null && (
        <Alert tone="error" live>
          {errorText(action.error)}
        </Alert>
      )}
      {result !== undefined && (
        <Alert tone={result.refused.length > 0 ? 'warning' : 'success'} live>
          <p>{result.done + result.refused.length === 0 ? t('employees.select.working') : t('employees.select.done', { count: result.done })}</p>
          {result.refused.length > 0 && (
            <ul>
              {[...new Set(result.refused.map((one) => one.code))].map((code) => (
                <li key={code}>
                  {result.refused.filter((one) => one.code === code).length} × {codeText(code) ?? code}
                </li>
              ))}
            </ul>
          )}
        </Alert>
      )}
      {blocked !== undefined && (
        <Alert tone={blocked.outcome === 'blocked' ? 'success' : 'info'} live>
          {t(`employees.blockChosen.${blocked.outcome}`, { count: blocked.count })}
        </Alert>
      )}
      {blocking && (
        <BlockChosen
          chosen={chosen}
          onClose={() => setBlocking(false)}
          onDone={(done) => {
            setBlocking(false);
            setBlocked(done);
            onClear();
          }}
        />
      )}
      <Dialog
        open={asking !== undefined}
        onClose={() => setAsking(undefined)}
        heading={t(`employees.select.${asking ?? 'resend'}Heading`)}
        actions={
          <>
            <Button variant="primary" pending={action.isPending} onClick={() => asking !== undefined && action.mutate(asking)}>
              {t(`employees.select.${asking ?? 'resend'}Submit`)}
            </Button>
            <Button onClick={() => setAsking(undefined)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{all ? t('employees.select.allText') : t('employees.select.someText', { count: chosen.length })}</p>
        <p>{t(`employees.select.${asking ?? 'resend'}Text`)}</p>
      </Dialog>
    </section>
  );
}
