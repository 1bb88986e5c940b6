import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import type { Employee } from '@/api/employees';
import { nominate, successionQuery } from '@/api/roles';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { useToast } from '@/ui/toast';
import { EmployeePicker } from './employee-picker';

/** One administrator is too few; the page of roles says what to do. */
export function AloneWarning() {
  const { t } = useTranslation();
  const { data } = useQuery(successionQuery);
  if (data === undefined || data.administrators > 1) return null;
  return (
    <Alert tone="warning" heading={t('roleAdmin.alone.heading')}>
      <p className="alert-text">
        {t('roleAdmin.alone.text')} <Link to="/organisation/roles">{t('roleAdmin.alone.link')}</Link>
      </p>
    </Alert>
  );
}

/** Who follows when the only administrator is gone. */
export function SuccessionPanel({ assigns }: { assigns: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [naming, setNaming] = useState(false);
  const { data } = useQuery(successionQuery);
  const name = useMutation({
    mutationFn: nominate,
    onSuccess: (succession) => {
      queries.setQueryData(successionQuery.queryKey, succession);
      toast('success', t('roleAdmin.nominee.saved'));
      setNaming(false);
    },
  });
  if (data === undefined) return null;
  return (
    <>
      {data.administrators <= 1 && (
        <Alert tone="warning" heading={t('roleAdmin.alone.heading')}>
          {t('roleAdmin.alone.text')}
        </Alert>
      )}
      <section className="panel" aria-labelledby="nominee">
        <h2 id="nominee">{t('roleAdmin.nominee.title')}</h2>
        <p>{t('roleAdmin.nominee.lead')}</p>
        <p>
          {data.nominee === null
            ? t('roleAdmin.nominee.nobody')
            : t('roleAdmin.nominee.is', { name: data.nominee.name, date: date(data.nominee.named_at) })}
        </p>
        {assigns && (
          <div className="actions">
            <Button onClick={() => setNaming(true)}>{t('roleAdmin.nominee.name')}</Button>
            {data.nominee !== null && (
              <Button pending={name.isPending} onClick={() => name.mutate(null)}>
                {t('roleAdmin.nominee.remove')}
              </Button>
            )}
          </div>
        )}
      </section>
      <Dialog open={naming} onClose={() => setNaming(false)} heading={t('roleAdmin.nominee.name')}>
        <NameForm error={name.error} pending={name.isPending} onName={(id) => name.mutate(id)} onClose={() => setNaming(false)} />
      </Dialog>
    </>
  );
}

interface NameFormProps {
  error: unknown;
  pending: boolean;
  onName: (id: string) => void;
  onClose: () => void;
}

function NameForm({ error, pending, onName, onClose }: NameFormProps) {
  const { t } = useTranslation();
  const [employee, setEmployee] = useState<Employee>();
  const [missing, setMissing] = useState(false);
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    setMissing(employee === undefined);
    if (employee !== undefined && !pending) onName(employee.id);
  };
  return (
    <form noValidate onSubmit={send}>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <EmployeePicker id="nominee-employee" error={missing ? t('roleAdmin.picker.missing') : undefined} picked={employee} onPick={setEmployee} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={pending}>
          {t('roleAdmin.save')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
