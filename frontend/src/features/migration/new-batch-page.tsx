import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Controller, useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { batchKey, type BatchOptions, uploadBatch } from '@/api/batches';
import { errorText, ProblemError } from '@/api/client';
import { formProblems, formText } from '@/form';
import { danishInstant, percent } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { ErrorSummary } from '@/ui/error-summary';
import { Checkbox, TextField } from '@/ui/field';
import { FileField } from '@/ui/file-field';
import { FindingTable } from './findings';

const typedDate = z.object({ day: z.string(), month: z.string(), year: z.string() });
type TypedDate = z.infer<typeof typedDate>;

const isEmpty = (typed: TypedDate): boolean => `${typed.day}${typed.month}${typed.year}`.trim() === '';

/** A deadline counts to the end of its day. */
const endOf = (typed: TypedDate): Date | undefined => danishInstant(typed, 23, 59);

const schema = z.object({
  file: z.instanceof(File, { error: 'form.export' }).refine((file) => file.size > 0, 'form.emptyFile'),
  name: z.string().trim().max(200, 'form.nameLong'),
  deadline: typedDate
    .refine((typed) => isEmpty(typed) || endOf(typed) !== undefined, 'form.date')
    .refine((typed) => isEmpty(typed) || (endOf(typed)?.getTime() ?? Infinity) > Date.now(), 'form.datePast'),
  quietLocal: z.boolean(),
  parallelDays: z.string().trim().regex(/^(\d{1,4})?$/, 'form.days').refine((typed) => Number(typed) <= 3650, 'form.days'),
});
type Values = z.infer<typeof schema>;

function optionsOf({ file, name, deadline, parallelDays, quietLocal }: Values): BatchOptions {
  return {
    name: name === '' ? file.name : name,
    deadline: isEmpty(deadline) ? null : (endOf(deadline)?.toISOString() ?? null),
    parallel_days: parallelDays === '' ? null : Number(parallelDays),
    quiet_local: quietLocal,
  };
}

export function NewBatchPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [sent, setSent] = useState(0);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (values: Values) => uploadBatch(values.file, optionsOf(values), setSent),
    onMutate: () => setSent(0),
    onSuccess: (batch) => {
      const id = batch.id ?? '';
      queries.setQueryData(batchKey(id), batch);
      void queries.invalidateQueries({ queryKey: ['batches'], exact: true });
      void navigate({ to: '/migration/$id', params: { id } });
    },
  });
  return (
    <Page
      title={t('migration.new.title')}
      lead={t('migration.new.lead')}
      parent={{ to: '/migration', title: t('migration.title') }}
      narrow
    >
      {error !== null && <UploadError error={error} />}
      <UploadForm pending={isPending} onSubmit={(values) => !isPending && mutate(values)} />
      {isPending && <UploadProgress sent={sent} />}
      <Help />
    </Page>
  );
}

function UploadForm({ pending, onSubmit }: { pending: boolean; onSubmit: (values: Values) => void }) {
  const { t } = useTranslation();
  const form = useForm({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: { name: '', deadline: noDate, parallelDays: '', quietLocal: false },
  });
  const { errors, submitCount } = form.formState;
  return (
    <form className="panel" noValidate onSubmit={(event) => void form.handleSubmit(onSubmit)(event)}>
      <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
      <Controller
        control={form.control}
        name="file"
        render={({ field }) => (
          <FileField
            id="file"
            label={t('migration.new.file')}
            hint={t('migration.new.fileHint')}
            accept=".csv,.xlsx,text/csv"
            error={formText(errors.file)}
            file={field.value}
            onChange={field.onChange}
          />
        )}
      />
      <TextField
        id="name"
        label={t('migration.new.name')}
        hint={t('migration.new.nameHint')}
        optional
        error={formText(errors.name)}
        {...form.register('name')}
      />
      <Controller
        control={form.control}
        name="deadline"
        render={({ field }) => (
          <DateField
            id="deadline"
            label={t('migration.new.deadline')}
            hint={t('migration.new.deadlineHint')}
            optional
            error={formText(errors.deadline)}
            value={field.value}
            onChange={field.onChange}
          />
        )}
      />
      <TextField
        id="parallelDays"
        className="input-width-xxs"
        inputMode="numeric"
        label={t('migration.new.parallel')}
        hint={t('migration.new.parallelHint')}
        optional
        error={formText(errors.parallelDays)}
        {...form.register('parallelDays')}
      />
      <Checkbox id="quietLocal" label={t('migration.new.quietLocal')} {...form.register('quietLocal')} />
      <div className="actions">
        <Button type="submit" variant="primary" icon="upload" pending={pending}>
          {t('migration.new.submit')}
        </Button>
      </div>
      <p className="quiet small">{t('migration.new.nothingYet')}</p>
    </form>
  );
}

function UploadProgress({ sent }: { sent: number }) {
  const { t } = useTranslation();
  return (
    <div className="panel" role="status">
      <p>{sent < 1 ? t('migration.new.sending', { share: percent(sent) }) : t('migration.new.reading')}</p>
      <svg className="bar state-activated" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
        <rect width={sent * 100} height="10" />
      </svg>
    </div>
  );
}

function UploadError({ error }: { error: Error }) {
  const { t } = useTranslation();
  const findings = error instanceof ProblemError ? error.findings : [];
  return (
    <>
      <Alert tone="error" heading={t('migration.new.failed')} live>
        {errorText(error)}
      </Alert>
      {findings.length > 0 && <FindingTable findings={findings} caption={t('migration.new.failed')} />}
    </>
  );
}

function Help() {
  const { t } = useTranslation();
  return (
    <div className="panel">
      <h2>{t('migration.new.help.heading')}</h2>
      <p>{t('migration.new.help.text')}</p>
      <ul>
        <li>{t('migration.new.help.required')}</li>
        <li>{t('migration.new.help.optional')}</li>
        <li>{t('migration.new.help.rid')}</li>
        <li>{t('migration.new.help.duties')}</li>
      </ul>
    </div>
  );
}
