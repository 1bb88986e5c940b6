import i18next from 'i18next';
import type { useTranslation } from 'react-i18next';
import type { ForecastMonth } from '@/api/inventory';
import type { Column } from '@/ui/columns';
import { kinds, plans } from './words';

/** What the parts of a column are. */
export type Stack = 'kind' | 'plan';

type Translate = ReturnType<typeof useTranslation>['t'];

const month = (text: string, style: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(i18next.language === 'en' ? 'en-GB' : 'da-DK', { timeZone: 'UTC', ...style }).format(new Date(`${text}-15T00:00:00Z`));

/** "januar 2027" of 2027-01. */
export const monthName = (text: string): string => month(text, { month: 'long', year: 'numeric' });

/** "jan" of 2027-01. */
export const monthShort = (text: string): string => month(text, { month: 'short' }).replace('.', '').slice(0, 3);

interface UsedPart {
  key: string;
  colour: number;
  label: string;
}

// Plans from what worries to what is done; kinds as they come.
const planColours: Record<string, number> = { open: 2, planned: 3, issued: 4, installed: 1, retired: 8 };

/** The parts that occur, in their order. */
export function usedParts(months: ForecastMonth[], stack: Stack, t: Translate): UsedPart[] {
  const used = new Set(months.flatMap((one) => one.counts.map((count) => count[stack])));
  return stack === 'kind'
    ? kinds.filter((kind) => used.has(kind)).map((kind) => ({ key: kind, colour: kinds.indexOf(kind) + 1, label: t(`inventory.kinds.${kind}`) }))
    : plans.filter((plan) => used.has(plan)).map((plan) => ({ key: plan, colour: planColours[plan] ?? 8, label: t(`inventory.plans.${plan}`) }));
}

/** The columns of a chart: one a month. */
export function columnsOf(months: ForecastMonth[], stack: Stack, t: Translate): Column[] {
  const parts = usedParts(months, stack, t);
  return months.map((one, i) => ({
    label: monthShort(one.month),
    group: i === 0 || one.month.endsWith('-01') ? one.month.slice(0, 4) : undefined,
    name: monthName(one.month),
    parts: parts
      .map(({ key, colour, label }) => ({
        colour,
        label,
        count: one.counts.filter((count) => count[stack] === key).reduce((sum, count) => sum + count.count, 0),
      }))
      .filter((part) => part.count > 0),
  }));
}
