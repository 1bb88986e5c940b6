import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { may, sessionQuery } from '@/api/session';
import { type Agreement, agreementQuery, endAgreement, settingsQuery } from '@/api/settings';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { Skeleton } from '@/ui/feedback';
import { TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';

/** Since when the organisation is connected, and how that ends. */
export function AgreementPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(agreementQuery);
  const { data: session } = useQuery(sessionQuery);
  const changes = session !== undefined && may(session, 'setting.change');
  return (
    <Page title={t('agreement.title')} lead={t('agreement.lead')} narrow>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && (
        <>
          <section className="panel" aria-labelledby="facts">
            <h2 id="facts">{t('agreement.facts')}</h2>
            <dl className="facts">
              <dt>{t('agreement.cvr')}</dt>
              <dd>{data.cvr}</dd>
              <dt>{t('agreement.since')}</dt>
              <dd>{date(data.since)}</dd>
              <dt>{t('agreement.ends')}</dt>
              <dd>{data.ends_at === null ? t('agreement.noEnd') : date(data.ends_at)}</dd>
            </dl>
          </section>
          {data.ends_at !== null && (
            <Alert tone="warning" heading={t('agreement.endsHeading', { date: date(data.ends_at) })}>
              {t('agreement.endsText')}
            </Alert>
          )}
          <What />
          {changes ? <Ending key={data.ends_at ?? ''} agreement={data} /> : <Alert tone="info">{t('agreement.viewOnly')}</Alert>}
        </>
      )}
    </Page>
  );
}

/** What comes of it, said before anybody confirms. */
function What() {
  const { t } = useTranslation();
  const { data: settings } = useQuery(settingsQuery);
  return (
    <section className="panel" aria-labelledby="what">
      <h2 id="what">{t('agreement.what.heading')}</h2>
      <ul>
        <li>{t('agreement.what.login')}</li>
        <li>{t('agreement.what.certificates')}</li>
        <li>{t('agreement.what.data', { days: settings?.retention_days ?? '…' })}</li>
        <li>{t('agreement.what.invoice')}</li>
        <li>{t('agreement.what.tell')}</li>
      </ul>
      <p>
        {t('agreement.what.before')} <Link to="/organisation/audit">{t('frame.entries.audit')}</Link>
      </p>
    </section>
  );
}

function Ending({ agreement }: { agreement: Agreement }) {
  const { t } = useTranslation();
  const toast = useToast();
  const queries = useQueryClient();
  const [day, setDay] = useState(noDate);
  const [cvr, setCvr] = useState('');
  const [wrong, setWrong] = useState<string>();
  const open = agreement.ends_at !== null;
  const act = useMutation({
    mutationFn: (at: string | null) => endAgreement(cvr.trim(), at),
    onSuccess: async (after) => {
      await Promise.all(['agreement', 'approvals'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      if ('since' in after) toast('success', t(open ? 'agreement.withdrawn' : 'agreement.ended'));
      else toast('info', t('approvals.waits'));
    },
  });
  const field = act.error instanceof ProblemError ? act.error.field : undefined;
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (act.isPending) return;
    const [d, m, y] = [Number(day.day), Number(day.month), Number(day.year)];
    const at = new Date(Date.UTC(y, m - 1, d));
    const typed = open || (/^\d{4}$/.test(day.year) && at.getUTCMonth() === m - 1 && at.getUTCDate() === d);
    setWrong(typed ? undefined : t('agreement.noDay'));
    if (typed) act.mutate(open ? null : at.toISOString());
  };
  return (
    <section className="panel" aria-labelledby="end">
      <h2 id="end">{t(open ? 'agreement.withdraw' : 'agreement.end')}</h2>
      <form noValidate onSubmit={send}>
        {act.error !== null && field === undefined && (
          <Alert tone="error" live>
            {errorText(act.error)}
          </Alert>
        )}
        {!open && (
          <DateField
            id="at"
            label={t('agreement.day')}
            hint={t('agreement.dayHint')}
            error={wrong ?? (field === 'at' ? errorText(act.error) : undefined)}
            value={day}
            onChange={setDay}
          />
        )}
        <TextField
          id="cvr"
          className="input-width-s"
          inputMode="numeric"
          autoComplete="off"
          maxLength={20}
          label={t('agreement.confirm')}
          hint={t('agreement.confirmHint')}
          error={field === 'cvr' ? errorText(act.error) : undefined}
          value={cvr}
          onChange={(event) => setCvr(event.target.value)}
        />
        <div className="actions">
          <Button type="submit" variant={open ? 'primary' : 'warning'} pending={act.isPending}>
            {t(open ? 'agreement.withdraw' : 'agreement.end')}
          </Button>
        </div>
      </form>
    </section>
  );
}
