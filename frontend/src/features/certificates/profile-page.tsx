import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { cancelOrder, certificateFile, type Fetched, issue, type Order, type ProfileCertificate, type ProfileDetails, profileQuery } from '@/api/certificates';
import { errorText, isStatus } from '@/api/client';
import { may, type Session, sessionQuery } from '@/api/session';
import { date, dateTime } from '@/format';
import { LoadError, NotFound } from '@/frame/failure';
import { Page } from '@/frame/page';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { FileField } from '@/ui/file-field';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { DirectoryPanel } from './directory-panel';
import { RecodeDialog, RenewDialog, RevokeDialog } from './dialogs';
import { readRequest } from './request-field';
import { RevocationCode } from './revocation-code';
import { SealPanel } from './seal-panel';
import { CertificateState, OrderState } from './state';

const route = getRouteApi('/inside/certificates/$id');

export function ProfilePage() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery(profileQuery(id));
  const [renewing, setRenewing] = useState(false);
  const [issued, setIssued] = useState<Fetched>();
  if (isStatus(error, 404)) return <NotFound />;
  const manages = session !== undefined && may(session, 'certificate.manage');
  const renew = manages && data !== undefined && data.order === null && (
    <Button variant="primary" icon="refresh" onClick={() => setRenewing(true)}>
      {t(data.serial === null ? 'certificates.orderAgain' : 'certificates.renew.open')}
    </Button>
  );
  return (
    <Page title={data?.name ?? t('certificates.one')} parent={{ to: '/certificates', title: t('certificates.title') }} actions={renew}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && session !== undefined && (
        <>
          {issued !== undefined && (
            <div className="panel">
              <Alert tone="success" heading={t('certificates.done.heading')} live>
                {t('certificates.done.text', { date: dateTime(issued.not_after) })}
              </Alert>
              {issued.email_wide && <Alert tone="info">{t('certificates.done.emailWide')}</Alert>}
              <RevocationCode code={issued.revocation_code} serial={issued.serial} />
              <Button onClick={() => setIssued(undefined)}>{t('certificates.code.read')}</Button>
            </div>
          )}
          {data.order !== null && <OpenOrder profile={data} order={data.order} manages={manages} onIssued={setIssued} />}
          <Facts profile={data} />
          <Certificates profile={data} manages={manages} />
          {data.kind === 'secure_email' && <DirectoryPanel profile={data} manages={manages} />}
          {data.seal && <SealPanel id={id} manages={maySeal(session)} />}
          {data.orders.length > 0 && <Orders orders={data.orders} />}
          <RenewDialog profile={data} open={renewing} onClose={() => setRenewing(false)} />
        </>
      )}
    </Page>
  );
}

const maySeal = (session: Session): boolean => may(session, 'seal.manage');

function Facts({ profile }: { profile: ProfileDetails }) {
  const { t } = useTranslation();
  return (
    <section className="panel" aria-labelledby="facts">
      <h2 id="facts">{t('certificates.facts')}</h2>
      <dl className="facts">
        <dt>{t('certificates.stateTitle')}</dt>
        <dd>
          <CertificateState state={profile.state} />
        </dd>
        <dt>{t('certificates.kind')}</dt>
        <dd>
          {t(`certificates.kinds.${profile.kind}`)}
          {profile.seal && ` (${t('certificates.seal.one')})`}
        </dd>
        <dt>UUID</dt>
        <dd className="code break">{profile.id}</dd>
        {profile.email !== '' && (
          <>
            <dt>{t('certificates.new.email')}</dt>
            <dd className="break">
              {profile.email} <span className="quiet">({t(profile.email_confirmed ? 'certificates.confirmed' : 'certificates.unconfirmed')})</span>
            </dd>
          </>
        )}
        {profile.role !== '' && (
          <>
            <dt>{t('certificates.new.role')}</dt>
            <dd>{t(`roles.${profile.role as 'user-administrator'}`)}</dd>
          </>
        )}
        <dt>{t('certificates.contact')}</dt>
        <dd className="break">
          {profile.contact_name}, {profile.contact_email}
        </dd>
      </dl>
    </section>
  );
}

