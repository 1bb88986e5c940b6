import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import type { Employee } from '@/api/employees';
import { attach, attachedQuery, detach, type Power } from '@/api/powers';
import { EmployeePicker } from '@/features/roles/employee-picker';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { useToast } from '@/ui/toast';

/** The own employees who may use a power of attorney received. */
export function AttachedPanel({ power, may }: { power: Power; may: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [employee, setEmployee] = useState<Employee>();
  const [missing, setMissing] = useState(false);
  const { data } = useQuery(attachedQuery(power.id));
  const settled = async (text: string) => {
    setEmployee(undefined);
    await Promise.all(['powers', 'rights'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    toast('success', text);
  };
  const add = useMutation({ mutationFn: (id: string) => attach(power.id, id), onSuccess: () => settled(t('attorney.attachedNow')) });
  const remove = useMutation({ mutationFn: (id: string) => detach(power.id, id), onSuccess: () => settled(t('attorney.detachedNow')) });
  const error = add.error ?? remove.error;
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    setMissing(employee === undefined);
    if (employee !== undefined && !add.isPending) add.mutate(employee.id);
  };
  return (
    <>
      <h3>{t('attorney.employees')}</h3>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data !== undefined && data.items.length === 0 && <p className="quiet">{t('attorney.nobody')}</p>}
      {data !== undefined && data.items.length > 0 && (
        <ul>
          {data.items.map((one) => (
            <li key={one.id}>
              {one.name}{' '}
              {may && (
                <Button
                  variant="unstyled"
                  icon="close"
                  pending={remove.isPending && remove.variables === one.id}
                  aria-label={t('attorney.detachOne', { name: one.name })}
                  onClick={() => remove.mutate(one.id)}
                >
                  {t('attorney.detach')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {may && power.person === '' && (
        <details>
          <summary>{t('attorney.attach')}</summary>
          <form noValidate onSubmit={send}>
            <EmployeePicker
              id={`attach-${power.id}`}
              error={missing ? t('roleAdmin.picker.missing') : undefined}
              picked={employee}
              onPick={setEmployee}
            />
            <div className="actions">
              <Button type="submit" variant="primary" pending={add.isPending}>
                {t('attorney.attach')}
              </Button>
            </div>
          </form>
        </details>
      )}
    </>
  );
}
