import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { type CatalogueRight, openService, publishedQuery, publishRight, retireRight } from '@/api/rights';
import { number } from '@/format';
import { LoadError } from '@/frame/failure';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Choices } from '@/ui/choices';
import { Dialog } from '@/ui/dialog';
import { Skeleton } from '@/ui/feedback';
import { Checkbox, SelectField, TextArea, TextField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { useRightName } from './words';

type Offer = Schema['RightOffer'];
const kinds = ['cvr', 'p', 'se'] as const;
const levels = ['', 'Low', 'Substantial', 'High'] as const;
const blank: CatalogueRightLike = { uri: '', name_da: '', name_en: '', text_da: '', text_en: '', scopes: ['cvr'], constraints: [], requestable: true, seal: false, level: '' };
type CatalogueRightLike = Required<Offer>;

/** The rights that a service offers, by its owner. */
export function PublishPanel({ service }: { service: string }) {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<CatalogueRightLike>();
  const { data, error, refetch } = useQuery(publishedQuery(service));
  return (
    <section className="panel" aria-labelledby="offered">
      <h2 id="offered">{t('entitlements.publish.heading')}</h2>
      <p>{t('entitlements.publish.lead')}</p>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data !== undefined && <Opening service={service} open={data.open} />}
      {data?.items.length === 0 && <p>{t('entitlements.publish.none')}</p>}
      {data !== undefined && data.items.length > 0 && <Offered service={service} rights={data.items} onEdit={setEdited} />}
      <div className="actions">
        <Button icon="plus" onClick={() => setEdited(blank)}>
          {t('entitlements.publish.add')}
        </Button>
      </div>
      <Dialog
        open={edited !== undefined}
        onClose={() => setEdited(undefined)}
        heading={t(edited?.uri === '' ? 'entitlements.publish.add' : 'entitlements.publish.edit')}
      >
        {edited !== undefined && <OfferForm service={service} start={edited} onDone={() => setEdited(undefined)} />}
      </Dialog>
    </section>
  );
}

function Opening({ service, open }: { service: string; open: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const decide = useMutation({
    mutationFn: (wanted: boolean) => openService(service, wanted),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['rights'] }),
  });
  return (
    <Checkbox
      id="open-service"
      label={t('entitlements.publish.open')}
      checked={decide.isPending ? decide.variables : open}
      error={decide.error === null ? undefined : errorText(decide.error)}
      onChange={(event) => !decide.isPending && decide.mutate(event.target.checked)}
    />
  );
}

function Offered({ service, rights, onEdit }: { service: string; rights: CatalogueRight[]; onEdit: (right: CatalogueRightLike) => void }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const queries = useQueryClient();
  const retire = useMutation({
    mutationFn: (right: string) => retireRight(service, right),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['rights'] }),
  });
  const columns: Column<CatalogueRight>[] = [
    {
      heading: t('entitlements.right'),
      rowHeading: true,
      cell: (one) => (
        <>
          {nameOf(one)} {one.retired && <Badge>{t('entitlements.publish.retired')}</Badge>}
          <span className="block code small weight-normal break">{one.uri}</span>
        </>
      ),
    },
    { heading: t('entitlements.publish.version'), number: true, cell: (one) => number(one.version) },
    { heading: t('entitlements.publish.given'), number: true, cell: (one) => number(one.given ?? 0) },
    {
      heading: t('entitlements.change'),
      cell: (one) => (
        <>
          <Button variant="unstyled" icon="edit" aria-label={t('entitlements.publish.editOne', { name: nameOf(one) })} onClick={() => onEdit(one)}>
            {t('entitlements.publish.edit')}
          </Button>{' '}
          {!one.retired && (
            <Button
              variant="unstyled"
              icon="close"
              pending={retire.isPending && retire.variables === one.id}
              aria-label={t('entitlements.publish.retireOne', { name: nameOf(one) })}
              onClick={() => retire.mutate(one.id)}
            >
              {t('entitlements.publish.retire')}
            </Button>
          )}
        </>
      ),
    },
  ];
  return (
    <>
      {retire.error !== null && (
        <Alert tone="error" live>
          {errorText(retire.error)}
        </Alert>
      )}
      <Table caption={t('entitlements.publish.heading')} columns={columns} rows={rights} rowKey={(one) => one.id} />
    </>
  );
}

