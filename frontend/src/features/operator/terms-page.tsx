import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { termsQuery } from '@/api/onboarding';
import { publishTerms } from '@/api/operator';
import { errorText, ProblemError } from '@/api/client';
import { danishInstant, date } from '@/format';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { DateField, noDate } from '@/ui/date-field';
import { ErrorSummary } from '@/ui/error-summary';
import { TextArea } from '@/ui/field';

export function PublishPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data } = useQuery(termsQuery);
  const [da, setDa] = useState('');
  const [en, setEn] = useState('');
  const [day, setDay] = useState(noDate);
  const { mutate, isPending, isSuccess, error } = useMutation({
    mutationFn: () => publishTerms({ text_da: da, text_en: en, effective_at: danishInstant(day, 0, 0)?.toISOString() ?? null }),
    onSuccess: (now) => queries.setQueryData(termsQuery.queryKey, now),
  });
  const field = error instanceof ProblemError ? error.field : undefined;
  const wrong = (name: string) => (field === name ? errorText(error) : undefined);
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending && confirm(t('operator.publishSure'))) mutate();
  };
  return (
    <Page title={t('operator.pages.terms')} lead={t('operator.termsLead')} narrow>
      {data !== undefined && (
        <ul>
          <li>{t('onboarding.currentTerms', { version: data.current.version })}</li>
          {data.announced.map((one) => (
            <li key={one.version}>{t('onboarding.announced', { version: one.version, at: date(one.effective_at) })}</li>
          ))}
        </ul>
      )}
      {isSuccess && (
        <Alert tone="success" live>
          {t('operator.published')}
        </Alert>
      )}
      <form className="panel" noValidate onSubmit={send}>
        {error !== null && <ErrorSummary problems={[{ field: field ?? 'text_da', text: errorText(error) }]} attempt={1} />}
        <TextArea id="text_da" label={t('operator.textDa')} rows={10} error={wrong('text_da')} value={da} onChange={(e) => setDa(e.target.value)} />
        <TextArea id="text_en" label={t('operator.textEn')} rows={10} error={wrong('text_en')} value={en} onChange={(e) => setEn(e.target.value)} />
        <DateField id="effective_at" label={t('operator.effective')} hint={t('operator.effectiveHint')} optional error={wrong('effective_at')} value={day} onChange={setDay} />
        <Button type="submit" variant="primary" pending={isPending}>
          {t('operator.publish')}
        </Button>
      </form>
    </Page>
  );
}
