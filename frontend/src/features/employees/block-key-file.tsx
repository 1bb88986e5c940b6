import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { blockKeyFile } from '@/api/employees';
import { noGrounds, ReasonFields, revocation } from '@/features/block/reason-fields';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { useEmployeeAction } from './block-dialog';

/** Blocks an employee's key file for good, on one of the grounds that a revocation list tells. */
export function BlockKeyFile({ id, name, open, onClose }: { id: string; name: string; open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [grounds, setGrounds] = useState(noGrounds);
  const [tried, setTried] = useState(false);
  const action = useEmployeeAction(id, (body: Schema['Revocation']) => blockKeyFile(id, body), t('employees.block.keyFile.done'));
  const submit = () => {
    const body = revocation(grounds);
    setTried(true);
    if (body !== undefined) action.mutate(body, { onSuccess: onClose });
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t('employees.block.keyFile.heading', { name })}
      actions={
        <>
          <Button variant="warning" pending={action.isPending} onClick={submit}>
            {t('employees.block.keyFile.submit')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('employees.block.keyFile.text')}</p>
      {action.error !== null && (
        <Alert tone="error" live>
          {errorText(action.error)}
        </Alert>
      )}
      <ReasonFields id="key-file" value={grounds} onChange={setGrounds} missing={tried} />
    </Dialog>
  );
}
