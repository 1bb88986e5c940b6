import i18next, { type Resource } from 'i18next';
import { initReactI18next } from 'react-i18next';
import codes from './locales/da/codes.json';
import texts from './locales/da/texts.json';

export type Language = 'da' | 'en';
export const languages: Record<Language, string> = { da: 'Dansk', en: 'English' };

/**
 * Two files a language: `texts` by place, and `codes`, flat, by the stable codes
 * of problem documents, findings and key-file errors.
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

/** The text of a code in the language of the page; undefined for an unknown one. */
export function codeText(code: string, values: Record<string, unknown> = {}): string | undefined {
  const options = { ns: 'codes', keySeparator: false, nsSeparator: false } as const;
  return i18next.exists(code, options) ? i18next.t(code, { ...values, ...options }) : undefined;
}
