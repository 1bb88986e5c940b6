import { useMutation } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { findCertificates } from '@/api/certificates';
import { errorText } from '@/api/client';
import { date } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/field';
import { Icon } from '@/ui/icon';

/** Finds the certificate that encrypts mail to somebody, for anybody who knows the whole address. */
export function DirectoryPage() {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const find = useMutation({ mutationFn: findCertificates });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!find.isPending) find.mutate(email.trim());
  };
  return (
    <Page title={t('certificates.directory.title')} lead={t('certificates.directory.lead')} narrow>
      <form className="panel" noValidate onSubmit={submit}>
        {find.error !== null && (
          <Alert tone="warning" live>
            {errorText(find.error)}
          </Alert>
        )}
        <TextField
          id="email"
          type="email"
          label={t('certificates.directory.email')}
          hint={t('certificates.directory.hint')}
          autoComplete="off"
          spellCheck={false}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" variant="primary" pending={find.isPending}>
            {t('certificates.directory.submit')}
          </Button>
        </div>
      </form>
      <div role="status">
        {find.data?.items.map((one) => (
          <section key={one.serial} className="panel">
            <h2>{t('certificates.directory.until', { email: one.email, date: date(one.not_after) })}</h2>
            <p className="quiet break">{t('certificates.directory.serial', { serial: one.serial })}</p>
            <p>
              <a
                href={`data:application/pkix-cert;base64,${one.certificate}`}
                download={`${one.email}.cer`}
                aria-label={t('certificates.directory.fileOne', { serial: one.serial })}
              >
                <Icon name="download" /> {t('certificates.directory.file')}
              </a>
            </p>
          </section>
        ))}
      </div>
    </Page>
  );
}
