import { describe, expect, test } from 'vitest';
import type { Certificate, Rules } from '@/api/inventory';
import { comingUp, digestDays } from '@/features/inventory/preview';
import { rulesOf } from '@/features/inventory/rules-form';
import { isOverdue, wantsOf } from '@/features/inventory/words';
import { isKeyFile } from '@/features/inventory/take-in';

const rules: Rules = {
  days: [30, 7, 0, -1], key_file_days: [7], users_from: 7, admins_from: 0, quiet_from: 18, quiet_to: 8, weekends: false, digest_over: 2,
  webhook_url: '', version: 1,
};

const certificate = (id: string, change: Partial<Certificate>): Certificate => ({
  id, name: id, subject: '', subject_id: '', cvr: '', issuer: '', serial: '', email: '', generation: 'oces3', kind: 'system', test: false, secure_email: false,
  source: 'list', profile_id: '', not_before: null, not_after: '2026-12-15T22:59:59Z', plan: 'open', owner_id: '', owner_name: '', contact_name: '', contact_email: '', contact_post: '', chain: '', contact_lang: 'da',
  renew_by: '', switch_on: '', version: 1, ...change,
});

const now = new Date('2026-12-01T12:00:00Z');

describe('what rules would send', () => {
  test('falls on days of Denmark, to whom the rule is for', () => {
    const all = [
      certificate('a', { owner_id: 'e1' }),
      // The first second of the 16th in Denmark, summer or winter.
      certificate('b', { contact_email: 'x@firma.dk', not_after: '2026-12-15T23:00:00Z' }),
      certificate('done', { plan: 'installed' }),
      certificate('authority', { kind: 'authority' }),
    ];
    expect(comingUp(all, rules, now, 30).map(({ day, certificate: { id }, rule, hearers }) => [day, id, rule, hearers.join()])).toEqual([
      ['2026-12-08', 'a', 7, 'owner,users'],
      ['2026-12-09', 'b', 7, 'contact,users'],
      ['2026-12-15', 'a', 0, 'owner,users,admins'],
      ['2026-12-16', 'a', -1, 'owner,users,admins'],
      ['2026-12-16', 'b', 0, 'contact,users,admins'],
      ['2026-12-17', 'b', -1, 'contact,users,admins'],
    ]);
  });

  test('goes to user administrators when nobody looks after it, and to the webhook', () => {
    const [first] = comingUp([certificate('a', { not_after: '2026-12-31T12:00:00Z' })], { ...rules, webhook_url: 'https://x.dk' }, now, 3);
    expect(first).toMatchObject({ day: '2026-12-01', rule: 30, hearers: ['users', 'webhook'] });
  });

  test('becomes one mail when a receiver would get more than the limit', () => {
    const all = ['a', 'b', 'c'].map((id) => certificate(id, { owner_id: 'e1' }));
    expect(digestDays(comingUp(all, { ...rules, days: [7] }, now, 30), 2)).toEqual(['2026-12-08']);
    expect(digestDays(comingUp(all, { ...rules, days: [7] }, now, 30), 3)).toEqual([]);
  });
});

test('rules that were typed are numbers, or name the field that is none', () => {
  const typed = {
    days: '90, 30;7 -1', key_file_days: '7', users_from: '30', admins_from: '7', key_file_users_from: '7', key_file_admins_from: '0', quiet_from: '18', quiet_to: '8', digest_over: '5', weekends: false, webhook_url: ' https://x.dk ',
  };
  expect(rulesOf(typed, 3)).toMatchObject({ days: [90, 30, 7, -1], users_from: 30, webhook_url: 'https://x.dk', version: 3 });
  expect(rulesOf({ ...typed, days: '90, snart' }, 3)).toBe('days');
  expect(rulesOf({ ...typed, key_file_days: ' ' }, 3)).toBe('key_file_days');
  expect(rulesOf({ ...typed, quiet_to: 'otte' }, 3)).toBe('quiet_to');
});

test('key files are told by name or by their first element', () => {
  expect(isKeyFile('gammel.PFX', new Uint8Array())).toBe(true);
  expect(isKeyFile('blob', Uint8Array.of(0x30, 0x82, 0x05, 0x00, 0x02, 0x01, 0x03))).toBe(true);
  expect(isKeyFile('blob', Uint8Array.of(0x30, 0x80, 0x02, 0x01, 0x03))).toBe(true);
  expect(isKeyFile('a.cer', Uint8Array.of(0x30, 0x82, 0x05, 0x00, 0x30, 0x82, 0x03))).toBe(false);
  expect(isKeyFile('a.csv', new TextEncoder().encode('Navn;Serienummer'))).toBe(false);
});

describe('the list of certificates', () => {
  test('says what each lacks', () => {
    expect(wantsOf(certificate('a', {}))).toEqual(['care', 'successor']);
    expect(wantsOf(certificate('b', { contact_post: 'Havnen 1' }))).toEqual(['successor']);
    expect(wantsOf(certificate('c', { plan: 'issued', owner_id: 'x' }))).toEqual(['installed']);
    expect(wantsOf(certificate('d', { plan: 'installed' }))).toEqual([]);
  });

  test('is overdue from the day after the one that was set, until the successor is there', () => {
    const now = new Date('2026-12-01T10:00:00Z');
    expect(isOverdue(certificate('a', { renew_by: '2026-11-30' }), now)).toBe(true);
    expect(isOverdue(certificate('b', { renew_by: '2026-12-01' }), now)).toBe(false);
    expect(isOverdue(certificate('c', { renew_by: '2026-11-30', plan: 'issued' }), now)).toBe(false);
  });
});
