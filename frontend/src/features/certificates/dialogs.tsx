import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Method, type ProfileDetails, recode, renew, revoke } from '@/api/certificates';
import { errorText, type Schema } from '@/api/client';
import { noGrounds, ReasonFields, revocation } from '@/features/block/reason-fields';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { OneTimeCode } from './one-time-code';
import { RevocationCode } from './revocation-code';

interface RenewProps {
  profile: ProfileDetails;
  open: boolean;
  onClose: () => void;
}

/** Orders the next certificate; a one-time code is shown before the dialog goes. */
export function RenewDialog({ profile, open, onClose }: RenewProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [method, setMethod] = useState<Method>('upload');
  const refresh = () => queries.invalidateQueries({ queryKey: ['certificates'] });
  const order = useMutation({
    mutationFn: () => renew(profile.id, method),
    onSuccess: async (placed) => {
      if (placed.code !== '') return; // first it is read
      await refresh();
      toast('success', t('certificates.renew.done'));
      onClose();
    },
  });
  const close = () => {
    onClose();
    if (order.data !== undefined) void refresh();
    order.reset();
  };
  const placed = order.data;
  return (
    <Dialog
      open={open}
      onClose={close}
      heading={t('certificates.renew.heading', { name: profile.name })}
      actions={
        placed === undefined ? (
          <>
            <Button variant="primary" pending={order.isPending} onClick={() => order.mutate()}>
              {t('certificates.renew.submit')}
            </Button>
            <Button onClick={close}>{t('ui.cancel')}</Button>
          </>
        ) : (
          <Button variant="primary" onClick={close}>
            {t('certificates.code.read')}
          </Button>
        )
      }
    >
      {order.error !== null && (
        <Alert tone="error" live>
          {errorText(order.error)}
        </Alert>
      )}
      {placed === undefined ? (
        <>
          <p>{t('certificates.renew.text')}</p>
          <SelectField id="renew-method" label={t('certificates.method')} value={method} onChange={(event) => setMethod(event.target.value as Method)}>
            <option value="upload">{t('certificates.methods.upload')}</option>
            <option value="code">{t('certificates.methods.code')}</option>
          </SelectField>
        </>
      ) : (
        <OneTimeCode code={placed.code} reference={placed.order.id} />
      )}
    </Dialog>
  );
}

/** Revokes one certificate for good. */
export function RevokeDialog({ serial, open, onClose }: { serial: string; open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [grounds, setGrounds] = useState(noGrounds);
  const [tried, setTried] = useState(false);
  const act = useMutation({
    mutationFn: (why: Schema['Revocation']) => revoke(serial, why),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['certificates'] });
      toast('success', t('certificates.revoke.done'));
      onClose();
    },
  });
  const submit = () => {
    const why = revocation(grounds);
    setTried(true);
    if (why !== undefined) act.mutate(why);
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t('certificates.revoke.heading')}
      actions={
        <>
          <Button variant="warning" pending={act.isPending} onClick={submit}>
            {t('certificates.revoke.submit')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('certificates.revoke.text')}</p>
      <p className="code break">{serial}</p>
      {act.error !== null && (
        <Alert tone="error" live>
          {errorText(act.error)}
        </Alert>
      )}
      <ReasonFields id="revoke" value={grounds} onChange={setGrounds} missing={tried} />
    </Dialog>
  );
}

interface RecodeProps {
  serial: string;
  open: boolean;
  onClose: () => void;
  /** Asks for the code: of a profile's certificate, unless told otherwise. */
  make?: (serial: string) => ReturnType<typeof recode>;
}

/** Makes a new revocation code, and shows it this once. */
export function RecodeDialog({ serial, open, onClose, make = recode }: RecodeProps) {
  const { t } = useTranslation();
  const act = useMutation({ mutationFn: () => make(serial) });
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t('certificates.recode.heading')}
      actions={
        act.data === undefined ? (
          <>
            <Button variant="primary" pending={act.isPending} onClick={() => act.mutate()}>
              {t('certificates.recode.submit')}
            </Button>
            <Button onClick={onClose}>{t('ui.cancel')}</Button>
          </>
        ) : (
          <Button variant="primary" onClick={onClose}>
            {t('certificates.code.read')}
          </Button>
        )
      }
    >
      {act.error !== null && (
        <Alert tone="error" live>
          {errorText(act.error)}
        </Alert>
      )}
      {act.data === undefined ? <p>{t('certificates.recode.text')}</p> : <RevocationCode code={act.data.revocation_code} serial={serial} />}
    </Dialog>
  );
}
