import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { newCalendar, type Reminder, remindersQuery, type Rules, rulesQuery } from '@/api/inventory';
import { may, sessionQuery } from '@/api/session';
import { date, dateTime, number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { codeText } from '@/i18n';
import { Alert, type Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { ruleText } from './reminders-panel';
import { RulesForm } from './rules-form';

/** When the organisation is reminded of certificates, who, and of what it was. */
export function RulesPage() {
  const { t } = useTranslation();
  const { data: session } = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery(rulesQuery);
  const manages = session !== undefined && may(session, 'certificate.manage');
  return (
    <Page title={t('rules.title')} lead={t('rules.lead')} parent={{ to: '/inventory', title: t('inventory.title') }}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={8} />}
      {data !== undefined && (
        <>
          <RulesForm key={data.version} rules={data} manages={manages} />
          {data.webhook_url !== '' && <Webhook rules={data} />}
          <Calendar rules={data} manages={manages} />
          <SentPanel />
        </>
      )}
    </Page>
  );
}

/** The address for calendars; it is the secret, and is shown once. */
function Calendar({ rules, manages }: { rules: Rules; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asked, setAsked] = useState(false);
  const make = useMutation({
    mutationFn: newCalendar,
    onSuccess: () => queries.invalidateQueries({ queryKey: ['reminders', 'rules'] }),
  });
  const there = rules.has_calendar === true;
  return (
    <section className="panel" aria-labelledby="calendar">
      <h2 id="calendar">{t('rules.calendar.heading')}</h2>
      <p>{t('rules.calendar.text')}</p>
      {make.error !== null && (
        <Alert tone="error" live>
          {errorText(make.error)}
        </Alert>
      )}
      {make.data !== undefined && (
        <Alert tone="warning" heading={t('rules.calendar.once')} live>
          <p className="code break">{make.data.address}</p>
          <CopyButton text={make.data.address} what={t('rules.calendar.heading')} />
        </Alert>
      )}
      {there && make.data === undefined && <p>{t('rules.calendar.there')}</p>}
      {manages && (
        <div className="actions">
          <Button
            icon="refresh"
            pending={make.isPending}
            onClick={() => {
              if (there && !asked) setAsked(true);
              else make.mutate();
            }}
          >
            {t(there ? (asked ? 'rules.calendar.sure' : 'rules.calendar.anew') : 'rules.calendar.make')}
          </Button>
        </div>
      )}
    </section>
  );
}

type Call = NonNullable<Rules['webhook_calls']>[number];

/** How the webhook's last calls went, and when a failed one is tried next. */
function Webhook({ rules }: { rules: Rules }) {
  const { t } = useTranslation();
  const calls = rules.webhook_calls ?? [];
  const outcome = rules.webhook_outcome ?? '';
  const columns: Column<Call>[] = [
    { heading: t('inventory.reminders.at'), rowHeading: true, cell: (one) => dateTime(one.queued_at) },
    { heading: t('rules.webhook.certificates'), number: true, cell: (one) => number(one.certificates) },
    { heading: t('inventory.reminders.state'), cell: (one) => <Badge tone={tones[one.state]}>{t(`rules.webhook.states.${one.state}`)}</Badge> },
    { heading: t('rules.webhook.attempts'), number: true, cell: (one) => number(one.attempts) },
    { heading: t('rules.webhook.next'), cell: (one) => (one.next_at === null ? '' : dateTime(one.next_at)) },
  ];
  return (
    <section className="panel" aria-labelledby="webhook">
      <h2 id="webhook">{t('rules.webhook.heading')}</h2>
      {outcome === '' && calls.length === 0 && <p>{t('rules.webhook.none')}</p>}
      {outcome === 'ok' && <p>{t('rules.webhook.ok', { at: dateTime(rules.webhook_at ?? '') })}</p>}
      {outcome !== '' && outcome !== 'ok' && (
        <Alert tone="error" heading={t('rules.webhook.failed', { at: dateTime(rules.webhook_at ?? '') })}>
          {codeText(outcome) ?? outcome}
        </Alert>
      )}
      {calls.length > 0 && <Table caption={t('rules.webhook.heading')} columns={columns} rows={calls} rowKey={(one) => one.id} />}
    </section>
  );
}

const tones: Record<Call['state'], Tone> = { waiting: 'info', retried: 'warning', done: 'success', failed: 'error' };

/** What was due to whom, newest first. */
function SentPanel() {
  const { t } = useTranslation();
  const query = useInfiniteQuery(remindersQuery);
  const reminders = query.data?.pages.flatMap((page) => page.items) ?? [];
  const columns: Column<Reminder>[] = [
    { heading: t('inventory.reminders.at'), cell: (one) => dateTime(one.settled_at ?? one.created_at) },
    {
      heading: t('inventory.one'),
      rowHeading: true,
      cell: (one) => {
        const [kind, id = ''] = one.certificate.split(':', 2);
        return kind === 'inventory' ? (
          <Link to="/inventory/$id" params={{ id }}>
            {one.name}
          </Link>
        ) : (
          (one.name === '' ? t('rules.keyFile') : one.name)
        );
      },
    },
    { heading: t('inventory.notAfter'), cell: (one) => date(one.not_after) },
    { heading: t('inventory.reminders.rule'), cell: (one) => ruleText(t, one.days) },
    { heading: t('inventory.reminders.receiver'), cell: (one) => t(`inventory.reminders.receivers.${one.receiver}`) },
    { heading: t('inventory.reminders.state'), cell: (one) => t(`inventory.reminders.states.${one.state}`) },
  ];
  return (
    <section className="panel" aria-labelledby="sent">
      <h2 id="sent">{t('rules.sent')}</h2>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && reminders.length === 0 && <p>{t('rules.nothingSent')}</p>}
      {reminders.length > 0 && (
        <>
          <Table caption={t('rules.sent')} columns={columns} rows={reminders} rowKey={(one) => `${one.certificate} ${one.days} ${one.receiver} ${one.employee_id} ${one.created_at}`} />
          <LoadMore shown={reminders.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
    </section>
  );
}
