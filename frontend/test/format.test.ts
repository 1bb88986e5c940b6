import { beforeAll, expect, test } from 'vitest';
import { bytes, danishInstant, date, dateTime, fromNow, percent } from '@/format';
import { setLanguage, startLanguage } from '@/i18n';

beforeAll(startLanguage);

const typed = (day: string, month: string, year: string) => ({ day, month, year });

test('dates and numbers follow the language and Danish time', async () => {
  await setLanguage('da');
  expect(date('2026-06-29T22:30:00Z')).toBe('30. juni 2026');
  expect(dateTime('2026-01-31T13:05:00Z')).toBe('31. januar 2026 kl. 14.05');
  expect(percent(0.625)).toBe('62,5\u00a0%');
  expect(bytes(1_250_000)).toBe('1,3 MB');
  await setLanguage('en');
  expect(date('2026-06-29T22:30:00Z')).toBe('30 June 2026');
  await setLanguage('da');
});

test('spans are told in their largest unit', () => {
  const now = new Date('2026-06-01T12:00:00Z');
  expect(fromNow('2026-06-04T13:00:00Z', now)).toBe('om 3 dage');
  expect(fromNow('2026-06-01T10:00:00Z', now)).toBe('for 2 timer siden');
  expect(fromNow('2026-06-01T12:00:20Z', now)).toBe('om 20 sekunder');
});

test.each([
  [typed('30', '6', '2026'), 23, 59, '2026-06-30T21:59:00.000Z'],
  [typed('1', '12', '2026'), 8, 0, '2026-12-01T07:00:00.000Z'],
  // Summer time begins and ends at 01:00 UTC.
  [typed('29', '3', '2026'), 1, 30, '2026-03-29T00:30:00.000Z'],
  [typed('29', '3', '2026'), 3, 30, '2026-03-29T01:30:00.000Z'],
  [typed('29', '2', '2028'), 12, 0, '2028-02-29T11:00:00.000Z'],
])('the Danish date %o at %d:%d', (day, hour, minute, want) => {
  expect(danishInstant(day, hour, minute)?.toISOString()).toBe(want);
});

test.each([typed('31', '2', '2026'), typed('', '6', '2026'), typed('1', '13', '2026'), typed('1', '1', '26'), typed('x', '1', '2026')])(
  'no such date: %o',
  (day) => {
    expect(danishInstant(day, 12, 0)).toBeUndefined();
  },
);
