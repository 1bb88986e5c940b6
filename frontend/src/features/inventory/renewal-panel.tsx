import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { type Certificate, planRenewals, type Renewal } from '@/api/inventory';
import { date, number } from '@/format';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Checkbox, TextField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { countBy, weekOf } from './spread';
import { dayAhead, dayText } from './words';

interface RenewalPanelProps {
  chosen: string[];
  /** Those that the list shows. */
  listed: Certificate[];
  onClear: () => void;
}

/** Chooses many certificates and spreads their renewal over the days of a span. */
export function RenewalPanel({ chosen, listed, onClear }: RenewalPanelProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const able = listed.filter((one) => one.plan !== 'installed' && one.plan !== 'retired').map((one) => one.id);
  const ids = chosen.length === 0 ? able : chosen;
  return (
    <section className="selection" aria-label={t('inventory.renew.heading')}>
      <div className="actions">
        <Button icon="refresh" disabled={ids.length === 0} onClick={() => setOpen(true)}>
          {chosen.length === 0 ? t('inventory.renew.openAll', { count: ids.length }) : t('inventory.renew.open', { count: chosen.length })}
        </Button>
        {chosen.length > 0 && (
          <Button variant="tertiary" onClick={onClear}>
            {t('inventory.renew.clear')}
          </Button>
        )}
      </div>
      <Dialog open={open} onClose={() => setOpen(false)} heading={t('inventory.renew.heading')}>
        <RenewalForm ids={ids} onDone={onClear} onClose={() => setOpen(false)} />
      </Dialog>
    </section>
  );
}

function RenewalForm({ ids, onDone, onClose }: { ids: string[]; onDone: () => void; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [from, setFrom] = useState(dayAhead(1));
  const [to, setTo] = useState(dayAhead(60));
  const [invite, setInvite] = useState(true);
  const plan = useMutation({
    mutationFn: (dryRun: boolean) => planRenewals({ ids, from, to, invite, dry_run: dryRun }),
    onSuccess: async ({ items }, dryRun) => {
      if (dryRun) return;
      await queries.invalidateQueries({ queryKey: ['inventory'] });
      toast('success', t('inventory.renew.done', { count: items.length }));
      onDone();
    },
  });
  const edit = (set: (value: string) => void) => (event: { target: { value: string } }) => {
    set(event.target.value);
    plan.reset(); // the dry run was of other days
  };
  const field = plan.error instanceof ProblemError ? plan.error.field : undefined;
  const errorOf = (name: string) => (field === name ? errorText(plan.error) : undefined);
  const items = plan.data?.items;
  const dry = plan.variables === true;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!plan.isPending) plan.mutate(items === undefined);
  };
  if (items !== undefined && !dry) {
    return (
      <>
        <Alert tone="success" live>
          {t('inventory.renew.done', { count: items.length })}
        </Alert>
        <RenewalTable items={items} />
        <div className="actions">
          <Button variant="primary" onClick={onClose}>
            {t('ui.close')}
          </Button>
        </div>
      </>
    );
  }
  return (
    <form noValidate onSubmit={submit}>
      <p>{t('inventory.renew.text', { count: ids.length })}</p>
      {plan.error !== null && field !== 'from' && field !== 'to' && (
        <Alert tone="error" live>
          {errorText(plan.error)}
        </Alert>
      )}
      <TextField id="renew-from" type="date" label={t('inventory.renew.from')} error={errorOf('from')} value={from} onChange={edit(setFrom)} />
      <TextField id="renew-to" type="date" label={t('inventory.renew.to')} error={errorOf('to')} value={to} onChange={edit(setTo)} />
      <Checkbox
        id="renew-invite"
        label={t('inventory.renew.invite')}
        checked={invite}
        onChange={(event) => {
          setInvite(event.target.checked);
          plan.reset();
        }}
      />
      {items !== undefined && (
        <>
          <h3>{t('inventory.renew.dryRun')}</h3>
          <p role="status">
            {t('inventory.renew.found', { count: items.length })} {t('inventory.renew.invited', { count: items.filter((one) => one.invited).length })}
          </p>
          <Spread items={items} />
          <RenewalTable items={items} />
        </>
      )}
      <div className="actions">
        <Button type="submit" variant="primary" pending={plan.isPending}>
          {t(items === undefined ? 'inventory.renew.try' : 'inventory.renew.submit')}
        </Button>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}

const asked = (one: Renewal) => {
  if (!one.invited) return 'askedNot';
  return one.letter ? 'askedLetter' : 'askedMail';
};

/** How many are renewed in each week, before anything is confirmed, and how many are renewed in which way. */
function Spread({ items }: { items: Renewal[] }) {
  const { t } = useTranslation();
  const weeks = countBy(items, (one) => weekOf(one.renew_by));
  const ways = countBy(items, (one) => one.way);
  const most = Math.max(...weeks.map(([, count]) => count));
  return (
    <>
      <ul className="plain">
        {ways.map(([way, count]) => (
          <li key={way}>
            {t(`inventory.renew.ways.${way}`)}: {number(count)}
          </li>
        ))}
      </ul>
      <h4>{t('inventory.renew.spread')}</h4>
      <Table
        caption={t('inventory.renew.spread')}
        columns={[
          { heading: t('inventory.renew.week'), rowHeading: true, cell: ([week]: [string, number]) => dayText(week) },
          { heading: t('inventory.renew.count'), number: true, cell: ([, count]: [string, number]) => number(count) },
          { heading: t('inventory.renew.share'), cell: ([, count]: [string, number]) => <meter min={0} max={most} value={count} aria-label={number(count)} /> },
        ]}
        rows={weeks}
        rowKey={([week]) => week}
      />
    </>
  );
}

function RenewalTable({ items }: { items: Renewal[] }) {
  const { t } = useTranslation();
  const columns: Column<Renewal>[] = [
    {
      heading: t('inventory.name'),
      rowHeading: true,
      cell: (one) => (
        <Link to="/inventory/$id" params={{ id: one.id }}>
          {one.name}
        </Link>
      ),
    },
    { heading: t('inventory.notAfter'), cell: (one) => date(one.not_after) },
    {
      heading: t('inventory.renewBy'),
      cell: (one) => (
        <>
          {dayText(one.renew_by)} {one.late && <Badge tone="warning">{t('inventory.renew.late')}</Badge>}
        </>
      ),
    },
    { heading: t('inventory.renew.way'), cell: (one) => t(`inventory.renew.ways.${one.way}`) },
    { heading: t('inventory.renew.asked'), cell: (one) => t(`inventory.renew.${asked(one)}`) },
  ];
  return <Table caption={t('inventory.renew.heading')} columns={columns} rows={items.slice(0, 100)} rowKey={(one) => one.id} />;
}
