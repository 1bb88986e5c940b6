import { useMutation, useQuery } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { type SyntheticEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Fetched } from '@/api/certificates';
import { answer, client, errorText, type Schema } from '@/api/client';
import { saveFile } from '@/download';
import { cleanCode, fileName } from '@/features/activation/activate';
import { dateTime } from '@/format';
import { Page } from '@/frame/page';
import { codeText } from '@/i18n';
import { KeyFileWorker } from '@/keyfile/client';
import type { Bytes } from '@/keyfile/der';
import { generatePassword } from '@/keyfile/password';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { Skeleton } from '@/ui/feedback';
import { SelectField, TextField } from '@/ui/field';
import { FileField } from '@/ui/file-field';
import { pem, readRequest } from './request-field';
import { RevocationCode } from './revocation-code';

type Invitation = Schema['CertificateInvitation'];

/** A contact person fetches a certificate, without login. */
export function FetchPage() {
  const { t } = useTranslation();
  const [made, setMade] = useState<Made>();
  const token = useLocation({ select: (location) => location.hash.trim() });
  return (
    <Page title={t('certificates.fetch.title')} narrow>
      {made !== undefined && <Done made={made} />}
      {made === undefined && token === '' && <Alert tone="warning">{t('certificates.fetch.noToken')}</Alert>}
      {made === undefined && token !== '' && <Known key={token} token={token} onMade={setMade} />}
    </Page>
  );
}

function Known({ token, onMade }: { token: string; onMade: (made: Made) => void }) {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['certificate-order', token],
    queryFn: () => answer(client.POST('/certificate-order/look-up', { body: { token } })),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (isPending) return <Skeleton label={t('ui.loading')} />;
  if (error !== null) {
    return (
      <Alert tone="error" heading={t('certificates.fetch.refused')} live>
        <p className="alert-text">{errorText(error)}</p>
        <div className="actions">
          <Button icon="refresh" onClick={() => void refetch()}>
            {t('ui.retry')}
          </Button>
        </div>
      </Alert>
    );
  }
  return (
    <>
      <Facts invitation={data} />
      {data.waiting ? (
        <Alert tone="info" heading={t('certificates.fetch.waiting')}>
          {t('certificates.fetch.waitingText', { address: data.email })}
        </Alert>
      ) : (
        <FetchForm token={token} invitation={data} onMade={onMade} onRefused={() => void refetch()} />
      )}
    </>
  );
}

