import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { logoQuery, logoUrl, removeLogo, setLogo } from '@/api/mail';
import { AskFirst } from '@/frame/ask-first';
import { Button } from '@/ui/button';
import { FileField } from '@/ui/file-field';
import { useToast } from '@/ui/toast';

/** The picture at the top of every mail of the organisation. */
export function LogoPanel({ changes }: { changes: boolean }) {
  const { t } = useTranslation();
  const toast = useToast();
  const queries = useQueryClient();
  const { data: present, dataUpdatedAt } = useQuery(logoQuery);
  const [picture, setPicture] = useState<File>();
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
  const remove = async () => {
    await removeLogo();
    await done(t('mailTemplates.logo.removed'));
  };
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
              <AskFirst icon="delete" label={t('mailTemplates.logo.remove')} heading={t('mailTemplates.logo.sure')} act={remove} variant="secondary">
                {t('mailTemplates.logo.sureText')}
              </AskFirst>
            )}
          </div>
        </>
      )}
    </section>
  );
}
