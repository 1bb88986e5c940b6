import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { type ConformancePlan, conformanceQuery, conformanceReport, type ConformanceRun, setConformancePlan, startConformance } from '@/api/services';
import { saveFile } from '@/download';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { codeText } from '@/i18n';
import { Alert, type Tone } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { Skeleton } from '@/ui/feedback';
import { SelectField, TextField } from '@/ui/field';
import { Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

type Conformance = Schema['ServiceConformance'];
type Case = Schema['ConformanceCase'];

const levels = ['Low', 'Substantial', 'High'] as const;

/** Tries how well a service reads answers, and shows what it let in. */
export function ConformancePanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(conformanceQuery(id));
  if (data === undefined)
    return (
      <section className="panel" aria-labelledby="conformance">
        <h2 id="conformance">{t('services.conformance.heading')}</h2>
        {error === null ? <Skeleton label={t('ui.loading')} lines={6} /> : <LoadError error={error} onRetry={() => void refetch()} />}
      </section>
    );
  return (
    <>
      <Beginning id={id} data={data} />
      <PlanForm key={data.plan.version} id={id} data={data} />
      <Reports id={id} runs={data.runs} />
    </>
  );
}

/** What it is, who is said to log in, and the button. */
function Beginning({ id, data }: { id: string; data: Conformance }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => startConformance(id),
    onSuccess: (run) => {
      queries.setQueryData(conformanceQuery(id).queryKey, { ...data, runs: [run, ...data.runs] });
    },
  });
  const latest = data.runs[0];
  const running = latest?.state === 'running';
  return (
    <section className="panel" aria-labelledby="conformance">
      <h2 id="conformance">{t('services.conformance.heading')}</h2>
      <p>{t('services.conformance.lead')}</p>
      <dl className="facts">
        <dt>{t('services.conformance.person')}</dt>
        <dd>{data.full_name}</dd>
        <dt>{t('services.conformance.nameId')}</dt>
        <dd className="code break">{data.name_id}</dd>
      </dl>
      <p className="quiet small">{t('services.conformance.nameIdHint')}</p>
      <CopyButton text={data.name_id} what={t('services.conformance.nameId')} />
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data.plan.version > 0 && (
        <div className="actions">
          <Button variant="primary" pending={isPending || running} onClick={() => mutate()}>
            {t('services.conformance.run')}
          </Button>
        </div>
      )}
      <p role="status">{running && t('services.conformance.running', { n: latest.cases.length, of: latest.planned })}</p>
    </section>
  );
}

function PlanForm({ id, data }: { id: string; data: Conformance }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [plan, setPlan] = useState<ConformancePlan>(data.plan);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (next: ConformancePlan) => setConformancePlan(id, next),
    onSuccess: (saved) => {
      queries.setQueryData(conformanceQuery(id).queryKey, { ...data, plan: saved });
      toast('success', t('services.saved'));
    },
  });
  const change = (part: Partial<ConformancePlan>) => setPlan({ ...plan, ...part });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate(plan);
  };
  return (
    <form className="panel" noValidate onSubmit={send} aria-labelledby="conformance-plan">
      <h2 id="conformance-plan">{t('services.conformance.plan')}</h2>
      <p>{t('services.conformance.hosts', { hosts: data.hosts.join(', ') })}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <TextField id="start-url" type="url" label={t('services.conformance.start')} hint={t('services.conformance.startHint')} value={plan.start_url} onChange={(event) => change({ start_url: event.target.value })} />
      <TextField id="page-url" type="url" optional label={t('services.conformance.page')} hint={t('services.conformance.pageHint')} value={plan.page_url} onChange={(event) => change({ page_url: event.target.value })} />
      <TextField id="marker" label={t('services.conformance.marker')} hint={t('services.conformance.markerHint')} value={plan.marker} onChange={(event) => change({ marker: event.target.value })} />
      <SelectField id="conformance-level" label={t('services.conformance.level')} value={plan.level} onChange={(event) => change({ level: event.target.value as ConformancePlan['level'] })}>
        <option value="">{t('services.conformance.anyLevel')}</option>
        {levels.map((level) => (
          <option key={level} value={level}>
            {t(`services.level.${level}`)}
          </option>
        ))}
      </SelectField>
      <div className="actions">
        <Button type="submit" variant={data.plan.version === 0 ? 'primary' : 'secondary'} pending={isPending}>
          {t('services.save')}
        </Button>
      </div>
    </form>
  );
}

