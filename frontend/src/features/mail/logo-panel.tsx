import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { logoQuery, logoUrl, removeLogo, setLogo } from '@/api/mail';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { FileField } from '@/ui/file-field';
import { useToast } from '@/ui/toast';

/** The picture at the top of every mail of the organisation. */
export function LogoPanel({ changes }: { changes: boolean }) {
  const { t } = useTranslation();
  const toast = useToast();
  const queries = useQueryClient();
  const { data: present, dataUpdatedAt } = useQuery(logoQuery);
  const [picture, setPicture] = useState<File>();
  const [asking, setAsking] = useState(false);
  const done = async (text: string) => {
    await queries.invalidateQueries({ queryKey: logoQuery.queryKey });
    toast('success', text);
  };
  const set = useMutation({
    mutationFn: setLogo,
    onSuccess: async () => {
      setPicture(undefined);
      await done(t('mailTemplates.logo.saved'));
    },
  });
  const remove = useMutation({
    mutationFn: removeLogo,
    onSuccess: async () => {
      setAsking(false);
      await done(t('mailTemplates.logo.removed'));
    },
  });
  return (
    <section className="panel" aria-labelledby="logo">
      <h2 id="logo">{t('mailTemplates.logo.heading')}</h2>
      <p className="quiet">{t('mailTemplates.logo.text')}</p>
      {present === true && (
        <p className="mail-logo">
          <img src={logoUrl(dataUpdatedAt)} alt={t('mailTemplates.logo.alt')} />
        </p>
      )}
      {present === false && <p>{t('mailTemplates.logo.none')}</p>}
      {changes && (
        <>
          <FileField
            id="logo-file"
            label={t('mailTemplates.logo.file')}
            hint={t('mailTemplates.logo.hint')}
            accept="image/png,image/jpeg"
            error={set.error === null ? undefined : errorText(set.error)}
            file={picture}
            onChange={(file) => {
              set.reset();
              setPicture(file);
            }}
          />
          <div className="actions">
            {picture !== undefined && (
              <Button variant="primary" icon="upload" pending={set.isPending} onClick={() => set.mutate(picture)}>
                {t('mailTemplates.logo.use')}
              </Button>
            )}
            {present === true && (
              <Button icon="delete" onClick={() => setAsking(true)}>
                {t('mailTemplates.logo.remove')}
              </Button>
            )}
          </div>
        </>
      )}
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        heading={t('mailTemplates.logo.sure')}
        actions={
          <>
            <Button variant="warning" pending={remove.isPending} onClick={() => remove.mutate()}>
              {t('mailTemplates.logo.remove')}
            </Button>
            <Button onClick={() => setAsking(false)}>{t('ui.cancel')}</Button>
          </>
        }
      >
        <p>{t('mailTemplates.logo.sureText')}</p>
        {remove.error !== null && (
          <Alert tone="error" live>
            {errorText(remove.error)}
          </Alert>
        )}
      </Dialog>
    </section>
  );
}
