import { describe, expect, it } from 'vitest';
import { countBy, weekOf } from '@/features/inventory/spread';

describe('the spread of renewals', () => {
  it('takes every day of a week to its Monday, over the end of a year too', () => {
    expect(['2026-12-28', '2026-12-31', '2027-01-03'].map(weekOf)).toEqual(['2026-12-28', '2026-12-28', '2026-12-28']);
    expect(weekOf('2027-01-04')).toBe('2027-01-04');
  });

  it('counts each week, the first one first', () => {
    const days = ['2027-01-05', '2026-12-30', '2027-01-04'];
    expect(countBy(days, weekOf)).toEqual([
      ['2026-12-28', 1],
      ['2027-01-04', 2],
    ]);
  });
});
