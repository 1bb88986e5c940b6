import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useForm, useWatch } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { answer, client, errorText, type Schema } from '@/api/client';
import { formProblems, formText } from '@/form';
import { dateTime } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { SelectField, TextField } from '@/ui/field';
import { reasons } from './reason-fields';

const codeLength = 16;

// Every mistake at once: what depends on two fields is also checked when others are wrong.
const when = () => true;

const schema = z
  .object({
    by: z.enum(['serial', 'rid']),
    serial: z.string().max(100),
    cvr: z.string().max(20),
    rid: z.string().max(100),
    code: z.string().refine((typed) => typed.replace(/[\s-]/g, '').length === codeLength, 'form.revocationCode'),
    reason: z.enum(reasons, { error: 'form.blockReason' }),
  })
  .refine(({ by, serial }) => by !== 'serial' || /^[0-9a-f]+$/i.test(serial.replace(/[\s:]/g, '')), {
    path: ['serial'],
    message: 'form.serial',
    when,
  })
  .refine(({ by, cvr }) => by !== 'rid' || /^\d{8}$/.test(cvr.replace(/\s/g, '')), {
    path: ['cvr'],
    message: 'form.cvr',
    when,
  })
  .refine(({ by, rid }) => by !== 'rid' || rid.trim() !== '', { path: ['rid'], message: 'form.rid', when });

type Values = z.infer<typeof schema>;

const request = ({ by, serial, cvr, rid, code, reason }: Values): Schema['OpenBlock'] =>
  by === 'serial' ? { serial, code, reason } : { cvr, rid, code, reason };

/** Blocks a key file for whoever has its revocation code, at any hour and without login. */
export function BlockPage() {
  const { t } = useTranslation();
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: (values: Values) => answer(client.POST('/key-file/block', { body: request(values) })),
  });
  return (
    <Page title={t('block.title')} lead={t('block.lead')} narrow>
      {data === undefined ? (
        <BlockForm pending={isPending} error={error} onSubmit={(values) => !isPending && mutate(values)} />
      ) : (
        <div className="panel">
          <Alert tone="success" heading={t('block.done.heading')} live>
            {t('block.done.text', { at: dateTime(data.blocked_at) })}
          </Alert>
          <p>{t('block.done.next')}</p>
        </div>
      )}
      <div className="panel">
        <h2>{t('block.noCode.heading')}</h2>
        <p>{t('block.noCode.text')}</p>
        <p>
          <Link to="/ca">{t('block.authority')}</Link>
        </p>
      </div>
    </Page>
  );
}

interface Props {
  pending: boolean;
  error: Error | null;
  onSubmit: (values: Values) => void;
}

function BlockForm({ pending, error, onSubmit }: Props) {
  const { t } = useTranslation();
  const form = useForm<Values>({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: { by: 'serial', serial: '', cvr: '', rid: '', code: '', reason: '' as Values['reason'] },
  });
  const { errors, submitCount } = form.formState;
  const by = useWatch({ control: form.control, name: 'by' });
  return (
    <form className="panel" noValidate onSubmit={(event) => void form.handleSubmit(onSubmit)(event)}>
      <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
      {error !== null && (
        <Alert tone="error" heading={t('block.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <SelectField id="by" label={t('block.by.label')} {...form.register('by')}>
        <option value="serial">{t('block.by.serial')}</option>
        <option value="rid">{t('block.by.rid')}</option>
      </SelectField>
      {by === 'serial' ? (
        <TextField
          id="serial"
          label={t('block.serial.label')}
          hint={t('block.serial.hint')}
          autoComplete="off"
          spellCheck={false}
          error={formText(errors.serial)}
          {...form.register('serial')}
        />
      ) : (
        <>
          <TextField
            id="cvr"
            label={t('block.cvr')}
            inputMode="numeric"
            autoComplete="off"
            error={formText(errors.cvr)}
            {...form.register('cvr')}
          />
          <TextField
            id="rid"
            label={t('block.rid.label')}
            hint={t('block.rid.hint')}
            autoComplete="off"
            error={formText(errors.rid)}
            {...form.register('rid')}
          />
        </>
      )}
      <TextField
        id="code"
        className="wide-letters"
        label={t('block.code.label')}
        hint={t('block.code.hint')}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={40}
        error={formText(errors.code)}
        {...form.register('code')}
      />
      <SelectField id="reason" label={t('block.reason.label')} error={formText(errors.reason)} {...form.register('reason')}>
        <option value="">{t('block.reason.choose')}</option>
        {reasons.map((reason) => (
          <option key={reason} value={reason}>
            {t(`block.reason.${reason}`)}
          </option>
        ))}
      </SelectField>
      <Alert tone="warning">{t('block.final')}</Alert>
      <div className="actions">
        <Button type="submit" variant="primary" pending={pending}>
          {pending ? t('block.pending') : t('block.submit')}
        </Button>
      </div>
    </form>
  );
}
