import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { TextArea } from '@/ui/field';

interface ReasonDialogProps {
  open: boolean;
  onClose: () => void;
  heading: string;
  submit: string;
  error: unknown;
  pending: boolean;
  onReason: (reason: string) => void;
}

/** Turning something down, with a reason that is mailed to who asked. */
export function ReasonDialog({ open, onClose, heading, ...rest }: ReasonDialogProps) {
  return (
    <Dialog open={open} onClose={onClose} heading={heading}>
      <ReasonForm onClose={onClose} {...rest} />
    </Dialog>
  );
}

function ReasonForm({ onClose, submit, error, pending, onReason }: Omit<ReasonDialogProps, 'open' | 'heading'>) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const short = reason.trim().length < 10;
    setWrong(short);
    if (!short && !pending) onReason(reason.trim());
  };
  return (
    <form noValidate onSubmit={send}>
      {error !== null && error !== undefined && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextArea
        id="reason"
        label={t('roleAdmin.reason')}
        hint={t('roleAdmin.reasonHint')}
        rows={3}
        maxLength={500}
        error={wrong ? codeText('approval.reason.length') ?? t('roleAdmin.reasonHint') : undefined}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <div className="actions">
        <Button type="submit" variant="warning" pending={pending}>
          {submit}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
