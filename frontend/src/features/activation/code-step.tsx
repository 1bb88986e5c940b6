import { zodResolver } from '@hookform/resolvers/zod';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import type { Schema } from '@/api/client';
import { formProblems, formText } from '@/form';
import { dateTime } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { TextField } from '@/ui/field';
import { cleanCode } from './activate';

const codeLength = 16;
const schema = z.object({
  code: z.string().refine((typed) => cleanCode(typed).length === codeLength, 'form.installationCode'),
});

interface Props {
  invitation: Schema['Activation'];
  code: string;
  onSubmit: (code: string) => void;
}

/** Whose invitation it is, and the second secret, which came another way. */
export function CodeStep({ invitation, code, onSubmit }: Props) {
  const { t } = useTranslation();
  const form = useForm({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: { code },
  });
  const { errors, submitCount } = form.formState;
  return (
    <form className="panel" noValidate onSubmit={(event) => void form.handleSubmit((v) => onSubmit(v.code))(event)}>
      <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
      <h2>{t('activation.invitation.heading', { name: invitation.name })}</h2>
      <p>{t('activation.invitation.text', { organisation: invitation.organisation })}</p>
      <dl className="facts">
        <dt>{t('activation.invitation.organisation')}</dt>
        <dd>{invitation.organisation}</dd>
        <dt>{t('activation.invitation.name')}</dt>
        <dd>{invitation.name}</dd>
        <dt>{t('activation.invitation.expires')}</dt>
        <dd>{dateTime(invitation.expires_at)}</dd>
      </dl>
      {invitation.tries_left < 5 && (
        <Alert tone="warning">{t('activation.triesLeft', { count: invitation.tries_left })}</Alert>
      )}
      <TextField
        id="code"
        className="wide-letters"
        label={t('activation.code.label')}
        hint={t('activation.code.hint')}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={40}
        error={formText(errors.code)}
        {...form.register('code')}
      />
      <div className="actions">
        <Button type="submit" variant="primary">
          {t('activation.next')}
        </Button>
      </div>
    </form>
  );
}
