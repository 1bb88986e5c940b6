import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import i18next from 'i18next';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  type Application, applicationKey, approve, discardDocument, setCompany, sign, submitDocuments, termsQuery, uploadDocument,
} from '@/api/onboarding';
import { errorText, ProblemError } from '@/api/client';
import { bytes } from '@/format';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { ErrorSummary } from '@/ui/error-summary';
import { Skeleton } from '@/ui/feedback';
import { Checkbox, TextField } from '@/ui/field';
import { FileField } from '@/ui/file-field';

/** An act that answers with the application as it is afterwards. */
export function useAct<T>(token: string, act: (value: T) => Promise<Application>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: (now) => queries.setQueryData(applicationKey(token), now) });
}

export function CompanyStep({ application, token }: { application: Application; token: string }) {
  const { t } = useTranslation();
  const [cvr, setCvr] = useState(application.cvr);
  const [name, setName] = useState('');
  const { mutate, isPending, error } = useAct(token, () => setCompany(token, { cvr: cvr.replaceAll(' ', ''), name }));
  const field = error instanceof ProblemError ? error.field : undefined;
  const unknown = field === 'name' || name !== '';
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate(undefined);
  };
  return (
    <form className="panel" noValidate onSubmit={send}>
      {error !== null && <ErrorSummary problems={[{ field: field ?? 'cvr', text: errorText(error) }]} attempt={1} />}
      <h2>{t('onboarding.step.company')}</h2>
      <TextField
        id="cvr"
        className="input-width-s"
        inputMode="numeric"
        label={t('onboarding.cvr')}
        hint={t('onboarding.cvrHint')}
        error={field === 'cvr' ? errorText(error) : undefined}
        value={cvr}
        onChange={(e) => setCvr(e.target.value)}
      />
      {unknown && (
        <TextField id="name" label={t('onboarding.organisation')} error={field === 'name' ? errorText(error) : undefined} value={name} onChange={(e) => setName(e.target.value)} />
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('onboarding.lookUp')}
        </Button>
      </div>
    </form>
  );
}

export function ApproveStep({ token }: { token: string }) {
  const { t } = useTranslation();
  const { mutate, isPending, error } = useAct(token, () => approve(token));
  return (
    <section className="panel" aria-labelledby="approve">
      <h2 id="approve">{t('onboarding.step.approval')}</h2>
      <p>{t('onboarding.approveText')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Button variant="primary" icon="check" pending={isPending} onClick={() => mutate(undefined)}>
        {t('onboarding.approve')}
      </Button>
    </section>
  );
}

export function SignStep({ token }: { token: string }) {
  const { t } = useTranslation();
  const { data } = useQuery(termsQuery);
  const [agreed, setAgreed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const { mutate, isPending, error } = useAct(token, () => sign(token, { version: data?.current.version ?? 0, hash: data?.current.hash ?? '' }));
  if (data === undefined) return <Skeleton label={t('ui.loading')} />;
  const missing = attempt > 0 && !agreed ? codeText('form.agree') : undefined;
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!agreed) setAttempt(attempt + 1);
    else if (!isPending) mutate(undefined);
  };
  return (
    <form className="panel" noValidate onSubmit={send}>
      <ErrorSummary problems={missing === undefined ? [] : [{ field: 'agree', text: missing }]} attempt={attempt} />
      <h2>{t('onboarding.terms')}</h2>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TermsText text={i18next.language === 'en' ? data.current.text_en : data.current.text_da} />
      <p className="quiet small break">{t('onboarding.hash', { version: data.current.version, hash: data.current.hash })}</p>
      <Checkbox id="agree" label={t('onboarding.agree')} error={missing} checked={agreed} onChange={(e) => setAgreed(e.target.checked)} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('onboarding.sign')}
        </Button>
      </div>
    </form>
  );
}

export function TermsText({ text }: { text: string }) {
  return (
    <div>
      {text.split('\n').filter((line) => line.trim() !== '').map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}

export function DocumentStep({ application, token }: { application: Application; token: string }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File>();
  const upload = useAct(token, (chosen: File) => uploadDocument(token, chosen));
  const remove = useAct(token, (id: string) => discardDocument(token, id));
  const submit = useAct(token, () => submitDocuments(token));
  const error = upload.error ?? remove.error ?? submit.error;
  const busy = upload.isPending || remove.isPending || submit.isPending;
  return (
    <section className="panel" aria-labelledby="documents">
      <h2 id="documents">{t('onboarding.step.documents')}</h2>
      <p>{t('onboarding.documentsText')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <FileField id="file" label={t('onboarding.document')} hint={t('onboarding.documentHint')} accept=".pdf,.png,.jpg,.jpeg" file={file} onChange={setFile} />
      <Button icon="upload" pending={upload.isPending} onClick={() => file !== undefined && !busy && upload.mutate(file, { onSuccess: () => setFile(undefined) })}>
        {t('onboarding.upload')}
      </Button>
      <ul className="nobullet-list">
        {application.documents.map((one) => (
          <li key={one.id}>
            {one.name} <span className="quiet">{bytes(one.size)}</span>{' '}
            <Button variant="unstyled" icon="delete" aria-label={t('onboarding.removeDocument', { name: one.name })} onClick={() => !busy && remove.mutate(one.id)}>
              {t('onboarding.remove')}
            </Button>
          </li>
        ))}
      </ul>
      {application.documents.length > 0 && (
        <div className="actions">
          <Button variant="primary" pending={submit.isPending} onClick={() => !busy && submit.mutate(undefined)}>
            {t('onboarding.submitDocuments')}
          </Button>
        </div>
      )}
    </section>
  );
}
