import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Method, type ProfileDetails, renew, revoke, type RevokeReason } from '@/api/certificates';
import { errorText } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { OneTimeCode } from './one-time-code';

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

const reasons: RevokeReason[] = ['key_compromise', 'content_wrong', 'affiliation_changed', 'superseded', 'cessation_of_operation'];

/** Revokes one certificate for good. */
export function RevokeDialog({ serial, open, onClose }: { serial: string; open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [reason, setReason] = useState<RevokeReason>('superseded');
  const act = useMutation({
    mutationFn: () => revoke(serial, reason),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['certificates'] });
      toast('success', t('certificates.revoke.done'));
      onClose();
    },
  });
  return (
    <Dialog
      open={open}
      onClose={onClose}
      heading={t('certificates.revoke.heading')}
      actions={
        <>
          <Button variant="warning" pending={act.isPending} onClick={() => act.mutate()}>
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
      <SelectField id="revoke-reason" label={t('certificates.revoke.reason')} value={reason} onChange={(event) => setReason(event.target.value as RevokeReason)}>
        {reasons.map((one) => (
          <option key={one} value={one}>
            {t(`certificates.reasons.${one}`)}
          </option>
        ))}
      </SelectField>
    </Dialog>
  );
}
