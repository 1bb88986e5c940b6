import { useNavigate } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AuditFilter } from '@/api/audit';
import { texts } from '@/locales/da/texts';
import { Button } from '@/ui/button';
import { SelectField, TextField } from '@/ui/field';
import { useVerb } from './entry';

const fields = ['verb', 'actor', 'object', 'text', 'from', 'to'] as const;

/** The address holds the filter, so that it can be passed on. */
export function FilterForm({ filter }: { filter: AuditFilter }) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/organisation/audit' });
  const verb = useVerb();
  const [typed, setTyped] = useState(filter);
  const field = (name: (typeof fields)[number]) => ({
    id: `audit-${name}`,
    label: t(`audit.filter.${name}`),
    value: typed[name] ?? '',
    onChange: (event: { target: { value: string } }) => setTyped({ ...typed, [name]: event.target.value }),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const given = fields.map((name) => [name, typed[name]?.trim() || undefined] as const);
    void navigate({ search: Object.fromEntries(given), resetScroll: false });
  };
  const verbs = Object.keys(texts.audit.verbs).map((key) => key.replace('-', '.'));
  return (
    <search>
      <form className="filters" onSubmit={submit}>
        <SelectField {...field('verb')}>
          <option value="">{t('audit.filter.every')}</option>
          {verbs
            .map((one) => [one, verb(one)] as const)
            .sort(([, a], [, b]) => a.localeCompare(b, 'da'))
            .map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
        </SelectField>
        <TextField {...field('text')} type="search" maxLength={200} />
        <TextField {...field('actor')} hint={t('audit.filter.actorHint')} maxLength={200} />
        <TextField {...field('object')} hint={t('audit.filter.objectHint')} maxLength={200} />
        <TextField {...field('from')} type="date" />
        <TextField {...field('to')} type="date" />
        <div className="button-group">
          <Button variant="primary" type="submit">
            {t('audit.filter.show')}
          </Button>
          <Button variant="tertiary" onClick={() => void navigate({ search: {} })}>
            {t('audit.filter.clear')}
          </Button>
        </div>
      </form>
    </search>
  );
}
