import { zodResolver } from '@hookform/resolvers/zod';
import { useState } from 'react';
import { useForm, useWatch } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { formProblems, formText } from '@/form';
import { generatePassword, minPasswordLength, passwordStrength } from '@/keyfile/password';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { ErrorSummary } from '@/ui/error-summary';
import { PasswordField } from '@/ui/field';

const schema = z
  .object({
    password: z.string().refine((typed) => passwordStrength(typed) > 0, 'form.passwordShort'),
    again: z.string(),
  })
  .refine(({ password, again }) => password.normalize('NFC') === again.normalize('NFC'), {
    path: ['again'],
    message: 'form.passwordsDiffer',
  })
  .refine(({ password }) => passwordStrength(password) !== 1, {
    path: ['password'],
    message: 'form.passwordWeak',
  });

interface Props {
  onBack: () => void;
  onSubmit: (password: string) => void;
}

/** The password of the key file: chosen, or made for the person. */
export function PasswordStep({ onBack, onSubmit }: Props) {
  const { t } = useTranslation();
  const [made, setMade] = useState('');
  const form = useForm({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: { password: '', again: '' },
  });
  const password = useWatch({ control: form.control, name: 'password' });
  const { errors, submitCount } = form.formState;
  const suggest = () => {
    const suggestion = generatePassword();
    setMade(suggestion);
    form.setValue('password', suggestion);
    form.setValue('again', suggestion);
    form.clearErrors();
  };
  return (
    <form className="panel" noValidate onSubmit={(event) => void form.handleSubmit((v) => onSubmit(v.password))(event)}>
      <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
      <h2>{t('activation.password.heading')}</h2>
      <p>{t('activation.password.text')}</p>
      <Alert tone="info">{t('activation.password.noReset')}</Alert>
      <PasswordField
        id="password"
        label={t('activation.password.label')}
        hint={t('activation.password.hint', { count: minPasswordLength })}
        autoComplete="new-password"
        error={formText(errors.password)}
        {...form.register('password')}
      />
      <Strength password={password} />
      <PasswordField
        id="again"
        label={t('activation.password.again')}
        autoComplete="new-password"
        error={formText(errors.again)}
        {...form.register('again')}
      />
      <div className="actions">
        <Button icon="sync" onClick={suggest}>
          {t('activation.password.suggest')}
        </Button>
        {made !== '' && made === password && (
          <>
            <span className="revealed code" data-testid="suggested">
              {made}
            </span>
            <CopyButton text={made} what={t('activation.password.label')} />
          </>
        )}
      </div>
      <div className="actions">
        <Button type="submit" variant="primary">
          {t('activation.password.submit')}
        </Button>
        <Button onClick={onBack}>{t('activation.back')}</Button>
      </div>
    </form>
  );
}

function Strength({ password }: { password: string }) {
  const { t } = useTranslation();
  const strength = passwordStrength(password);
  return (
    <div className="strength" data-strength={strength} role="status">
      <span />
      <span />
      <span />
      <p>{password === '' ? '' : t(`activation.strength.${strength}`)}</p>
    </div>
  );
}
