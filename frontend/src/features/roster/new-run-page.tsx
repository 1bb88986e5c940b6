import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Controller, useForm, useWatch } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { runKey, type RunOptions, uploadRun } from '@/api/bulk';
import { errorText, ProblemError } from '@/api/client';
import { FindingTable } from '@/features/migration/findings';
import { formProblems, formText } from '@/form';
import { percent } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { Checkbox, TextField } from '@/ui/field';
import { FileField } from '@/ui/file-field';

const modes = ['upsert', 'full', 'suspend', 'delete'] as const;

const schema = z.object({
  file: z.instanceof(File, { error: 'form.export' }).refine((file) => file.size > 0, 'form.emptyFile'),
  mode: z.enum(modes),
  name: z.string().trim().max(200, 'form.nameLong'),
  invite: z.boolean(),
});
type Values = z.infer<typeof schema>;

const optionsOf = ({ file, mode, name, invite }: Values): RunOptions => ({
  mode,
  name: name === '' ? file.name : name,
  invite,
});

export function NewRunPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [sent, setSent] = useState(0);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (values: Values) => uploadRun(values.file, optionsOf(values), setSent),
    onMutate: () => setSent(0),
    onSuccess: (run) => {
      queries.setQueryData(runKey(run.id), run);
      void queries.invalidateQueries({ queryKey: ['bulk'], exact: true });
      void navigate({ to: '/employees/bulk/$id', params: { id: run.id } });
    },
  });
  const findings = error instanceof ProblemError ? error.findings : [];
  return (
    <Page title={t('bulk.new.title')} lead={t('bulk.new.lead')} parent={{ to: '/employees/bulk', title: t('bulk.title') }} narrow>
      {error !== null && (
        <>
          <Alert tone="error" heading={t('bulk.new.failed')} live>
            {errorText(error)}
          </Alert>
          {findings.length > 0 && <FindingTable findings={findings} caption={t('bulk.new.failed')} />}
        </>
      )}
      <UploadForm pending={isPending} onSubmit={(values) => !isPending && mutate(values)} />
      {isPending && (
        <div className="panel" role="status">
          <p>{sent < 1 ? t('bulk.new.sending', { share: percent(sent) }) : t('bulk.new.reading')}</p>
        </div>
      )}
      <Help />
    </Page>
  );
}

function UploadForm({ pending, onSubmit }: { pending: boolean; onSubmit: (values: Values) => void }) {
  const { t } = useTranslation();
  const form = useForm({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: { mode: 'upsert' as const, name: '', invite: true },
  });
  const mode = useWatch({ control: form.control, name: 'mode' });
  const { errors, submitCount } = form.formState;
  return (
    <form className="panel" noValidate onSubmit={(event) => void form.handleSubmit(onSubmit)(event)}>
      <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
      <fieldset className="form-group">
        <legend className="form-label">{t('bulk.new.mode')}</legend>
        {modes.map((one) => (
          <div key={one} className="form-group-radio">
            <input
              type="radio"
              id={`mode-${one}`}
              className="form-radio radio-large"
              value={one}
              aria-describedby={`mode-${one}-text`}
              {...form.register('mode')}
            />
            <label className="form-label" htmlFor={`mode-${one}`}>
              {t(`bulk.mode.${one}.name`)}
            </label>
            <p className="quiet small" id={`mode-${one}-text`}>
              {t(`bulk.mode.${one}.text`)}
            </p>
          </div>
        ))}
      </fieldset>
      <Controller
        control={form.control}
        name="file"
        render={({ field }) => (
          <FileField
            id="file"
            label={t('bulk.new.file')}
            hint={t('bulk.new.fileHint')}
            accept=".csv,.xlsx,text/csv"
            error={formText(errors.file)}
            file={field.value}
            onChange={field.onChange}
          />
        )}
      />
      <TextField id="name" label={t('bulk.new.name')} hint={t('bulk.new.nameHint')} optional error={formText(errors.name)} {...form.register('name')} />
      {(mode === 'upsert' || mode === 'full') && <Checkbox id="invite" label={t('bulk.new.invite')} {...form.register('invite')} />}
      <div className="actions">
        <Button type="submit" variant="primary" icon="upload" pending={pending}>
          {t('bulk.new.submit')}
        </Button>
      </div>
      <p className="quiet small">{t('bulk.new.nothingYet')}</p>
    </form>
  );
}

function Help() {
  const { t } = useTranslation();
  return (
    <div className="panel">
      <h2>{t('bulk.help.heading')}</h2>
      <p>{t('bulk.help.text')}</p>
      <ul>
        <li>{t('bulk.help.who')}</li>
        <li>{t('bulk.help.what')}</li>
        <li>{t('bulk.help.empty')}</li>
        <li>{t('bulk.help.export')}</li>
      </ul>
    </div>
  );
}
