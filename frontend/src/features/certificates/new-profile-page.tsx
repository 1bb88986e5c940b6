import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useForm, useWatch } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { type Placed, placeOrder, type Terms } from '@/api/certificates';
import { errorText } from '@/api/client';
import { sessionQuery } from '@/api/session';
import { formProblems, formText } from '@/form';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { Checkbox, SelectField, TextField } from '@/ui/field';
import { OneTimeCode } from './one-time-code';

const when = () => true;
/** An address of which only readers with RFC 9598 find the letters before the @. */
const wide = (email: string) => /\P{ASCII}/u.test(email.slice(0, Math.max(0, email.lastIndexOf('@'))));
const address = /^[^\s@<>]+@[^\s@<>]+$/;

const schema = z
  .object({
    kind: z.enum(['organisation', 'system', 'secure_email']),
    name: z.string().trim().min(1, 'enrolment.name.length').max(64, 'enrolment.name.length'),
    email: z.string().trim().max(254),
    contact_name: z.string().trim().min(1, 'enrolment.contact.length').max(120, 'enrolment.contact.length'),
    contact_email: z.string().trim().regex(address, 'enrolment.contact.email'),
    contact_lang: z.enum(['da', 'en']),
    seal: z.boolean(),
    role: z.string(),
    method: z.enum(['upload', 'code']),
  })
  .refine(({ kind, email }) => kind !== 'secure_email' || email !== '', { path: ['email'], message: 'enrolment.email.missing', when })
  .refine(({ email }) => email === '' || address.test(email), { path: ['email'], message: 'enrolment.email.malformed', when });

type Values = z.infer<typeof schema>;

const terms = (values: Values): Terms => ({
  ...values,
  seal: values.kind === 'organisation' && values.seal,
  role: (values.kind === 'system' ? values.role : '') as NonNullable<Terms['role']>,
});

/** Orders the first certificate of a new profile. */
export function NewProfilePage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: (values: Values) => placeOrder(terms(values)),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['certificates', 'list'] }),
  });
  return (
    <Page title={t('certificates.new.title')} lead={t('certificates.new.lead')} parent={{ to: '/certificates', title: t('certificates.title') }} narrow>
      {data === undefined ? (
        <OrderForm pending={isPending} error={error} onSubmit={(values) => !isPending && mutate(values)} />
      ) : (
        <Ordered placed={data} />
      )}
    </Page>
  );
}

function Ordered({ placed }: { placed: Placed }) {
  const { t } = useTranslation();
  return (
    <div className="panel">
      <Alert tone="success" heading={t('certificates.ordered.heading')} live>
        {t(placed.order.state === 'waiting' ? 'certificates.ordered.waiting' : 'certificates.ordered.ready')}
      </Alert>
      {placed.email_wide && <Alert tone="warning">{t('certificates.new.emailWide')}</Alert>}
      {placed.code !== '' && <OneTimeCode code={placed.code} reference={placed.order.id} />}
      <div className="actions">
        <Link to="/certificates/$id" params={{ id: placed.profile_id }} className="button button-primary">
          {t('certificates.ordered.next')}
        </Link>
      </div>
    </div>
  );
}

interface Props {
  pending: boolean;
  error: Error | null;
  onSubmit: (values: Values) => void;
}

function OrderForm({ pending, error, onSubmit }: Props) {
  const { t, i18n } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const form = useForm<Values>({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: {
      kind: 'organisation', name: '', email: '', contact_name: '', contact_email: '',
      contact_lang: i18n.language === 'en' ? 'en' : 'da', seal: false, role: '', method: 'upload',
    },
  });
  const { errors, submitCount } = form.formState;
  const [kind, email] = useWatch({ control: form.control, name: ['kind', 'email'] });
  return (
    <form className="panel" noValidate onSubmit={(event) => void form.handleSubmit(onSubmit)(event)}>
      <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
      {error !== null && (
        <Alert tone="error" heading={t('certificates.new.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <SelectField id="kind" label={t('certificates.kind')} hint={t(`certificates.kindHint.${kind}`)} {...form.register('kind')}>
        {(['organisation', 'system', 'secure_email'] as const).map((one) => (
          <option key={one} value={one}>
            {t(`certificates.kinds.${one}`)}
          </option>
        ))}
      </SelectField>
      <TextField id="name" label={t('certificates.new.name')} hint={t('certificates.new.nameHint')} maxLength={64} error={formText(errors.name)} {...form.register('name')} />
      <TextField
        id="email"
        label={t('certificates.new.email')}
        hint={t('certificates.new.emailHint')}
        optional={kind !== 'secure_email'}
        maxLength={254}
        error={formText(errors.email)}
        {...form.register('email')}
      />
      {wide(email) && (
        <Alert tone="warning" live>
          {t('certificates.new.emailWide')}
        </Alert>
      )}
      {kind === 'organisation' && <Checkbox id="seal" label={t('certificates.new.seal')} {...form.register('seal')} />}
      {kind === 'system' && (
        <SelectField id="role" label={t('certificates.new.role')} hint={t('certificates.new.roleHint')} {...form.register('role')}>
          <option value="">{t('certificates.new.noRole')}</option>
          {session?.roles.map((one) => (
            <option key={one} value={one}>
              {t(`roles.${one}`)}
            </option>
          ))}
        </SelectField>
      )}
      <h2>{t('certificates.contact')}</h2>
      <TextField id="contact_name" label={t('certificates.new.contactName')} maxLength={120} autoComplete="off" error={formText(errors.contact_name)} {...form.register('contact_name')} />
      <TextField
        id="contact_email"
        label={t('certificates.new.contactEmail')}
        hint={t('certificates.new.contactHint')}
        maxLength={254}
        autoComplete="off"
        error={formText(errors.contact_email)}
        {...form.register('contact_email')}
      />
      <SelectField id="contact_lang" label={t('certificates.new.lang')} {...form.register('contact_lang')}>
        <option value="da">{t('certificates.new.da')}</option>
        <option value="en">{t('certificates.new.en')}</option>
      </SelectField>
      <SelectField id="method" label={t('certificates.method')} {...form.register('method')}>
        <option value="upload">{t('certificates.methods.upload')}</option>
        <option value="code">{t('certificates.methods.code')}</option>
      </SelectField>
      <div className="actions">
        <Button type="submit" variant="primary" pending={pending}>
          {t('certificates.new.submit')}
        </Button>
        <Link to="/certificates" className="button button-secondary">
          {t('ui.cancel')}
        </Link>
      </div>
    </form>
  );
}
