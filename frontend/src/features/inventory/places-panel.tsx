import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, ProblemError } from '@/api/client';
import { addPlace, type CertificateView, type Place, removePlace, tickPlace } from '@/api/inventory';
import { date } from '@/format';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';

/** Where a certificate is installed, and whether its successor is there yet. */
export function PlacesPanel({ view, manages }: { view: CertificateView; manages: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { id } = view.certificate;
  const refresh = () => queries.invalidateQueries({ queryKey: ['inventory'] });
  const tick = useMutation({ mutationFn: (place: Place) => tickPlace(id, place.id, place.installed_at === null), onSuccess: refresh });
  const remove = useMutation({ mutationFn: (place: string) => removePlace(id, place), onSuccess: refresh });
  const error = tick.error ?? remove.error;
  const ready = view.successor_id !== '';
  const columns: Column<Place>[] = [
    { heading: t('inventory.places.name'), rowHeading: true, cell: (one) => <span className="break">{one.name}</span> },
    {
      heading: t('inventory.contact'),
      cell: (one) => (
        <>
          {one.contact_name}
          <span className="block quiet small break">{one.contact_email}</span>
        </>
      ),
    },
    {
      heading: t('inventory.places.installed'),
      cell: (one) => (
        <span className="form-group-checkbox">
          <input
            type="checkbox"
            className="form-checkbox"
            id={`installed-${one.id}`}
            disabled={!manages || (!ready && one.installed_at === null)}
            checked={one.installed_at !== null}
            onChange={() => tick.mutate(one)}
          />
          <label className="form-label" htmlFor={`installed-${one.id}`}>
            {one.installed_at === null ? t('inventory.places.notYet') : date(one.installed_at)}
            <span className="sr-only">: {one.name}</span>
          </label>
        </span>
      ),
    },
    ...(manages
      ? [
          {
            heading: t('inventory.acts'),
            cell: (one: Place) => (
              <Button variant="unstyled" icon="delete" aria-label={t('inventory.places.removeOne', { name: one.name })} onClick={() => remove.mutate(one.id)}>
                {t('inventory.places.remove')}
              </Button>
            ),
          },
        ]
      : []),
  ];
  return (
    <section className="panel" aria-labelledby="places">
      <h2 id="places">{t('inventory.places.heading')}</h2>
      <p className="quiet">{t(ready ? 'inventory.places.lead' : 'inventory.places.early')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
      {view.places.length === 0 ? (
        <p>{t('inventory.places.none')}</p>
      ) : (
        <Table caption={t('inventory.places.heading')} columns={columns} rows={view.places} rowKey={(one) => one.id} />
      )}
      {manages && <NewPlace id={id} />}
    </section>
  );
}

const nothing = { name: '', contact_name: '', contact_email: '' };

function NewPlace({ id }: { id: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [draft, setDraft] = useState(nothing);
  const add = useMutation({
    mutationFn: () => addPlace(id, draft),
    onSuccess: async () => {
      setDraft(nothing);
      await queries.invalidateQueries({ queryKey: ['inventory'] });
    },
  });
  const field = add.error instanceof ProblemError ? add.error.field : undefined;
  const text = (name: keyof typeof nothing) => ({
    id: `place-${name}`,
    value: draft[name],
    maxLength: 200,
    error: field === name ? errorText(add.error) : undefined,
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!add.isPending) add.mutate();
  };
  return (
    <details>
      <summary>{t('inventory.places.new')}</summary>
      <form noValidate onSubmit={submit}>
        {add.error !== null && field === undefined && (
          <Alert tone="error" live>
            {errorText(add.error)}
          </Alert>
        )}
        <TextField {...text('name')} label={t('inventory.places.name')} hint={t('inventory.places.nameHint')} />
        <TextField {...text('contact_name')} label={t('inventory.contactName')} optional />
        <TextField {...text('contact_email')} type="email" label={t('inventory.contactEmail')} optional />
        <div className="actions">
          <Button type="submit" variant="primary" icon="plus" pending={add.isPending}>
            {t('inventory.places.add')}
          </Button>
        </div>
      </form>
    </details>
  );
}
