import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText, type Schema } from '@/api/client';
import { addBasic, basicQuery, type CatalogueRight, dropBasic } from '@/api/rights';
import { may, sessionQuery } from '@/api/session';
import { date } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField } from '@/ui/field';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { RightPicker } from './right-form';
import { useRightName } from './words';

type Line = Schema['BasicLine'];

/** Rights that employees have by being there. */
export function BasicPage() {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const queries = useQueryClient();
  const toast = useToast();
  const { data: session } = useQuery(sessionQuery);
  const manages = session !== undefined && may(session, 'group.manage');
  const { data, error, refetch } = useQuery(basicQuery);
  const drop = useMutation({
    mutationFn: dropBasic,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      toast('success', t('entitlements.basic.dropped'));
    },
  });
  const columns: Column<Line>[] = [
    { heading: t('entitlements.right'), rowHeading: true, cell: (one) => nameOf(one.right) },
    { heading: t('entitlements.service'), cell: (one) => one.right.service_name },
    {
      heading: t('entitlements.basic.applies'),
      cell: (one) => (one.applies === 'new' ? t('entitlements.basic.newSince', { date: date(one.since) }) : t('entitlements.basic.all')),
    },
    {
      heading: t('entitlements.change'),
      cell: (one) =>
        manages && (
          <Button
            variant="unstyled"
            icon="delete"
            pending={drop.isPending && drop.variables === one.right.id}
            aria-label={t('entitlements.basic.dropOne', { name: nameOf(one.right) })}
            onClick={() => drop.mutate(one.right.id)}
          >
            {t('entitlements.basic.drop')}
          </Button>
        ),
    },
  ];
  return (
    <Page title={t('entitlements.basic.title')} lead={t('entitlements.basic.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {drop.error !== null && (
        <Alert tone="error" live>
          {errorText(drop.error)}
        </Alert>
      )}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} />}
      {data?.items.length === 0 && (
        <Empty icon="checklist" heading={t('entitlements.basic.empty')}>
          {t('entitlements.basic.emptyText')}
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <Table caption={t('entitlements.basic.title')} columns={columns} rows={data.items} rowKey={(one) => one.right.id} />
      )}
      {manages && <Add />}
    </Page>
  );
}

function Add() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const [version, setVersion] = useState(0);
  const [right, setRight] = useState<CatalogueRight>();
  const [applies, setApplies] = useState<Line['applies']>('all');
  const [missing, setMissing] = useState(false);
  const add = useMutation({
    mutationFn: addBasic,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      setRight(undefined);
      setVersion(version + 1);
      toast('success', t('entitlements.basic.added'));
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    setMissing(right === undefined);
    if (right !== undefined && !add.isPending) add.mutate({ right: right.id, applies });
  };
  return (
    <form className="panel" noValidate onSubmit={send} aria-labelledby="basic-add">
      <h2 id="basic-add">{t('entitlements.basic.add')}</h2>
      {add.error !== null && (
        <Alert tone="error" live>
          {errorText(add.error)}
        </Alert>
      )}
      <RightPicker key={version} id="basic" service="" picked={right} error={missing ? t('entitlements.form.pick') : undefined} onPick={setRight} />
      <SelectField id="basic-applies" label={t('entitlements.basic.applies')} value={applies} onChange={(event) => setApplies(event.target.value as Line['applies'])}>
        <option value="all">{t('entitlements.basic.all')}</option>
        <option value="new">{t('entitlements.basic.new')}</option>
      </SelectField>
      <div className="actions">
        <Button type="submit" variant="primary" pending={add.isPending}>
          {t('entitlements.basic.add')}
        </Button>
      </div>
    </form>
  );
}
