import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type EmployeeDetails, reissueActivation, showInstallationCode } from '@/api/employees';
import { errorText } from '@/api/client';
import { dateTime } from '@/format';
import { Alert, type Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { Dialog } from '@/ui/dialog';
import { useEmployeeAction } from './block-dialog';

type Activation = NonNullable<EmployeeDetails['activation']>;

const tones: Record<Activation['state'], Tone | undefined> = {
  open: 'info',
  used: 'success',
  locked: 'error',
  expired: 'warning',
  replaced: undefined,
};

/** The invitation: link by mail, installation code by another way. */
export function InvitationPanel({ employee, manages }: { employee: EmployeeDetails; manages: boolean }) {
  const { t } = useTranslation();
  const { activation } = employee;
  if (activation === null) return null;
  return (
    <section className="panel" aria-labelledby="invitation">
      <div className="panel-top">
        <h2 id="invitation">{t('employees.invitation.heading')}</h2>
        <Badge tone={tones[activation.state]}>{t(`employees.invitation.${activation.state}`)}</Badge>
      </div>
      <dl className="facts">
        <dt>{t('employees.invitation.expires')}</dt>
        <dd>{dateTime(activation.expires_at)}</dd>
        <dt>{t('employees.invitation.mail')}</dt>
        <dd>{t(`employees.mail.${activation.mail}`)}</dd>
        {activation.state === 'open' && (
          <>
            <dt>{t('employees.invitation.tries')}</dt>
            <dd>{activation.tries_left}</dd>
          </>
        )}
      </dl>
      {activation.mail_error !== undefined && activation.mail_error !== '' && (
        <Alert tone="warning" heading={t('employees.invitation.mailFailed')}>
          {activation.mail_error}
        </Alert>
      )}
      {manages && <Actions employee={employee} activation={activation} />}
    </section>
  );
}

function Actions({ employee, activation }: { employee: EmployeeDetails; activation: Activation }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const code = useMutation({ mutationFn: () => showInstallationCode(employee.id), gcTime: 0 });
  const reissue = useEmployeeAction(employee.id, () => reissueActivation(employee.id), t('employees.invitation.reissued'));
  const again = () => {
    reissue.mutate(undefined, {
      onSuccess: () => code.reset(),
      onSettled: () => setAsking(false),
    });
  };
  const error = code.error ?? reissue.error;
  return (
    <>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {code.data !== undefined && (
        <div role="status">
          <p>{t('employees.invitation.codeText')}</p>
          <div className="actions">
            <span className="revealed code">{code.data.code}</span>
            <CopyButton text={code.data.code} what={t('employees.invitation.code')} />
            <Button icon="visibility-off" onClick={() => code.reset()}>
              {t('employees.invitation.hideCode')}
            </Button>
          </div>
        </div>
      )}
      <div className="actions">
        {activation.state === 'open' && code.data === undefined && (
          <Button icon="visibility" pending={code.isPending} onClick={() => code.mutate()}>
            {t('employees.invitation.showCode')}
          </Button>
        )}
        {employee.key_file !== 'active' && employee.state === 'active' && (
          <Button icon="email" onClick={() => setAsking(true)}>
            {t('employees.invitation.reissue')}
          </Button>
        )}
      </div>
      {activation.state === 'open' && <p className="quiet small">{t('employees.invitation.audited')}</p>}
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('employees.invitation.reissueHeading')}
        actions={
          <>
            <Button variant="primary" pending={reissue.isPending} onClick={again}>
              {t('employees.invitation.reissueSubmit')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('employees.invitation.reissueText', { email: employee.email })}</p>
      </Dialog>
    </>
  );
}
