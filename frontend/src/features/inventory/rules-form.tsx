import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { changeRules, type Rules } from '@/api/inventory';
import { codeText } from '@/i18n';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { Checkbox, TextField } from '@/ui/field';
import { useToast } from '@/ui/toast';
import { PreviewPanel } from './preview-panel';

type Numbers = 'users_from' | 'admins_from' | 'key_file_users_from' | 'key_file_admins_from' | 'quiet_from' | 'quiet_to' | 'digest_over';
type Lists = 'days' | 'key_file_days';
type Draft = Record<Numbers | Lists | 'webhook_url', string> & { weekends: boolean };

const draftOf = (rules: Rules): Draft => ({
  days: rules.days.join(', '),
  key_file_days: rules.key_file_days.join(', '),
  users_from: String(rules.users_from),
  admins_from: String(rules.admins_from),
  key_file_users_from: String(rules.key_file_users_from ?? 7),
  key_file_admins_from: String(rules.key_file_admins_from ?? 0),
  quiet_from: String(rules.quiet_from),
  quiet_to: String(rules.quiet_to),
  digest_over: String(rules.digest_over),
  weekends: rules.weekends,
  webhook_url: rules.webhook_url,
});

const listOf = (text: string): number[] => text.split(/[\s,;]+/).filter((one) => one !== '').map(Number);

/** What was typed as rules; the field that is no number instead when there is one. */
export function rulesOf(draft: Draft, version: number): Rules | Numbers | Lists {
  const [days, keyFileDays] = [listOf(draft.days), listOf(draft.key_file_days)];
  if (days.length === 0 || !days.every(Number.isInteger)) return 'days';
  if (keyFileDays.length === 0 || !keyFileDays.every(Number.isInteger)) return 'key_file_days';
  const numbers = (['users_from', 'admins_from', 'key_file_users_from', 'key_file_admins_from', 'quiet_from', 'quiet_to', 'digest_over'] as const).map((name) => [name, draft[name].trim()] as const);
  const bad = numbers.find(([, text]) => !/^-?\d{1,3}$/.test(text));
  if (bad !== undefined) return bad[0];
  const values = Object.fromEntries(numbers.map(([name, text]) => [name, Number(text)])) as Record<Numbers, number>;
  return { ...values, days, key_file_days: keyFileDays, weekends: draft.weekends, webhook_url: draft.webhook_url.trim(), version };
}

/** The rules in one form; the secret of a new webhook is shown once, above it. */
export function RulesForm({ rules, manages }: { rules: Rules; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [draft, setDraft] = useState(draftOf(rules));
  const [wrong, setWrong] = useState<string>();
  const [secret, setSecret] = useState('');
  const save = useMutation({
    mutationFn: changeRules,
    onSuccess: async ({ webhook_secret }) => {
      setSecret(webhook_secret);
      toast('success', t('rules.saved'));
      // With a new secret the form stays until it was read.
      if (webhook_secret === '') await queries.invalidateQueries({ queryKey: ['reminders', 'rules'] });
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const made = rulesOf(draft, rules.version);
    setWrong(typeof made === 'string' ? made : undefined);
    if (typeof made !== 'string' && !save.isPending) save.mutate(made);
  };
  const field = save.error instanceof ProblemError ? save.error.field : undefined;
  const errorOf = (name: string): string | undefined => {
    if (wrong === name) return codeText(name === 'days' || name === 'key_file_days' ? 'reminder.rules.days' : 'reminder.rules.range') ?? t('rules.wrong');
    return field === name ? errorText(save.error) : undefined;
  };
  const text = (name: Exclude<keyof Draft, 'weekends'>) => ({
    id: `rules-${name}`,
    label: t(`rules.${name}`),
    hint: t(`rules.hints.${name}`),
    value: draft[name],
    error: errorOf(name),
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  const typed = rulesOf(draft, rules.version);
  return (
    <>
      <section className="panel" aria-labelledby="rules">
        <h2 id="rules">{t('rules.heading')}</h2>
        {secret !== '' && (
          <Alert tone="warning" heading={t('rules.secretOnce')} live>
            <p>{t('rules.secretText')}</p>
            <p className="code break" data-testid="webhook-secret">
              {secret}
            </p>
            <div className="actions">
              <CopyButton text={secret} what={t('rules.secret')} />
              <Button variant="primary" onClick={() => void queries.invalidateQueries({ queryKey: ['reminders', 'rules'] })}>
                {t('rules.secretRead')}
              </Button>
            </div>
          </Alert>
        )}
        {save.error !== null && (field === undefined || wrong !== undefined) && (
          <Alert tone="error" live>
            {errorText(save.error)}
          </Alert>
        )}
        <form noValidate onSubmit={submit}>
          <fieldset className="bare" disabled={!manages || secret !== ''}>
            <legend className="sr-only">{t('rules.heading')}</legend>
            <TextField {...text('days')} />
            <TextField {...text('key_file_days')} />
            <div className="fields">
              <TextField {...text('users_from')} inputMode="numeric" />
              <TextField {...text('admins_from')} inputMode="numeric" />
              <TextField {...text('key_file_users_from')} inputMode="numeric" />
              <TextField {...text('key_file_admins_from')} inputMode="numeric" />
              <TextField {...text('digest_over')} inputMode="numeric" />
              <TextField {...text('quiet_from')} inputMode="numeric" />
              <TextField {...text('quiet_to')} inputMode="numeric" />
            </div>
            <Checkbox id="rules-weekends" label={t('rules.weekends')} checked={draft.weekends} onChange={(event) => setDraft({ ...draft, weekends: event.target.checked })} />
            <TextField {...text('webhook_url')} type="url" optional />
          </fieldset>
          {manages && secret === '' && (
            <div className="actions">
              <Button type="submit" variant="primary" icon="save" pending={save.isPending}>
                {t('rules.save')}
              </Button>
            </div>
          )}
        </form>
      </section>
      <PreviewPanel rules={typeof typed === 'string' ? rules : typed} />
    </>
  );
}