function Facts({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation();
  return (
    <dl className="facts panel">
      <dt>{t('certificates.fetch.organisation')}</dt>
      <dd>{invitation.organisation}</dd>
      <dt>{t('certificates.name')}</dt>
      <dd>{invitation.name}</dd>
      <dt>{t('certificates.kind')}</dt>
      <dd>{t(`certificates.kinds.${invitation.kind}`)}</dd>
      {invitation.email !== '' && (
        <>
          <dt>{t('certificates.new.email')}</dt>
          <dd className="break">{invitation.email}</dd>
        </>
      )}
      <dt>{t('certificates.fetch.expires')}</dt>
      <dd>{dateTime(invitation.expires_at)}</dd>
    </dl>
  );
}

interface Made {
  issued: Fetched;
  /** Undefined when a system has the key. */
  file?: { bytes: Bytes; password: string };
}

/** Keeps the key of one page in its worker, so that a wrong code or a lost answer is
 * tried again with the same key. */
class Fetcher {
  private worker: KeyFileWorker | undefined;
  private csr: string | undefined;

  async run(token: string, code: string, algorithm: Invitation['key_algorithm'], uploaded: string | undefined): Promise<Made> {
    if (uploaded !== undefined) {
      return { issued: await answer(client.POST('/certificate-order/certificate', { body: { token, code, csr: uploaded } })) };
    }
    this.worker ??= new KeyFileWorker();
    this.csr ??= await this.worker.generate(algorithm);
    const issued = await answer(client.POST('/certificate-order/certificate', { body: { token, code, csr: this.csr } }));
    const password = generatePassword();
    const { certificate, chain, friendly_name: friendlyName } = issued;
    return { issued, file: { password, bytes: await this.worker.finish({ certificate, chain, password, friendlyName }) } };
  }

  close(): void {
    this.worker?.close();
    this.worker = undefined;
    this.csr = undefined;
  }
}

interface FormProps {
  token: string;
  invitation: Invitation;
  onMade: (made: Made) => void;
  onRefused: () => void;
}

function FetchForm({ token, invitation, onMade, onRefused }: FormProps) {
  const { t } = useTranslation();
  const [fetcher] = useState(() => new Fetcher());
  const [code, setCode] = useState('');
  const [way, setWay] = useState<'browser' | 'request'>('browser');
  const [file, setFile] = useState<File>();
  const [wrong, setWrong] = useState<{ code?: string; file?: string }>({});
  useEffect(() => () => fetcher.close(), [fetcher]);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (uploaded: string | undefined) => fetcher.run(token, cleanCode(code), invitation.key_algorithm, uploaded),
    onSuccess: onMade,
    onError: onRefused,
  });
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (isPending) return;
    const uploaded = way === 'request' && file !== undefined ? await readRequest(file) : undefined;
    const found: typeof wrong = {};
    if (cleanCode(code).length !== 16) found.code = t('certificates.fetch.codeWrong');
    if (way === 'request' && uploaded === undefined) found.file = codeText('enrolment.request.unreadable') ?? t('certificates.upload.missing');
    setWrong(found);
    if (Object.keys(found).length === 0) mutate(uploaded);
  };
  return (
    <form className="panel" noValidate onSubmit={(event) => void submit(event)}>
      {error !== null && (
        <Alert tone="error" heading={t('certificates.fetch.failed')} live>
          {errorText(error)}
        </Alert>
      )}
      <TextField
        id="code"
        label={t('certificates.code.label')}
        hint={t('certificates.fetch.codeHint', { count: invitation.tries_left })}
        autoComplete="off"
        spellCheck={false}
        maxLength={40}
        error={wrong.code}
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <SelectField id="way" label={t('certificates.fetch.way')} value={way} onChange={(event) => setWay(event.target.value as typeof way)}>
        <option value="browser">{t('certificates.fetch.browser')}</option>
        <option value="request">{t('certificates.fetch.request')}</option>
      </SelectField>
      {way === 'request' && (
        <FileField
          id="csr"
          label={t('certificates.upload.label')}
          hint={t('certificates.upload.hint')}
          accept=".csr,.pem,.p10,.req,.der,application/pkcs10"
          error={wrong.file}
          file={file}
          onChange={setFile}
        />
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('certificates.fetch.submit')}
        </Button>
      </div>
    </form>
  );
}

/** The certificate, and with a key that the browser made its only copy. */
function Done({ made }: { made: Made }) {
  const { t } = useTranslation();
  const { issued, file } = made;
  useEffect(() => {
    history.replaceState(history.state, '', location.pathname);
  }, []);
  const save = () => {
    if (file !== undefined) saveFile(file.bytes, fileName(issued.friendly_name), 'application/x-pkcs12');
    else saveFile(new TextEncoder().encode(pem([issued.certificate, ...issued.chain])), `${issued.serial}.pem`, 'application/x-pem-file');
  };
  return (
    <div className="panel">
      <Alert tone="success" heading={t('certificates.done.heading')} live>
        {t('certificates.done.text', { date: dateTime(issued.not_after) })}
      </Alert>
      {issued.email_wide && <Alert tone="info">{t('certificates.done.emailWide')}</Alert>}
      {file !== undefined && (
        <>
          <Alert tone="warning">{t('certificates.done.onlyCopy')}</Alert>
          <dl className="facts">
            <dt>{t('certificates.done.password')}</dt>
            <dd>
              <span className="revealed code" data-testid="file-password">
                {file.password}
              </span>{' '}
              <CopyButton small text={file.password} what={t('certificates.done.password')} />
            </dd>
          </dl>
        </>
      )}
      <RevocationCode code={issued.revocation_code} serial={issued.serial} />
      <Button variant="primary" icon="download" onClick={save}>
        {t(file === undefined ? 'certificates.done.pem' : 'certificates.done.file')}
      </Button>
    </div>
  );
}
