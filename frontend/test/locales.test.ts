import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import i18next from 'i18next';
import { beforeAll, describe, expect, test } from 'vitest';
import { codeText, sentence, setLanguage, startLanguage } from '@/i18n';
import { codes as danishCodes } from '@/locales/da/codes';
import { texts as danish } from '@/locales/da/texts';
import { codes as englishCodes } from '@/locales/en/codes';
import { texts as english } from '@/locales/en/texts';

type Tree = { [key: string]: string | Tree };

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') flat.set(prefix + key, value);
    else for (const [below, text] of flatten(value, `${prefix}${key}.`)) flat.set(below, text);
  }
  return flat;
}

const places = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();

describe('the two languages', () => {
  const [da, en] = [flatten(danish), flatten(english)];

  test('hold the same texts', () => {
    expect([...en.keys()]).toEqual([...da.keys()]);
  });

  test('fill in the same values', () => {
    for (const [key, text] of da) expect([key, places(en.get(key) ?? '')]).toEqual([key, places(text)]);
  });

  test('leave no text empty', () => {
    for (const [key, text] of [...da, ...en]) expect([key, text.trim()]).not.toEqual([key, '']);
  });
});

// Codes that no page can meet: of the command line, the queue, mail delivery, the
// demonstration and the error pages of the SAML endpoint.
const elsewhere = /^(a\.|demo\.|jobs\.|mail\.|metrics\.|org\.(cvr|name)\.|reminder\.(day|webhook)\.|session\.role\.|federation\.request\.|ca\.crl\.|internal$)/;

function goSources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

describe('codes', () => {
  test('of the server all have a Danish text', () => {
    const sources = goSources(join(import.meta.dirname, '../../internal'));
    const patterns = [/fault\.New\(fault\.\w+, "([a-z_.]+)"/g, /"(cutover\.(?:row|file)\.[a-z_]+)"/g, /"(http\.[a-z_]+)"/g];
    const files = sources.flatMap((source) => [...source.matchAll(/r\.refuse\(.+?, "([a-z0-9_]+)", /g)].map((match) => `inventory.file.${match[1] ?? ''}`));
    const met = sources.flatMap((source) => patterns.flatMap((one) => [...source.matchAll(one)].map((match) => match[1] ?? ''))).concat(files);
    const untold = [...new Set(met)].filter((code) => !/\.$|\.(absent|state)$/.test(code) && !elsewhere.test(code) && !(code in danishCodes));
    expect(met.length).toBeGreaterThan(50);
    expect(files.length).toBeGreaterThan(10);
    expect(untold.sort()).toEqual([]);
  });

  test('of the browser, and those that rows keep without their sentence, have an English text too', () => {
    const kept = ['attorney.employee.inactive', 'attorney.power.none', 'entitlement.right.retired'];
    const own = Object.keys(danishCodes).filter((code) => !code.includes('.') || /^(form|login)\./.test(code) || kept.includes(code));
    expect(Object.keys(englishCodes).sort()).toEqual(own.sort());
  });
});

test('verbs of the audit log all have a text', () => {
  const sources = goSources(join(import.meta.dirname, '../../internal'));
  // Given where the entry is made, or to what makes it.
  const patterns = [/audit\.By\([^"]*"([a-z_]+\.[a-z_]+)"/g, /\bverb :?= "([a-z_]+\.[a-z_]+)"/g, /s\.(?:host|placing)\([^"]*"([a-z_]+\.[a-z_]+)"/g];
  const verbs = sources.flatMap((source) => patterns.flatMap((one) => [...source.matchAll(one)].map((match) => match[1] ?? '')));
  const untold = [...new Set(verbs)].filter((verb) => !(verb.replace('.', '-') in danish.audit.verbs));
  expect(verbs.length).toBeGreaterThan(50);
  expect(untold.sort()).toEqual([]);
});

test('kinds of mail all have a name', () => {
  const source = readFileSync(join(import.meta.dirname, '../../internal/mail/mail.go'), 'utf8');
  const kinds = [...source.matchAll(/\bKind\w+ +(?:\w+ +)?= "([a-z_]+)"/g)].map((match) => match[1] ?? '');
  expect(kinds.length).toBeGreaterThan(20);
  expect(kinds.filter((kind) => !(kind in danish.notices.kinds))).toEqual([]);
});

describe('a sentence of the server', () => {
  beforeAll(startLanguage);

  test('is Danish on a Danish page, with its number and value', async () => {
    await setLanguage('da');
    expect(sentence('cutover.row.duplicate_rid', 'Line 17 has the same RID.')).toContain('Linje 17 har samme RID');
    expect(sentence('cutover.row.differs', 'Known with another value ("Bodil"), kept.')).toContain('»Bodil«');
  });

  test('is itself on an English page and where its code is new', async () => {
    await setLanguage('en');
    expect(sentence('cutover.row.duplicate_rid', 'Line 17 has the same RID.')).toBe('Line 17 has the same RID.');
    await setLanguage('da');
    expect(sentence('brand.new', 'A new sentence.')).toBe('A new sentence.');
    expect(sentence('org.employee.absent', 'There is no such thing.')).toBe(codeText('absent'));
    expect(i18next.language).toBe('da');
  });
});
