import { useTranslation } from 'react-i18next';
import { type Language, languages, setLanguage } from '@/i18n';
import { Icon } from '@/ui/icon';

/** Switches to the other language; its name is written in itself. */
export function LanguageButton({ className }: { className: string }) {
  const { i18n } = useTranslation();
  const other: Language = i18n.language === 'en' ? 'da' : 'en';
  return (
    <button type="button" className={className} lang={other} onClick={() => void setLanguage(other)}>
      <Icon name="language" />
      {languages[other]}
    </button>
  );
}
