import { zodResolver } from '@hookform/resolvers/zod';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { Controller, useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { errorText } from '@/api/client';
import { flowQuery, installationQuery } from '@/api/session';
import { formProblems, formText } from '@/form';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { PasswordField } from '@/ui/field';
import { FileField } from '@/ui/file-field';
import { HomeFinder } from './home-finder';
import { logIn, ownPath } from './log-in';

const maxFile = 1 << 20;

const schema = z.object({
  file: z.instanceof(File, { error: 'form.keyFile' }).refine((file) => file.size <= maxFile, 'not_a_key_file'),
  password: z.string().min(1, 'form.password'),
});

const route = getRouteApi('/open/login');

export function LoginPage() {
  const { t } = useTranslation();
  const { flow, next } = route.useSearch();
  const router = useRouter();
  const queries = useQueryClient();
  const form = useForm({
    resolver: zodResolver(schema),
    shouldFocusError: false,
    defaultValues: { password: '' },
  });
  const { mutate, isPending, error } = useMutation({
    mutationFn: (values: z.infer<typeof schema>) => logIn({ ...values, flow }),
    onSuccess: (path) => {
      queries.clear();
      if (flow !== undefined) location.assign(path);
      else router.history.push(next === undefined ? path : ownPath(next));
    },
  });
  const { data: waiting } = useQuery(flowQuery(flow));
  const { errors, submitCount } = form.formState;
  const lead = waiting === undefined ? t('login.leadService') : t('login.toService', { name: waiting.service });
  return (
    <Page title={t('login.title')} lead={flow === undefined ? t('login.lead') : lead} narrow>
      {waiting !== undefined && <Wants level={waiting.level} subject={waiting.subject} />}
      <form
        className="panel"
        noValidate
        onSubmit={(event) => void form.handleSubmit((values) => !isPending && mutate(values))(event)}
      >
        <ErrorSummary problems={formProblems(errors)} attempt={submitCount} />
        {error !== null && (
          <Alert tone="error" heading={t('login.failed')} live>
            {errorText(error)}
          </Alert>
        )}
        <Controller
          control={form.control}
          name="file"
          render={({ field }) => (
            <FileField
              id="file"
              label={t('login.file')}
              hint={t('login.fileHint')}
              accept=".p12,.pfx,application/x-pkcs12"
              error={formText(errors.file)}
              file={field.value}
              onChange={field.onChange}
            />
          )}
        />
        <PasswordField
          id="password"
          label={t('login.password')}
          autoComplete="off"
          error={formText(errors.password)}
          {...form.register('password')}
        />
        <div className="actions">
          <Button type="submit" variant="primary" icon="lock" pending={isPending}>
            {isPending ? t('login.pending') : t('login.submit')}
          </Button>
        </div>
        {flow !== undefined && (
          <p>
            <a href={`/saml/cancel?flow=${encodeURIComponent(flow)}`}>{t('login.cancel')}</a>
          </p>
        )}
        <p className="quiet small">{t('login.stays')}</p>
      </form>
      <HomeFinder flow={flow} next={next} />
      <Help />
    </Page>
  );
}

/** What a service demands of the login, when it demands anything. */
function Wants({ level, subject }: { level: string; subject: string }) {
  const { t } = useTranslation();
  if (subject === '' && level !== 'Substantial' && level !== 'High') return null;
  return (
    <Alert tone="info">
      {(level === 'Substantial' || level === 'High') && <p className="alert-text">{t('login.needs', { level: t(`services.level.${level}`) })}</p>}
      {subject !== '' && <p className="alert-text break">{t('login.expects', { subject })}</p>}
    </Alert>
  );
}

function Help() {
  const { t } = useTranslation();
  const { data } = useQuery(installationQuery);
  return (
    <>
      {data?.demo === true && (
        <Alert tone="info" heading={t('login.demo.heading')}>
          <p className="alert-text">{t('login.demo.text')}</p>
        </Alert>
      )}
      <div className="panel">
        <h2>{t('login.help.heading')}</h2>
        <p>{t('login.help.text')}</p>
        <p>
          <Link to="/block">{t('block.link')}</Link>
        </p>
      </div>
    </>
  );
}
