import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Application, setPeople } from '@/api/onboarding';
import { errorText, ProblemError } from '@/api/client';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { TextField } from '@/ui/field';
import { useAct } from './act-steps';

interface Person {
  name: string;
  email: string;
}
const nobody: Person = { name: '', email: '' };

/** Who signs, by the signing rule, and who becomes the first administrator. */
export function PeopleStep({ application: a, token }: { application: Application; token: string }) {
  const { t } = useTranslation();
  const known = (role: string) => a.parties.filter((p) => p.role === role).map(({ name, email }) => ({ name, email }));
  const [representative, setRepresentative] = useState<Person>(known('representative')[0] ?? nobody);
  const [others, setOthers] = useState<Person[]>(() => {
    const named = known('signatory');
    return Array.from({ length: Math.max(a.signers - 1, named.length) }, (_, i) => named[i] ?? nobody);
  });
  const [given, setGiven] = useState(a.admin_given_name);
  const [surname, setSurname] = useState(a.admin_surname);
  const [email, setEmail] = useState(a.admin_email);
  const reporting = a.start === 'reporter';
  const { mutate, isPending, error } = useAct(token, () =>
    setPeople(token, {
      ...(reporting ? { representative } : {}),
      signatories: others,
      admin_given_name: given,
      admin_surname: surname,
      admin_email: email,
    }),
  );
  const field = error instanceof ProblemError ? error.field : undefined;
  const wrong = (id: string) => (field === id ? errorText(error) : undefined);
  const place = field?.startsWith('signatories') === true ? 'signatory-0-name' : (field ?? 'admin_given_name');
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate(undefined);
  };
  const change = (index: number, to: Partial<Person>) => setOthers(others.map((one, i) => (i === index ? { ...one, ...to } : one)));
  const clear = a.company === undefined || a.company.signing.kind === 'unclear';
  return (
    <form className="panel" noValidate onSubmit={send}>
      {error !== null && <ErrorSummary problems={[{ field: place, text: errorText(error) }]} attempt={1} />}
      <h2>{t('onboarding.step.people')}</h2>
      <p>{clear ? t('onboarding.ruleUnclear') : t('onboarding.ruleCount', { count: a.company?.signing.number ?? 1 })}</p>
      {reporting && (
        <fieldset>
          <legend className="form-label">{t('onboarding.role.representative')}</legend>
          <TextField id="representative_name" label={t('onboarding.name')} hint={t('onboarding.nameHint')} error={wrong('representative_name')} value={representative.name} onChange={(e) => setRepresentative({ ...representative, name: e.target.value })} />
          <TextField id="representative_email" type="email" label={t('onboarding.email')} error={wrong('representative_email')} value={representative.email} onChange={(e) => setRepresentative({ ...representative, email: e.target.value })} />
        </fieldset>
      )}
      {others.map((one, i) => (
        <fieldset key={i}>
          <legend className="form-label">{t('onboarding.signatoryNumber', { number: i + 1 })}</legend>
          <TextField id={`signatory-${i}-name`} label={t('onboarding.name')} hint={t('onboarding.nameHint')} value={one.name} onChange={(e) => change(i, { name: e.target.value })} />
          <TextField id={`signatory-${i}-email`} type="email" label={t('onboarding.email')} value={one.email} onChange={(e) => change(i, { email: e.target.value })} />
          <Button variant="unstyled" icon="delete" onClick={() => setOthers(others.filter((_, j) => j !== i))}>
            {t('onboarding.removeSignatory', { number: i + 1 })}
          </Button>
        </fieldset>
      ))}
      {others.length < 5 && (
        <p>
          <Button icon="plus" onClick={() => setOthers([...others, nobody])}>
            {t('onboarding.addSignatory')}
          </Button>
        </p>
      )}
      <fieldset>
        <legend className="form-label">{t('onboarding.administrator')}</legend>
        <p className="form-hint">{t('onboarding.administratorHint')}</p>
        <TextField id="admin_given_name" label={t('onboarding.given')} error={wrong('admin_given_name')} value={given} onChange={(e) => setGiven(e.target.value)} />
        <TextField id="admin_surname" label={t('onboarding.surname')} error={wrong('admin_surname')} value={surname} onChange={(e) => setSurname(e.target.value)} />
        <TextField id="admin_email" type="email" label={t('onboarding.adminEmail')} error={wrong('admin_email')} value={email} onChange={(e) => setEmail(e.target.value)} />
      </fieldset>
      <Alert tone="info">{t('onboarding.mailsGoOut')}</Alert>
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('onboarding.savePeople')}
        </Button>
      </div>
    </form>
  );
}
