import i18next from 'i18next';

// Danish time whatever the machine's: deadlines and mails speak of it.
const timeZone = 'Europe/Copenhagen';

const locale = (): string => (i18next.language === 'en' ? 'en-GB' : 'da-DK');

export const number = (value: number): string => new Intl.NumberFormat(locale()).format(value);

export const percent = (share: number): string =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(share);

export const decimal = (value: number): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(value);

/** Øre as kroner, always with two decimals. */
export const kroner = (oere: number): string =>
  new Intl.NumberFormat(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(oere / 100);

export function bytes(size: number): string {
  const [unit, divisor] =
    size < 1_000_000 ? (['kilobyte', 1_000] as const) : (['megabyte', 1_000_000] as const);
  const style = { style: 'unit', unit, maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale(), style).format(size / divisor);
}

const format = (instant: string | Date, style: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(locale(), { timeZone, ...style }).format(new Date(instant));

/** 30. juni 2026 */
export const date = (instant: string | Date): string => format(instant, { dateStyle: 'long' });

/** 30. juni 2026 kl. 14.05 */
export const dateTime = (instant: string | Date): string =>
  format(instant, { dateStyle: 'long', timeStyle: 'short' });

/** 14.05.30 */
export const time = (instant: string | Date): string => format(instant, { timeStyle: 'medium' });

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** "om 3 dage", "for 2 timer siden": from now to the instant, in its largest unit. */
export function fromNow(instant: string | Date, now: Date): string {
  const seconds = (new Date(instant).getTime() - now.getTime()) / 1_000;
  const [unit, size] = units.find(([, one]) => Math.abs(seconds) >= one) ?? (['second', 1] as const);
  return new Intl.RelativeTimeFormat(locale()).format(Math.trunc(seconds / size), unit);
}

/** The offset of Danish time from UTC at an instant, in milliseconds. */
function offset(instant: Date): number {
  const style = { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const clock = { hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  const parts = new Intl.DateTimeFormat('en', { ...style, ...clock }).formatToParts(instant);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const local = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return local - Math.floor(instant.getTime() / 1_000) * 1_000;
}

/**
 * The instant of a Danish date and time of day, undefined when there is no such
 * date. In the hour that summer time skips it is the time an hour later.
 */
export function danishInstant(
  typed: { day: string; month: string; year: string },
  hour: number,
  minute: number,
): Date | undefined {
  const [day, month, year] = [Number(typed.day), Number(typed.month), Number(typed.year)];
  if (!Number.isInteger(day) || !Number.isInteger(month) || !/^\d{4}$/.test(typed.year)) return undefined;
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute));
  if (utc.getUTCDate() !== day || utc.getUTCMonth() !== month - 1) return undefined;
  const guess = new Date(utc.getTime() - offset(utc));
  return new Date(utc.getTime() - offset(guess));
}
