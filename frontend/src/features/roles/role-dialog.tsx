import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import type { Employee } from '@/api/employees';
import { changeRoles, type Role, type RoleHolder } from '@/api/roles';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Choices } from '@/ui/choices';
import { Dialog } from '@/ui/dialog';
import { useToast } from '@/ui/toast';
import { EmployeePicker } from './employee-picker';

const all: Role[] = ['organisation-administrator', 'user-administrator', 'rights-administrator', 'trusted-employee'];

interface RoleDialogProps {
  /** Undefined: closed. */
  editing: RoleHolder | 'new' | undefined;
  onClose: () => void;
}

/** Gives and takes the roles of one employee. */
export function RoleDialog({ editing, onClose }: RoleDialogProps) {
  const { t } = useTranslation();
  const heading = editing === undefined || editing === 'new' ? t('roleAdmin.give') : t('roleAdmin.changeOne', { name: editing.name });
  return (
    <Dialog open={editing !== undefined} onClose={onClose} heading={heading}>
      {editing !== undefined && <RoleForm holder={editing === 'new' ? undefined : editing} onClose={onClose} />}
    </Dialog>
  );
}

function RoleForm({ holder, onClose }: { holder: RoleHolder | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [employee, setEmployee] = useState<Employee>();
  const [missing, setMissing] = useState(false);
  const held: Role[] = holder?.roles ?? [];
  const [chosen, setChosen] = useState<string[]>(held);
  const id = holder?.id ?? employee?.id;
  const change = useMutation({
    mutationFn: (of: string) =>
      changeRoles(of, all.filter((role) => chosen.includes(role) && !held.includes(role)), held.filter((role) => !chosen.includes(role))),
    onSuccess: async (waiting) => {
      await Promise.all(['roles', 'approvals', 'session', 'employees'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      toast(waiting ? 'info' : 'success', waiting ? t('approvals.waits') : t('roleAdmin.changed'));
      onClose();
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    setMissing(id === undefined);
    if (id !== undefined && !change.isPending) change.mutate(id);
  };
  return (
    <form noValidate onSubmit={send}>
      {change.error !== null && (
        <Alert tone="error" live>
          {errorText(change.error)}
        </Alert>
      )}
      {holder === undefined && (
        <EmployeePicker id="role-employee" error={missing ? t('roleAdmin.picker.missing') : undefined} picked={employee} onPick={setEmployee} />
      )}
      <Choices
        id="roles"
        legend={t('roleAdmin.roles')}
        hint={t('roleAdmin.rolesHint')}
        options={all.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
        chosen={chosen}
        onChange={setChosen}
      />
      <div className="actions">
        <Button type="submit" variant="primary" pending={change.isPending}>
          {t('roleAdmin.save')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
