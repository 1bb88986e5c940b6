import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ForecastMonth, forecastFile, forecastQuery, type WhatIf } from '@/api/inventory';
import { number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { StackedColumns } from '@/ui/columns';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField, TextField } from '@/ui/field';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';
import { columnsOf, monthName, monthShort, type Stack, usedParts } from './forecast';
import { generations } from './words';

const route = getRouteApi('/inside/inventory/forecast');
const usual = { months: 36, earlier: 0, spread: 1 };

/** What ends in each month, and how it would be if renewals were moved. */
export function ForecastPage() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const asked: WhatIf = {
    months: Number(search.months ?? usual.months),
    earlier: Number(search.earlier ?? usual.earlier),
    spread: Number(search.spread ?? usual.spread),
    deadline: search.deadline ?? '',
    leaving: search.leaving ?? '',
  };
  const { data, error, isPending, refetch } = useQuery({ ...forecastQuery(asked), placeholderData: (before) => before });
  const [stack, setStack] = useState<Stack>('kind');
  const months = data?.months ?? [];
  const total = months.reduce((sum, month) => sum + month.ending, 0);
  return (
    <Page title={t('forecast.title')} lead={t('forecast.lead')} parent={{ to: '/inventory', title: t('inventory.title') }}>
      {isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data !== undefined && total === 0 && (
        <Empty icon="time" heading={t('forecast.none')}>
          {t('forecast.noneText')}
        </Empty>
      )}
      {total > 0 && (
        <>
          <Years months={months} />
          <Wave months={months} />
          <section className="panel" aria-labelledby="endings">
            <div className="panel-top">
              <h2 id="endings">{t('forecast.endings')}</h2>
              <a href={forecastFile(asked)} download>
                <Icon name="download" /> {t('forecast.csv')}
              </a>
            </div>
            <fieldset className="chips">
              <legend className="sr-only">{t('forecast.stack')}</legend>
              {(['kind', 'plan'] as const).map((one) => (
                <button key={one} type="button" className="chip" aria-pressed={stack === one} onClick={() => setStack(one)}>
                  {t(`forecast.stacks.${one}`)}
                </button>
              ))}
            </fieldset>
            <StackedColumns columns={columnsOf(months, stack, t)} label={t('forecast.endingsLabel', { total: number(total) })} most={mostOf(months)} />
            <details>
              <summary>{t('forecast.table')}</summary>
              <EndingTable months={months} stack={stack} />
            </details>
          </section>
          <WhatIfPanel key={JSON.stringify(asked)} asked={asked} months={months} />
        </>
      )}
    </Page>
  );
}

const mostOf = (months: ForecastMonth[]): number => Math.max(...months.map((month) => Math.max(month.ending, month.renewals)), 1);

const undone = (month: ForecastMonth): number =>
  month.counts.filter((one) => one.plan === 'open' || one.plan === 'planned').reduce((sum, one) => sum + one.count, 0);

/** How many end in each year, and how many of those have no successor. */
function Years({ months }: { months: ForecastMonth[] }) {
  const { t } = useTranslation();
  const years = [...new Set(months.map((month) => month.month.slice(0, 4)))];
  return (
    <dl className="figures">
      {years.map((year) => {
        const within = months.filter((month) => month.month.startsWith(year));
        return (
          <div className="figure" key={year}>
            <dt>{t('forecast.year', { year })}</dt>
            <dd>{number(within.reduce((sum, month) => sum + month.ending, 0))}</dd>
            <dd>{t('forecast.undone', { count: within.reduce((sum, month) => sum + undone(month), 0) })}</dd>
          </div>
        );
      })}
    </dl>
  );
}

/** The month in which most end, when it stands out. */
function Wave({ months }: { months: ForecastMonth[] }) {
  const { t } = useTranslation();
  const peak = months.reduce((most, month) => (month.ending > most.ending ? month : most));
  const average = months.reduce((sum, month) => sum + month.ending, 0) / months.length;
  if (peak.ending < 3 || peak.ending < 2 * average) return null;
  return (
    <Alert tone="warning" heading={t('forecast.wave', { count: peak.ending, month: monthName(peak.month) })}>
      <p className="alert-text">
        {t('forecast.waveText', { count: undone(peak) })}{' '}
        <Link to="/inventory" search={{ until: lastDay(peak.month) }}>
          {t('forecast.waveShow')}
        </Link>
      </p>
    </Alert>
  );
}

function lastDay(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
}

function EndingTable({ months, stack }: { months: ForecastMonth[]; stack: Stack }) {
  const { t } = useTranslation();
  const columns: Column<ForecastMonth>[] = [
    { heading: t('forecast.month'), rowHeading: true, cell: (month) => monthName(month.month) },
    ...usedParts(months, stack, t).map((part) => ({
      heading: part.label,
      number: true,
      cell: (month: ForecastMonth) => number(month.counts.filter((one) => one[stack] === part.key).reduce((sum, one) => sum + one.count, 0)),
    })),
    { heading: t('forecast.total'), number: true, cell: (month) => number(month.ending) },
    { heading: t('forecast.renewals'), number: true, cell: (month) => number(month.renewals) },
  ];
  return <Table caption={t('forecast.endings')} columns={columns} rows={months} rowKey={(month) => month.month} />;
}

