import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type EmployeeDetails, employeeKey } from '@/api/employees';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

/** Puts what an action answered where the page reads it. */
export function useEmployeeAction<V>(id: string, action: (values: V) => Promise<EmployeeDetails>, done: string) {
  const queries = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: action,
    onSuccess: (employee) => {
      queries.setQueryData(employeeKey(id), employee);
      void queries.invalidateQueries({ queryKey: ['employees', 'list'] });
      toast('success', done);
    },
  });
}

interface BlockDialogProps {
  id: string;
  /** The texts are employees.block.<what>.*. */
  what: 'codeCard' | 'suspend' | 'delete';
  name: string;
  open: boolean;
  onClose: () => void;
  block: (id: string, reason: string) => Promise<EmployeeDetails>;
}

export function BlockDialog({ id, what, name, open, onClose, block }: BlockDialogProps) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const action = useEmployeeAction(id, (why: string) => block(id, why), t(`employees.block.${what}.done`));
  const submit = () => {
    action.mutate(reason.trim(), { onSuccess: onClose });
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t(`employees.block.${what}.heading`, { name })}
      actions={
        <>
          <Button variant="warning" pending={action.isPending} onClick={submit}>
            {t(`employees.block.${what}.submit`)}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t(`employees.block.${what}.text`)}</p>
      {action.error !== null && (
        <Alert tone="error" live>
          {errorText(action.error)}
        </Alert>
      )}
      <TextField
        id={`reason-${what}`}
        label={t('employees.block.reason')}
        optional
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </Dialog>
  );
}