function Reports({ id, runs }: { id: string; runs: ConformanceRun[] }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState('');
  const done = runs.filter((run) => run.state === 'done');
  const shown = done.find((run) => run.id === chosen) ?? done[0];
  if (shown === undefined)
    return (
      <section className="panel" aria-labelledby="conformance-reports">
        <h2 id="conformance-reports">{t('services.conformance.reports')}</h2>
        <p>{t('services.conformance.none')}</p>
      </section>
    );
  const others = done.filter((run) => run !== shown);
  return (
    <>
      <Report id={id} run={shown} />
      {others.length > 0 && (
        <section className="panel" aria-labelledby="conformance-reports">
          <h2 id="conformance-reports">{t('services.conformance.older')}</h2>
          <Table
            caption={t('services.conformance.older')}
            columns={[
              { heading: t('services.conformance.reports'), rowHeading: true, cell: (run) => dateTime(run.started_at) },
              { heading: t('services.conformance.columns.result'), cell: (run) => <Sum run={run} /> },
              {
                heading: t('services.conformance.show'),
                cell: (run) => (
                  <Button variant="unstyled" onClick={() => setChosen(run.id)}>
                    {t('services.conformance.show')}
                    <span className="sr-only"> {dateTime(run.started_at)}</span>
                  </Button>
                ),
              },
            ]}
            rows={others}
            rowKey={(run) => run.id}
          />
        </section>
      )}
    </>
  );
}

function Sum({ run }: { run: ConformanceRun }) {
  const { t } = useTranslation();
  const count = (result: Case['result']) => run.cases.filter((one) => one.result === result).length;
  return t('services.conformance.sum', { passed: count('passed'), failed: count('failed'), unclear: count('unclear'), skipped: count('skipped') });
}

/** What a whole report comes to. */
function useVerdict(run: ConformanceRun): { tone: Tone; heading: string; text: string } {
  const { t } = useTranslation();
  const trouble = /^conformance\.trouble\.(stranger|good)$/.exec(run.trouble)?.[1] as 'stranger' | 'good' | undefined;
  if (run.trouble !== '')
    return {
      tone: 'warning',
      heading: t('services.conformance.unclearHeading'),
      text: trouble === undefined ? (codeText(run.trouble) ?? run.trouble) : t(`services.conformance.trouble.${trouble}`),
    };
  if (run.cases.some((one) => one.result === 'failed')) return { tone: 'error', heading: t('services.conformance.someBad'), text: '' };
  if (run.cases.some((one) => one.result === 'unclear')) return { tone: 'warning', heading: t('services.conformance.someUnclear'), text: '' };
  return { tone: 'success', heading: t('services.conformance.allGood'), text: '' };
}

const tones: Record<Case['result'], Tone | undefined> = { passed: 'success', failed: 'error', unclear: 'warning', skipped: undefined };

function Report({ id, run }: { id: string; run: ConformanceRun }) {
  const { t } = useTranslation();
  const verdict = useVerdict(run);
  const download = useMutation({
    mutationFn: () => conformanceReport(id, run.id),
    onSuccess: (report) => {
      saveFile(new TextEncoder().encode(JSON.stringify(report, null, 2)), `conformance-${run.started_at.slice(0, 10)}.json`, 'application/json');
    },
  });
  return (
    <section className="panel" aria-labelledby="conformance-report">
      <h2 id="conformance-report">{t('services.conformance.reportOf', { at: dateTime(run.started_at) })}</h2>
      <Alert tone={verdict.tone} heading={verdict.heading} live>
        {verdict.text !== '' && <p>{verdict.text}</p>}
        <Sum run={run} />
      </Alert>
      <Table
        caption={t('services.conformance.reportOf', { at: dateTime(run.started_at) })}
        columns={[
          { heading: t('services.conformance.columns.case'), rowHeading: true, cell: (one) => t(`services.conformance.cases.${one.code}.name`) },
          {
            heading: t('services.conformance.columns.sent'),
            cell: (one) => (
              <>
                {t(`services.conformance.cases.${one.code}.sent`)} {t(`services.conformance.cases.${one.code}.want`)}
              </>
            ),
          },
          { heading: t('services.conformance.columns.happened'), cell: (one) => <Happened one={one} /> },
          { heading: t('services.conformance.columns.result'), cell: (one) => <Badge tone={tones[one.result]}>{t(`services.conformance.results.${one.result}`)}</Badge> },
        ]}
        rows={run.cases}
        rowKey={(one) => one.code}
      />
      {download.error !== null && (
        <Alert tone="error" live>
          {errorText(download.error)}
        </Alert>
      )}
      <Button pending={download.isPending} onClick={() => download.mutate()}>
        {t('services.conformance.download')}
      </Button>
    </section>
  );
}

const reasons = ['in', 'out', 'again', 'refused', 'broke', 'no_request', 'refusal', 'elsewhere', 'inside', 'network', 'loops', 'time', 'no_level'] as const;

/** What the service made of it, and what to do when that was wrong. */
function Happened({ one }: { one: Case }) {
  const { t } = useTranslation();
  const known = reasons.find((reason) => reason === one.why);
  const why = known === undefined && one.why !== '' ? (codeText(one.why) ?? one.why) : t(`services.conformance.why.${known ?? 'none'}`);
  return (
    <>
      {why}
      {one.status !== 0 && (
        <span className="block code small break">
          {one.status} {one.ended}
        </span>
      )}
      {one.result === 'failed' && <span className="block">{t('services.conformance.fix', { text: t(`services.conformance.cases.${one.code}.fix`) })}</span>}
    </>
  );
}
