import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { type MailTemplate, previewOf, resetWording, reword, templatesQuery, testMail } from '@/api/mail';
import { may, sessionQuery } from '@/api/session';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { SelectField, TextArea, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { LogoPanel } from './logo-panel';

const nameOf = ({ kind, lang }: MailTemplate): string => `${kind}.${lang}`;

/** The words of the organisation's mails. */
export function TemplatesPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(templatesQuery);
  const { data: session } = useQuery(sessionQuery);
  const changes = session !== undefined && may(session, 'setting.change');
  const [chosen, setChosen] = useState<string>();
  const items = data?.items ?? [];
  const template = items.find((one) => nameOf(one) === chosen) ?? items[0];
  return (
    <Page title={t('mailTemplates.title')} lead={t('mailTemplates.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={10} />}
      {template !== undefined && (
        <>
          <SelectField
            id="template"
            label={t('mailTemplates.choose')}
            value={nameOf(template)}
            onChange={(event) => setChosen(event.target.value)}
          >
            {items.map((one) => (
              <option key={nameOf(one)} value={nameOf(one)}>
                {one.subject} ({one.lang})
              </option>
            ))}
          </SelectField>
          <Editor
            key={`${nameOf(template)} ${template.own}`}
            template={template}
            changes={changes}
          />
          <LogoPanel changes={changes} />
        </>
      )}
    </Page>
  );
}

function Editor({ template, changes }: { template: MailTemplate; changes: boolean }) {
  const { t } = useTranslation();
  const toast = useToast();
  const queries = useQueryClient();
  const [subject, setSubject] = useState(template.subject);
  const [body, setBody] = useState(template.body);
  const { kind, lang } = template;
  const words = { kind, lang, subject, body };
  const done = (text: string) => {
    toast('success', text);
    void queries.invalidateQueries({ queryKey: ['mail-templates'] });
  };
  const preview = useMutation({ mutationFn: () => previewOf(words) });
  const save = useMutation({ mutationFn: () => reword(words), onSuccess: () => done(t('mailTemplates.saved')) });
  const reset = useMutation({ mutationFn: () => resetWording({ kind, lang }), onSuccess: () => done(t('mailTemplates.wasReset')) });
  const test = useMutation({ mutationFn: () => testMail({ kind, lang }), onSuccess: () => done(t('mailTemplates.tested')) });
  const problem = save.error ?? preview.error ?? reset.error ?? test.error;
  const errorOf = (field: string) => (problem instanceof ProblemError && problem.field === field ? errorText(problem) : undefined);
  return (
    <section className="panel" aria-label={template.subject}>
      <p className="quiet">{t(template.own ? 'mailTemplates.own' : 'mailTemplates.ours')}</p>
      <TextField
        id="subject"
        label={t('mailTemplates.subject')}
        error={errorOf('subject')}
        readOnly={!changes}
        value={subject}
        onChange={(event) => setSubject(event.target.value)}
      />
      <TextArea
        id="body"
        label={t('mailTemplates.body')}
        hint={t('mailTemplates.variables', { list: template.variables.map((one) => `{{${one}}}`).join(' ') })}
        error={errorOf('body')}
        rows={18}
        readOnly={!changes}
        value={body}
        onChange={(event) => setBody(event.target.value)}
      />
      {problem !== null && (
        <Alert tone="error" live>
          {errorText(problem)}
        </Alert>
      )}
      <div className="actions">
        {changes && (
          <Button variant="primary" icon="save" pending={save.isPending} onClick={() => save.mutate()}>
            {t('settings.save')}
          </Button>
        )}
        <Button icon="visibility" pending={preview.isPending} onClick={() => preview.mutate()}>
          {t('mailTemplates.preview')}
        </Button>
        {changes && (
          <Button icon="email" pending={test.isPending} onClick={() => test.mutate()}>
            {t('mailTemplates.test')}
          </Button>
        )}
        {changes && template.own && (
          <Button icon="refresh" pending={reset.isPending} onClick={() => reset.mutate()}>
            {t('mailTemplates.reset')}
          </Button>
        )}
      </div>
      {preview.data !== undefined && (
        <div className="mail-preview" role="region" aria-label={t('mailTemplates.preview')}>
          <h2>{preview.data.subject}</h2>
          <p className="notice-text">{preview.data.body}</p>
        </div>
      )}
    </section>
  );
}
