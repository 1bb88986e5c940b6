import i18next, { type Resource } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { codes } from './locales/da/codes';
import { texts } from './locales/da/texts';

export type Language = 'da' | 'en';
export const languages: Record<Language, string> = { da: 'Dansk', en: 'English' };

/**
 * Two folders a language: `texts` by place, and `codes`, flat, by the stable codes
 * of problem documents, findings and key-file errors. In English only the codes
 * of the browser are there: the server's own sentences are English.
 */
declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'texts';
    resources: { texts: typeof texts; codes: Record<string, string> };
  }
}

const storageKey = 'adgang-language';

function chosen(): Language {
  try {
    return localStorage.getItem(storageKey) === 'en' ? 'en' : 'da';
  } catch {
    return 'da'; // storage is turned off
  }
}

async function load(language: Language): Promise<void> {
  if (i18next.hasResourceBundle(language, 'texts')) return;
  const english = await import('./locales/en');
  i18next.addResourceBundle(language, 'texts', english.texts);
  i18next.addResourceBundle(language, 'codes', english.codes);
}

export async function startLanguage(): Promise<void> {
  const resources: Resource = { da: { texts, codes } };
  await i18next.use(initReactI18next).init({
    lng: 'da',
    fallbackLng: 'da',
    ns: ['texts', 'codes'],
    defaultNS: 'texts',
    resources,
    interpolation: { escapeValue: false },
  });
  await setLanguage(chosen());
}

export async function setLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(storageKey, language);
  } catch {
    // The choice lasts as long as the page.
  }
}

const flat = { ns: 'codes', keySeparator: false, nsSeparator: false } as const;

/** The text of a code in the language of the page; undefined for an unknown one. */
export function codeText(code: string, values: Record<string, string> = {}): string | undefined {
  const known: unknown = i18next.getResource(i18next.language, 'codes', code, flat);
  return known === undefined ? undefined : i18next.t(code, { ...values, ...flat });
}

/**
 * The server's English sentence in the language of the page. Its first number,
 * quoted value and name of a column are carried over. `package.noun.absent` and `.state` have
 * one text for all nouns that have none of their own.
 */
export function sentence(code: string, english: string): string | undefined {
  const first = (pattern: RegExp): string => pattern.exec(english)?.[1] ?? '';
  const values = {
    number: first(/(\d+)/),
    quoted: first(/"([^"]*)"/),
    column: first(/column ([\p{L}\p{N}_-]+)/u),
  };
  const last = code.split('.').at(-1) ?? '';
  const shared = ['absent', 'state'].includes(last) ? codeText(last) : undefined;
  const given = english === '' ? undefined : english;
  return codeText(code, values) ?? (i18next.language === 'en' ? (given ?? shared) : (shared ?? given));
}

/** The text of a name that the server made, undefined until it has one. */
export function nameText(place: string, name: string): string | undefined {
  const known: unknown = i18next.getResource(i18next.language, 'texts', `${place}.${name.replaceAll('.', '_')}`);
  return typeof known === 'string' ? known : undefined;
}