/** What waits to be fetched: a request is handed in here, or the contact person does. */
function OpenOrder({ profile, order, manages, onIssued }: { profile: ProfileDetails; order: Order; manages: boolean; onIssued: (made: Fetched) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [file, setFile] = useState<File>();
  const [missing, setMissing] = useState<string>();
  const refresh = () => queries.invalidateQueries({ queryKey: ['certificates'] });
  const send = useMutation({
    mutationFn: (csr: string) => issue(order.id, csr),
    onSuccess: async (made) => {
      onIssued(made);
      await refresh();
      toast('success', t('certificates.issued'));
    },
  });
  const cancel = useMutation({
    mutationFn: () => cancelOrder(order.id),
    onSuccess: async () => {
      await refresh();
      toast('success', t('certificates.cancelled'));
    },
  });
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (send.isPending) return;
    const csr = file === undefined ? undefined : await readRequest(file);
    setMissing(csr === undefined ? codeText('enrolment.request.unreadable') ?? t('certificates.upload.missing') : undefined);
    if (csr !== undefined) send.mutate(csr);
  };
  const failure = send.error ?? cancel.error;
  return (
    <section className="panel" aria-labelledby="open-order">
      <h2 id="open-order">{t('certificates.openOrder')}</h2>
      <p>
        <OrderState state={order.state} />{' '}
        {t(`certificates.open.${order.state === 'waiting' ? 'waiting' : order.method}`, {
          address: profile.email, contact: profile.contact_name, date: date(order.expires_at),
        })}
      </p>
      {failure !== null && (
        <Alert tone="error" live>
          {errorText(failure)}
        </Alert>
      )}
      {manages && (
        <form noValidate onSubmit={(event) => void submit(event)}>
          {order.state === 'ready' && (
            <FileField
              id="csr"
              label={t('certificates.upload.label')}
              hint={t('certificates.upload.hint')}
              accept=".csr,.pem,.p10,.req,.der,application/pkcs10"
              error={missing}
              file={file}
              onChange={setFile}
            />
          )}
          <div className="actions">
            {order.state === 'ready' && (
              <Button type="submit" variant="primary" pending={send.isPending}>
                {t('certificates.upload.submit')}
              </Button>
            )}
            <Button icon="close" pending={cancel.isPending} onClick={() => cancel.mutate()}>
              {t('certificates.cancelOrder')}
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}

function Certificates({ profile, manages }: { profile: ProfileDetails; manages: boolean }) {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useState<ProfileCertificate>();
  const [recoding, setRecoding] = useState<string>();
  const columns: Column<ProfileCertificate>[] = [
    { heading: t('certificates.serial'), rowHeading: true, cell: (one) => <span className="code break">{one.serial}</span> },
    {
      heading: t('certificates.period'),
      cell: (one) => (
        <>
          {date(one.not_before)} – {date(one.not_after)}
        </>
      ),
    },
    {
      heading: t('certificates.stateTitle'),
      cell: (one) => (
        <>
          <CertificateState state={one.state} />
          {one.revoked_at !== null && <span className="block quiet small">{dateTime(one.revoked_at)}</span>}
        </>
      ),
    },
    {
      heading: t('certificates.acts'),
      cell: (one) => (
        <>
          <a href={certificateFile(one.serial, 'pem')} download aria-label={t('certificates.pemOne', { serial: one.serial })}>
            <Icon name="download" /> PEM
          </a>{' '}
          <a href={certificateFile(one.serial, 'cer')} download aria-label={t('certificates.cerOne', { serial: one.serial })}>
            <Icon name="download" /> CER
          </a>{' '}
          {manages && one.state !== 'revoked' && one.state !== 'expired' && (
            <>
              <Button variant="unstyled" icon="lock" aria-label={t('certificates.revoke.openOne', { serial: one.serial })} onClick={() => setRevoking(one)}>
                {t('certificates.revoke.open')}
              </Button>{' '}
              <Button variant="unstyled" icon="refresh" aria-label={t('certificates.recode.openOne', { serial: one.serial })} onClick={() => setRecoding(one.serial)}>
                {t('certificates.recode.open')}
              </Button>
            </>
          )}
        </>
      ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="certificates">
      <h2 id="certificates">{t('certificates.title')}</h2>
      {profile.certificates.length === 0 ? (
        <p>{t('certificates.noneYet')}</p>
      ) : (
        <Table caption={t('certificates.title')} columns={columns} rows={profile.certificates} rowKey={(one) => one.serial} />
      )}
      {revoking !== undefined && <RevokeDialog key={revoking.serial} serial={revoking.serial} open onClose={() => setRevoking(undefined)} />}
      {recoding !== undefined && <RecodeDialog key={recoding} serial={recoding} open onClose={() => setRecoding(undefined)} />}
    </section>
  );
}

function Orders({ orders }: { orders: Order[] }) {
  const { t } = useTranslation();
  const columns: Column<Order>[] = [
    { heading: t('certificates.orderedAt'), rowHeading: true, cell: (one) => dateTime(one.created_at) },
    { heading: t('certificates.method'), cell: (one) => t(`certificates.methods.${one.method}`) },
    { heading: t('certificates.stateTitle'), cell: (one) => <OrderState state={one.state} /> },
    { heading: t('certificates.code.reference'), cell: (one) => <span className="code break">{one.id}</span> },
  ];
  return (
    <section className="panel" aria-labelledby="orders">
      <h2 id="orders">{t('certificates.orders')}</h2>
      <Table caption={t('certificates.orders')} columns={columns} rows={orders} rowKey={(one) => one.id} />
    </section>
  );
}
