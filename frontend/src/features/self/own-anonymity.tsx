import { useMutation } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { askAnonymity } from '@/api/self';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextArea } from '@/ui/field';

/** Asking that services see the UUID in place of the name. */
export function OwnAnonymity({ anonymous }: { anonymous: boolean }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const ask = useMutation({ mutationFn: askAnonymity, onSuccess: () => setReason('') });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const short = reason.trim().length < 10;
    setWrong(short);
    if (!short && !ask.isPending) ask.mutate(reason.trim());
  };
  return (
    <section className="panel" aria-labelledby="anonymity">
      <h2 id="anonymity">{t('self.anonymity.heading')}</h2>
      <p>{t(anonymous ? 'self.anonymity.is' : 'self.anonymity.text')}</p>
      {ask.isSuccess && (
        <Alert tone="success" live>
          {t('self.anonymity.sent')}
        </Alert>
      )}
      {!anonymous && !ask.isSuccess && (
        <details>
          <summary>{t('self.anonymity.ask')}</summary>
          <form noValidate onSubmit={send}>
            {ask.error !== null && (
              <Alert tone="error" live>
                {errorText(ask.error)}
              </Alert>
            )}
            <TextArea
              id="anonymity-reason"
              label={t('self.anonymity.reason')}
              hint={t('roleAdmin.reasonHint')}
              rows={3}
              maxLength={500}
              error={wrong ? codeText('org.request.reason') ?? t('roleAdmin.reasonHint') : undefined}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            <div className="actions">
              <Button type="submit" variant="primary" pending={ask.isPending}>
                {t('self.anonymity.send')}
              </Button>
            </div>
          </form>
        </details>
      )}
    </section>
  );
}
