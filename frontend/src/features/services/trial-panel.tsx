import { useMutation } from '@tanstack/react-query';
import i18next from 'i18next';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { type ServiceTrial, tryLogin } from '@/api/services';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { CopyButton } from '@/ui/copy-button';
import { Checkbox, SelectField, TextArea } from '@/ui/field';
import { Table } from '@/ui/table';
import { useAttributeName } from './attributes-panel';

type Wish = Required<Schema['ServiceWish']>;
const levels = ['Low', 'Substantial', 'High'] as const;
const professional = 'https://data.gov.dk/eid/Professional/DK';

/** What the service would get about the one who looks. */
export function TrialPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const [wish, setWish] = useState<Wish>({ level: '', transient: false, profile: '' });
  const { mutate, data, isPending, error } = useMutation({ mutationFn: (wanted: Wish) => tryLogin(id, wanted) });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isPending) mutate(wish);
  };
  return (
    <section className="panel" aria-labelledby="trial">
      <h2 id="trial">{t('services.trial.heading')}</h2>
      <p>{t('services.trial.lead')}</p>
      <form onSubmit={send}>
        <SelectField id="trial-level" label={t('services.trial.level')} value={wish.level} onChange={(event) => setWish({ ...wish, level: event.target.value as Wish['level'] })}>
          <option value="">{t('services.trial.any')}</option>
          {levels.map((level) => (
            <option key={level} value={level}>
              {t(`services.level.${level}`)}
            </option>
          ))}
        </SelectField>
        <SelectField id="trial-profile" label={t('services.trial.profile')} value={wish.profile} onChange={(event) => setWish({ ...wish, profile: event.target.value })}>
          <option value="">{t('services.trial.oio3')}</option>
          <option value={professional}>{t('services.trial.oio4')}</option>
          <option value={`${professional}/Anonymous`}>{t('services.trial.oio4a')}</option>
        </SelectField>
        <Checkbox id="trial-transient" label={t('services.trial.transient')} checked={wish.transient} onChange={(event) => setWish({ ...wish, transient: event.target.checked })} />
        <div className="actions">
          <Button type="submit" variant="primary" pending={isPending}>
            {t('services.trial.submit')}
          </Button>
        </div>
      </form>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {data !== undefined && <Answer trial={data} />}
    </section>
  );
}

function Answer({ trial }: { trial: ServiceTrial }) {
  const { t } = useTranslation();
  const nameOf = useAttributeName();
  const word = (level: string | undefined) => t(`services.level.${(level ?? 'None') as 'None'}`);
  const key = `services.diagnosis.codes.${(trial.refused ?? '').replace('federation.', '').replace('.', '_')}.what`;
  const xml = t(trial.refused === undefined ? 'services.trial.xml' : 'services.trial.xmlRefused');
  return (
    <>
      {trial.refused === undefined ? (
        <Alert tone="success" heading={t('services.trial.would')} live />
      ) : (
        <Alert tone="warning" heading={t('services.trial.wouldNot')} live>
          {i18next.exists(key) ? (t as (key: string) => string)(key) : trial.refused}
        </Alert>
      )}
      <dl className="facts">
        <dt>{t('services.trial.levelIs')}</dt>
        <dd>{t('services.trial.levels', { level: word(trial.level), identity: word(trial.identity), means: word(trial.means) })}</dd>
        {trial.name_id !== '' && (
          <>
            <dt>{t('services.trial.nameId')}</dt>
            <dd className="code break">{trial.name_id}</dd>
          </>
        )}
        <dt>{t('services.trial.acs')}</dt>
        <dd className="code break">{trial.acs_url}</dd>
        <dt>{t('services.trial.encrypted')}</dt>
        <dd>{trial.encrypts ? t('services.yes') : t('services.no')}</dd>
      </dl>
      {trial.refused === undefined && (
        <Table
          caption={t('services.attributes.heading')}
          columns={[
            {
              heading: t('services.attributes.name'),
              rowHeading: true,
              cell: (one) => (
                <>
                  {nameOf(one.name)}
                  <span className="block code small weight-normal break">{one.name}</span>
                </>
              ),
            },
            { heading: t('services.trial.value'), cell: (one) => <span className="break">{one.value}</span> },
          ]}
          rows={trial.attributes}
          rowKey={(one) => one.name}
        />
      )}
      <TextArea id="trial-xml" className="code" rows={16} label={xml} readOnly spellCheck={false} value={indented(trial.xml)} />
      <CopyButton text={trial.xml} what={xml} />
    </>
  );
}

/** XML with a line for each element, to be read; what is copied is the bytes. */
export function indented(xml: string): string {
  let depth = 0;
  return xml
    .replace(/></g, '>\n<')
    .split('\n')
    .map((line) => {
      if (line.startsWith('</')) depth--;
      const at = '  '.repeat(Math.max(depth, 0)) + line;
      if (/^<[^/?!]/.test(line) && !line.includes('</') && !line.endsWith('/>')) depth++;
      return at;
    })
    .join('\n');
}