/** "name: a, b" a line; a name alone takes any text. */
const written = (constraints: Offer['constraints']): string =>
  (constraints ?? []).map(({ name, values }) => (values.length === 0 ? name : `${name} = ${values.join(', ')}`)).join('\n');

function readConstraints(text: string): NonNullable<Offer['constraints']> {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', values = ''] = line.split(/\s=\s?/, 2);
      return { name: name.trim(), values: values.split(',').map((one) => one.trim()).filter((one) => one !== '') };
    });
}

function OfferForm({ service, start, onDone }: { service: string; start: CatalogueRightLike; onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [offer, setOffer] = useState(start);
  const [constraints, setConstraints] = useState(written(start.constraints));
  const edit = (part: Partial<CatalogueRightLike>) => setOffer({ ...offer, ...part });
  const publish = useMutation({
    mutationFn: (body: Offer) => publishRight(service, body),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      toast('success', t('entitlements.publish.published'));
      onDone();
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    const { uri, name_da, name_en, text_da, text_en, scopes, requestable, seal, level } = offer;
    if (!publish.isPending)
      publish.mutate({ uri, name_da, name_en, text_da, text_en, scopes, requestable, seal, level, constraints: readConstraints(constraints) });
  };
  return (
    <form noValidate onSubmit={send}>
      {publish.error !== null && (
        <Alert tone="error" live>
          {errorText(publish.error)}
        </Alert>
      )}
      <TextField id="uri" label={t('entitlements.publish.uri')} hint={t('entitlements.publish.uriHint')} maxLength={500} spellCheck={false} readOnly={start.uri !== ''} value={offer.uri} onChange={(event) => edit({ uri: event.target.value })} />
      <TextField id="name-da" label={t('entitlements.publish.nameDa')} maxLength={200} value={offer.name_da} onChange={(event) => edit({ name_da: event.target.value })} />
      <TextField id="name-en" label={t('entitlements.publish.nameEn')} optional maxLength={200} value={offer.name_en} onChange={(event) => edit({ name_en: event.target.value })} />
      <TextArea id="text-da" label={t('entitlements.publish.textDa')} optional rows={2} maxLength={2000} value={offer.text_da} onChange={(event) => edit({ text_da: event.target.value })} />
      <TextArea id="text-en" label={t('entitlements.publish.textEn')} optional rows={2} maxLength={2000} value={offer.text_en} onChange={(event) => edit({ text_en: event.target.value })} />
      <Choices
        id="scopes"
        legend={t('entitlements.publish.scopes')}
        options={kinds.map((value) => ({ value, label: t(`entitlements.scope.${value}`) }))}
        chosen={offer.scopes}
        onChange={(chosen) => edit({ scopes: kinds.filter((kind) => chosen.includes(kind)) })}
      />
      <TextArea id="constraints" className="code" label={t('entitlements.publish.constraints')} hint={t('entitlements.publish.constraintsHint')} optional rows={2} spellCheck={false} value={constraints} onChange={(event) => setConstraints(event.target.value)} />
      <SelectField id="level" label={t('entitlements.publish.level')} value={offer.level} onChange={(event) => edit({ level: event.target.value as CatalogueRightLike['level'] })}>
        {levels.map((level) => (
          <option key={level} value={level}>
            {level === '' ? t('entitlements.level.none') : t(`entitlements.level.${level}`)}
          </option>
        ))}
      </SelectField>
      <Checkbox id="requestable" label={t('entitlements.publish.requestable')} checked={offer.requestable} onChange={(event) => edit({ requestable: event.target.checked })} />
      <Checkbox id="seal" label={t('entitlements.publish.seal')} checked={offer.seal} onChange={(event) => edit({ seal: event.target.checked })} />
      <div className="actions">
        <Button type="submit" variant="primary" pending={publish.isPending}>
          {t('entitlements.publish.submit')}
        </Button>
        <Button onClick={onDone}>{t('ui.cancel')}</Button>
      </div>
    </form>
  );
}
