import { useMutation } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { askToBeCreated } from '@/api/employees';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextArea, TextField } from '@/ui/field';

const route = getRouteApi('/open/request/$cvr');
const fields = ['given_name', 'surname', 'email', 'phone'] as const;

/** Somebody outside asks to be made an employee. It tells nothing about the
 * organisation: the answer is always the same. */
export function AskPage() {
  const { t, i18n } = useTranslation();
  const { cvr } = route.useParams();
  const [values, setValues] = useState({ given_name: '', surname: '', email: '', phone: '', reason: '' });
  const ask = useMutation({ mutationFn: () => askToBeCreated({ cvr, ...values, lang: i18n.language.startsWith('en') ? 'en' : 'da' }) });
  const errorOf = (name: string) => (ask.error instanceof ProblemError && ask.error.field === name ? ask.error.text : undefined);
  if (ask.isSuccess) {
    return (
      <Page title={t('employees.ask.sentTitle')} narrow>
        <p role="status">{t('employees.ask.sentText')}</p>
      </Page>
    );
  }
  return (
    <Page title={t('employees.ask.title')} lead={t('employees.ask.lead', { cvr })} narrow>
      <form
        noValidate
        onSubmit={(event: SyntheticEvent) => {
          event.preventDefault();
          if (!ask.isPending) ask.mutate();
        }}
      >
        {ask.error !== null && (
          <Alert tone="error" live>
            {errorText(ask.error)}
          </Alert>
        )}
        {fields.map((name) => (
          <TextField
            key={name}
            id={name}
            label={t(`employees.form.${name}`)}
            optional={name === 'phone'}
            maxLength={254}
            type={name === 'email' ? 'email' : 'text'}
            error={errorOf(name)}
            value={values[name]}
            onChange={(event) => setValues({ ...values, [name]: event.target.value })}
          />
        ))}
        <TextArea
          id="reason"
          label={t('employees.ask.reason')}
          hint={t('employees.ask.reasonHint')}
          maxLength={500}
          error={errorOf('reason')}
          value={values.reason}
          onChange={(event) => setValues({ ...values, reason: event.target.value })}
        />
        <div className="actions">
          <Button type="submit" variant="primary" pending={ask.isPending}>
            {t('employees.ask.submit')}
          </Button>
        </div>
      </form>
    </Page>
  );
}
