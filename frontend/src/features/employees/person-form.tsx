import { type SyntheticEvent, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import type { EmployeeDetails, Person } from '@/api/employees';
import { settingsQuery } from '@/api/settings';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Checkbox, SelectField, TextField } from '@/ui/field';

type Identity = 'cpr' | 'birth' | 'foreign';

/** The fields of a person as the form keeps them. */
function initial(e: EmployeeDetails | undefined) {
  return {
    given_name: e?.given_name ?? '',
    surname: e?.surname ?? '',
    email: e?.email ?? '',
    phone: e?.phone ?? '',
    cpr: '',
    date_of_birth: e?.date_of_birth ?? '',
    rid: e?.rid ?? '',
    p_number: e?.p_number ?? '',
    se_number: e?.se_number ?? '',
    local_user_id: e?.local_user_id ?? '',
    lang: e?.lang ?? 'da',
    channel: e?.channel ?? 'mail',
    anonymous: e?.anonymous ?? false,
    extra: e?.extra ?? {},
  };
}

const details = ['rid', 'local_user_id', 'p_number', 'se_number'] as const;

function identityOf(e: EmployeeDetails | undefined): Identity {
  if (e === undefined) return 'cpr';
  if (e.without_cpr) return 'foreign';
  return e.cpr === '' ? 'birth' : 'cpr';
}

interface PersonFormProps {
  employee?: EmployeeDetails;
  pending: boolean;
  error: Error | null;
  submit: string;
  /** otherThan is somebody whom the person is confirmed not to be. */
  onSubmit: (person: Person, otherThan: string | undefined, invite: boolean) => void;
}

export function PersonForm({ employee, pending, error, submit, onSubmit }: PersonFormProps) {
  const { t } = useTranslation();
  const { data: settings } = useQuery(settingsQuery);
  const [values, setValues] = useState(() => initial(employee));
  const [identity, setIdentity] = useState<Identity>(identityOf(employee));
  const [invite, setInvite] = useState(true);
  const problem = error instanceof ProblemError ? error : undefined;
  const existing = problem?.existing;
  const confirmable = existing !== undefined && (problem?.code === 'org.employee.duplicate' || problem?.code === 'org.employee.suspended_duplicate');
  const send = (otherThan?: string) => {
    const { cpr, date_of_birth, ...rest } = values;
    onSubmit(
      {
        ...rest,
        ...(identity === 'cpr' ? { cpr } : { date_of_birth }),
        ...(identity === 'cpr' && employee !== undefined && cpr === '' && { date_of_birth }),
        without_cpr: identity === 'foreign',
      },
      otherThan,
      invite,
    );
  };
  const field = (name: 'given_name' | 'surname' | 'email' | 'phone' | 'cpr' | 'date_of_birth' | (typeof details)[number]) => ({
    id: name,
    label: t(`employees.form.${name}`),
    value: values[name],
    maxLength: 254,
    autoComplete: 'off',
    error: problem?.field === name && existing === undefined ? problem.text : undefined,
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
  });
  const creation = settings?.creation;
  const optional = (name: string) => !(creation?.required ?? []).includes(name);
  return (
    <form
      noValidate
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        if (!pending) send();
      }}
    >
      {error !== null && (
        <Alert tone="error" live heading={t('employees.form.refused')}>
          <p>{errorText(error)}</p>
          {existing !== undefined && (
            <p>
              <Link to="/employees/$id" params={{ id: existing.id }}>
                {t('employees.form.existing', { name: existing.name })}
              </Link>
            </p>
          )}
          {confirmable && (
            <Button pending={pending} onClick={() => send(existing.id)}>
              {t('employees.form.otherPerson')}
            </Button>
          )}
        </Alert>
      )}
      <TextField {...field('given_name')} />
      <TextField {...field('surname')} />
      <TextField {...field('email')} type="email" hint={t('employees.form.emailHint')} />
      {/[^\u0020-\u007e]/.test(values.email) && <Alert tone="warning">{t('employees.form.emailNotAscii')}</Alert>}
      <TextField {...field('phone')} type="tel" optional={optional('phone')} />
      <SelectField
        id="identity"
        label={t('employees.form.identity')}
        value={identity}
        onChange={(event) => setIdentity(event.target.value as Identity)}
      >
        {(['cpr', 'birth', 'foreign'] as const).map((one) => (
          <option key={one} value={one}>
            {t(`employees.form.identities.${one}`)}
          </option>
        ))}
      </SelectField>
      <p className="quiet small">{t(`employees.form.identityText.${identity}`)}</p>
      {identity === 'cpr' ? (
        <TextField
          {...field('cpr')}
          inputMode="numeric"
          hint={employee !== undefined && employee.cpr !== '' ? t('employees.form.cprKept', { cpr: employee.cpr }) : undefined}
          optional={optional('cpr')}
        />
      ) : (
        <TextField {...field('date_of_birth')} type="date" optional={optional('date_of_birth') && identity === 'foreign'} />
      )}
      <SelectField id="lang" label={t('employees.form.lang')} value={values.lang} onChange={(event) => setValues({ ...values, lang: event.target.value as 'da' | 'en' })}>
        <option value="da">{t('employees.form.da')}</option>
        <option value="en">{t('employees.form.en')}</option>
      </SelectField>
      <SelectField
        id="channel"
        label={t('employees.form.channel')}
        value={values.channel}
        onChange={(event) => setValues({ ...values, channel: event.target.value === 'letter' ? 'letter' : 'mail' })}
      >
        <option value="mail">{t('employees.form.byMail')}</option>
        <option value="letter">{t('employees.form.byLetter')}</option>
      </SelectField>
      {details.map((name) => (
        <TextField
          key={name}
          {...field(name)}
          optional={optional(name)}
          readOnly={name === 'rid' && employee !== undefined && employee.rid !== null}
          hint={name === 'rid' ? t('employees.form.ridHint') : undefined}
        />
      ))}
      {(creation?.extra ?? []).map((name) => (
        <TextField
          key={name}
          id={`extra-${name}`}
          label={name}
          optional
          maxLength={200}
          value={values.extra[name] ?? ''}
          onChange={(event) => setValues({ ...values, extra: { ...values.extra, [name]: event.target.value } })}
        />
      ))}
      {creation?.anonymous === true && (
        <Checkbox
          id="anonymous"
          label={t('employees.form.anonymous')}
          checked={values.anonymous}
          onChange={(event) => setValues({ ...values, anonymous: event.target.checked })}
        />
      )}
      {employee === undefined && (
        <Checkbox id="invite" label={t('employees.form.invite')} checked={invite} onChange={(event) => setInvite(event.target.checked)} />
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={pending}>
          {submit}
        </Button>
      </div>
    </form>
  );
}
