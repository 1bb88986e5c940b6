import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { endingQuery, type Rules } from '@/api/inventory';
import { LoadError } from '@/frame/failure';
import { useNow } from '@/now';
import { Badge } from '@/ui/badge';
import { Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { type Coming, comingUp, digestDays } from './preview';
import { ruleText } from './reminders-panel';
import { dayAhead, dayText } from './words';

const ahead = 30;
const step = 25;

/** What the rules as they are typed would send, before they are saved. */
export function PreviewPanel({ rules }: { rules: Rules }) {
  const { t } = useTranslation();
  const now = useNow(3_600_000);
  const [shown, setShown] = useState(step);
  const { data, error, isPending, refetch } = useQuery(endingQuery(dayAhead(ahead + 366)));
  const coming = data === undefined ? [] : comingUp(data, rules, now, ahead);
  const digests = digestDays(coming, rules.digest_over);
  const columns: Column<Coming>[] = [
    {
      heading: t('rules.preview.day'),
      rowHeading: true,
      cell: (one) => (
        <>
          {dayText(one.day)} {digests.includes(one.day) && <Badge tone="info">{t('rules.preview.digest')}</Badge>}
        </>
      ),
    },
    {
      heading: t('inventory.one'),
      cell: (one) => (
        <Link to="/inventory/$id" params={{ id: one.certificate.id }}>
          {one.certificate.name}
        </Link>
      ),
    },
    { heading: t('inventory.reminders.rule'), cell: (one) => ruleText(t, one.rule) },
    { heading: t('inventory.reminders.receiver'), cell: (one) => one.hearers.map((hearer) => t(`rules.preview.hearers.${hearer}`)).join(', ') },
  ];
  return (
    <section className="panel" aria-labelledby="preview">
      <h2 id="preview">{t('rules.preview.heading')}</h2>
      <p>{t('rules.preview.text', { count: ahead })}</p>
      {isPending && <Skeleton label={t('ui.loading')} />}
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data !== undefined && coming.length === 0 && <p>{t('rules.preview.none')}</p>}
      {coming.length > 0 && (
        <>
          <Table caption={t('rules.preview.heading')} columns={columns} rows={coming.slice(0, shown)} rowKey={(one) => `${one.day} ${one.certificate.id} ${one.rule}`} />
          <LoadMore shown={Math.min(shown, coming.length)} more={shown < coming.length} pending={false} onMore={() => setShown(shown + step)} />
        </>
      )}
    </section>
  );
}
