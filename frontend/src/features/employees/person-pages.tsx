import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { isStatus } from '@/api/client';
import { createEmployee, editEmployee, type EmployeeDetails, employeeKey, employeeQuery, type Person } from '@/api/employees';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Skeleton } from '@/ui/feedback';
import { useToast } from '@/ui/toast';
import { PersonForm } from './person-form';

interface Saving {
  person: Person;
  otherThan: string | undefined;
  invite: boolean;
}

/** Saves, and goes to the employee. */
function useSaving(save: (one: Saving) => Promise<EmployeeDetails>, done: string) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  return useMutation({
    mutationFn: save,
    onSuccess: async (employee) => {
      queries.setQueryData(employeeKey(employee.id), employee);
      void queries.invalidateQueries({ queryKey: ['employees', 'list'] });
      toast('success', done);
      await navigate({ to: '/employees/$id', params: { id: employee.id } });
    },
  });
}

export function NewEmployeePage() {
  const { t } = useTranslation();
  const saving = useSaving(
    ({ person, otherThan, invite }) => createEmployee({ person, invite, ...(otherThan !== undefined && { other_than: otherThan }) }),
    t('employees.form.created'),
  );
  return (
    <Page title={t('employees.form.newTitle')} lead={t('employees.form.newLead')} parent={{ to: '/employees', title: t('employees.title') }} narrow>
      <PersonForm
        pending={saving.isPending}
        error={saving.error}
        submit={t('employees.form.create')}
        onSubmit={(person, otherThan, invite) => saving.mutate({ person, otherThan, invite })}
      />
    </Page>
  );
}

const route = getRouteApi('/inside/employees/$id/edit');

export function EditEmployeePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(employeeQuery(id));
  const saving = useSaving(
    ({ person, otherThan }) => editEmployee(id, { person, version: data?.version ?? 0, ...(otherThan !== undefined && { other_than: otherThan }) }),
    t('employees.form.saved'),
  );
  if (isStatus(error, 404)) return <NotFound />;
  return (
    <Page title={t('employees.form.editTitle')} parent={{ to: '/employees', title: t('employees.title') }} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && (
        <PersonForm
          employee={data}
          pending={saving.isPending}
          error={saving.error}
          submit={t('employees.form.save')}
          onSubmit={(person, otherThan, invite) => saving.mutate({ person, otherThan, invite })}
        />
      )}
    </Page>
  );
}
