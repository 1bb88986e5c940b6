import { useQuery } from '@tanstack/react-query';
import i18next from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type ServiceUse, usedQuery } from '@/api/services';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Skeleton } from '@/ui/feedback';
import { type Column, Table } from '@/ui/table';
import { useUseSave, withheldOf } from './access-panel';

type Attribute = ServiceUse['attributes'][number];

/** What an attribute is called among people; its URI where nobody knows it. */
export function useAttributeName(): (uri: string) => string {
  const { t } = useTranslation();
  return (uri) => {
    const key = `services.attributes.names.${uri.slice(uri.lastIndexOf('/') + 1)}`;
    return i18next.exists(key) ? (t as (key: string) => string)(key) : uri;
  };
}

/** What a service is told about the organisation's employees. */
export function AttributesPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(usedQuery(id));
  return (
    <section className="panel" aria-labelledby="attributes">
      <h2 id="attributes">{t('services.attributes.heading')}</h2>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && (
        <>
          <p>{t('services.attributes.lead', { name: data.name })}</p>
          <Consent key={data.version} id={id} use={data} />
        </>
      )}
    </section>
  );
}

function Consent({ id, use }: { id: string; use: ServiceUse }) {
  const { t } = useTranslation();
  const nameOf = useAttributeName();
  const [withheld, setWithheld] = useState(withheldOf(use));
  const { mutate, isPending, error } = useUseSave(id);
  const why = (one: Attribute) => {
    if (one.mandatory) return t('services.attributes.mandatory');
    if (one.required) return t('services.attributes.required');
    return one.asked ? t('services.attributes.asked') : t('services.attributes.free');
  };
  const columns: Column<Attribute>[] = [
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
    { heading: t('services.attributes.why'), cell: why },
    {
      heading: t('services.attributes.given'),
      cell: (one) =>
        one.mandatory ? (
          t('services.attributes.always')
        ) : (
          <div className="form-group-checkbox">
            <input
              id={`give-${one.name}`}
              type="checkbox"
              className="form-checkbox"
              checked={!withheld.includes(one.name)}
              onChange={(event) => setWithheld(event.target.checked ? withheld.filter((name) => name !== one.name) : [...withheld, one.name])}
            />
            <label className="form-label" htmlFor={`give-${one.name}`}>
              <span className="sr-only">{t('services.attributes.give', { name: nameOf(one.name) })}</span>
            </label>
          </div>
        ),
    },
  ];
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isPending) mutate({ withheld, groups: use.groups, version: use.version });
      }}
    >
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      <Table caption={t('services.attributes.heading')} columns={columns} rows={use.attributes} rowKey={(one) => one.name} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={isPending}>
          {t('services.save')}
        </Button>
      </div>
    </form>
  );
}
