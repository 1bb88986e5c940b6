import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './button';

/** Puts text on the clipboard; `what` names it for those who cannot see it. */
export function CopyButton({ text, what, small = false }: { text: string; what: string; small?: boolean }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 3_000);
    });
  };
  return (
    <Button
      variant={small ? 'unstyled' : 'secondary'}
      icon={copied ? 'check' : 'copy'}
      onClick={copy}
      aria-label={t('ui.copyWhat', { what })}
    >
      <span aria-live="polite">{copied ? t('ui.copied') : t('ui.copy')}</span>
    </Button>
  );
}