/** The same certificates renewed at another time, beside how it is. */
function WhatIfPanel({ asked, months }: { asked: WhatIf; months: ForecastMonth[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/inventory/forecast' });
  const [draft, setDraft] = useState({ months: String(asked.months), earlier: String(asked.earlier), spread: String(asked.spread), deadline: asked.deadline, leaving: asked.leaving });
  const [wrong, setWrong] = useState<keyof WhatIf>();
  const changed = asked.earlier > 0 || asked.spread > 1 || asked.deadline !== '';
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const problem = limits.find(([name, low, high]) => !/^\d{1,2}$/.test(draft[name]) || Number(draft[name]) < low || Number(draft[name]) > high);
    const late = draft.deadline !== '' && !months.some((month) => month.month === draft.deadline);
    setWrong(problem?.[0] ?? (late ? 'deadline' : undefined));
    if (problem !== undefined || late) return;
    const { deadline, leaving, ...rest } = draft;
    const search = deadline === '' ? rest : { ...rest, deadline, ...(leaving === '' ? {} : { leaving }) };
    void navigate({ search, replace: true, resetScroll: false });
  };
  const field = (name: 'earlier' | 'spread') => ({
    id: `what-${name}`,
    inputMode: 'numeric' as const,
    className: 'input-width-xxs',
    label: t(`forecast.whatIf.${name}`),
    hint: t(`forecast.whatIf.${name}Hint`),
    error: wrong === name ? t('forecast.whatIf.wrong') : undefined,
    value: draft[name],
    maxLength: 2,
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value.trim() }),
  });
  const bars = (of: 'ending' | 'renewals', colour: number) =>
    months.map((month, i) => ({
      label: monthShort(month.month),
      group: i === 0 || month.month.endsWith('-01') ? month.month.slice(0, 4) : undefined,
      name: monthName(month.month),
      parts: month[of] === 0 ? [] : [{ colour, label: t(`forecast.whatIf.${of}`), count: month[of] }],
    }));
  return (
    <section className="panel" aria-labelledby="what-if">
      <h2 id="what-if">{t('forecast.whatIf.heading')}</h2>
      <p>{t('forecast.whatIf.text')}</p>
      <form noValidate onSubmit={submit}>
        <div className="fields">
          <SelectField id="what-months" label={t('forecast.whatIf.months')} value={draft.months} onChange={(event) => setDraft({ ...draft, months: event.target.value })}>
            {['12', '24', '36', '60'].map((one) => (
              <option key={one} value={one}>
                {t('forecast.whatIf.monthsOf', { count: Number(one) })}
              </option>
            ))}
          </SelectField>
          <TextField {...field('earlier')} />
          <TextField {...field('spread')} />
          <TextField
            id="what-deadline"
            type="month"
            label={t('forecast.whatIf.deadline')}
            hint={t('forecast.whatIf.deadlineHint')}
            error={wrong === 'deadline' ? t('forecast.whatIf.deadlineWrong') : undefined}
            value={draft.deadline}
            placeholder="2027-06"
            maxLength={7}
            onChange={(event) => setDraft({ ...draft, deadline: event.target.value.trim() })}
          />
          <SelectField id="what-leaving" label={t('forecast.whatIf.leaving')} value={draft.leaving} onChange={(event) => setDraft({ ...draft, leaving: generations.find((one) => one === event.target.value) ?? '' })}>
            <option value="">{t('inventory.filter.any')}</option>
            {generations.map((one) => (
              <option key={one} value={one}>
                {t(`inventory.generations.${one}`)}
              </option>
            ))}
          </SelectField>
        </div>
        <div className="actions">
          <Button type="submit" variant="primary">
            {t('forecast.whatIf.submit')}
          </Button>
          {changed && <Button onClick={() => void navigate({ search: {}, replace: true, resetScroll: false })}>{t('forecast.whatIf.reset')}</Button>}
        </div>
      </form>
      <h3>{t('forecast.whatIf.before')}</h3>
      <StackedColumns columns={bars('ending', 2)} label={t('forecast.whatIf.beforeLabel', peakOf(months, 'ending'))} most={mostOf(months)} />
      <h3>{t('forecast.whatIf.after')}</h3>
      {!changed && <p className="quiet">{t('forecast.whatIf.same')}</p>}
      <StackedColumns columns={bars('renewals', 1)} label={t('forecast.whatIf.afterLabel', peakOf(months, 'renewals'))} most={mostOf(months)} />
      <p role="status">{t('forecast.whatIf.peaks', { before: number(peakOf(months, 'ending').most), after: number(peakOf(months, 'renewals').most) })}</p>
    </section>
  );
}

const limits: ['months' | 'earlier' | 'spread', number, number][] = [
  ['months', 1, 60],
  ['earlier', 0, 24],
  ['spread', 1, 24],
];

function peakOf(months: ForecastMonth[], of: 'ending' | 'renewals'): { most: number; month: string } {
  const peak = months.reduce((most, month) => (month[of] > most[of] ? month : most));
  return { most: peak[of], month: monthName(peak.month) };
}
