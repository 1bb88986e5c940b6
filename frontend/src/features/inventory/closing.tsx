import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { danishInstant } from '@/format';
import { codeText } from '@/i18n';
import { DateField, type DateParts, noDate } from '@/ui/date-field';
import { TextField } from '@/ui/field';

/** The instant at which a campaign closes, as it is typed: a day and a Danish clock. */
export function useClosing() {
  const [day, setDay] = useState<DateParts>(noDate);
  const [clock, setClock] = useState('12:00');
  const [wrong, setWrong] = useState<{ day?: string | undefined; clock?: string | undefined }>({});
  /** What was typed, or undefined, and then the fields say what is wrong. */
  const read = (): Date | undefined => {
    const typed = /^([01]?\d|2[0-3])[.:]([0-5]\d)$/.exec(clock.trim());
    const at = danishInstant(day, Number(typed?.[1] ?? 0), Number(typed?.[2] ?? 0));
    setWrong({ day: at === undefined ? codeText('form.date') : undefined, clock: typed === null ? codeText('form.clock') : undefined });
    return typed === null ? undefined : at;
  };
  return { day, setDay, clock, setClock, wrong, read };
}

interface ClosingFieldsProps {
  closing: ReturnType<typeof useClosing>;
  hint: string;
  /** What the server says about the instant. */
  error?: string | undefined;
}

export function ClosingFields({ closing, hint, error }: ClosingFieldsProps) {
  const { t } = useTranslation();
  const { day, setDay, clock, setClock, wrong } = closing;
  return (
    <>
      <DateField id="day" label={t('campaigns.closingDay')} hint={hint} error={wrong.day ?? error} value={day} onChange={setDay} />
      <TextField
        id="clock"
        className="input-width-xs"
        label={t('campaigns.closingClock')}
        hint={t('campaigns.closingClockHint')}
        error={wrong.clock}
        value={clock}
        onChange={(event) => setClock(event.target.value)}
      />
    </>
  );
}
