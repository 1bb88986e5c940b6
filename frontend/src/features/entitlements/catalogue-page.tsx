import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { askForRight, type CatalogueRight, catalogueQuery, rightServicesQuery } from '@/api/rights';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Empty, Skeleton } from '@/ui/feedback';
import { SelectField, TextField } from '@/ui/field';
import { LoadMore } from '@/ui/load-more';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { MyRights } from './my-rights';
import { RightForm } from './right-form';
import { useRightName } from './words';

/** What can be asked for, and what one has. */
export function CataloguePage() {
  const { t } = useTranslation();
  return (
    <Page title={t('entitlements.catalogue.title')} lead={t('entitlements.catalogue.lead')}>
      <MyRights />
      <Catalogue />
    </Page>
  );
}

function Catalogue() {
  const { t } = useTranslation();
  const [service, setService] = useState('');
  const [q, setQ] = useState('');
  const [wanted, setWanted] = useState<CatalogueRight>();
  const { data: services } = useQuery(rightServicesQuery);
  const query = useInfiniteQuery({ ...catalogueQuery(service, q.trim()), placeholderData: (before) => before });
  const rights = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel" aria-labelledby="catalogue">
      <h2 id="catalogue">{t('entitlements.catalogue.heading')}</h2>
      <div className="columns">
        <TextField id="catalogue-q" type="search" label={t('entitlements.catalogue.search')} maxLength={200} value={q} onChange={(event) => setQ(event.target.value)} />
        <SelectField id="catalogue-service" label={t('entitlements.service')} value={service} onChange={(event) => setService(event.target.value)}>
          <option value="">{t('entitlements.all')}</option>
          {(services?.items ?? []).map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </SelectField>
      </div>
      {query.isPending && <Skeleton label={t('ui.loading')} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rights.length === 0 && (
        <Empty icon="checklist" heading={t('entitlements.catalogue.empty')}>
          {t('entitlements.catalogue.emptyText')}
        </Empty>
      )}
      {rights.length > 0 && (
        <>
          <CatalogueTable rights={rights} onAsk={setWanted} />
          <LoadMore shown={rights.length} more={query.hasNextPage} pending={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
        </>
      )}
      <AskDialog right={wanted} onClose={() => setWanted(undefined)} />
    </section>
  );
}

function CatalogueTable({ rights, onAsk }: { rights: CatalogueRight[]; onAsk: (right: CatalogueRight) => void }) {
  const { t, i18n } = useTranslation();
  const nameOf = useRightName();
  const columns: Column<CatalogueRight>[] = [
    {
      heading: t('entitlements.right'),
      rowHeading: true,
      cell: (one) => (
        <>
          {nameOf(one)}
          <span className="block quiet small weight-normal">{i18n.language === 'en' ? one.text_en : one.text_da}</span>
        </>
      ),
    },
    {
      heading: t('entitlements.service'),
      cell: (one) => (
        <>
          {one.service_name}
          <span className="block quiet small">{one.owner_name}</span>
        </>
      ),
    },
    {
      heading: t('entitlements.terms'),
      cell: (one) => (
        <>
          {one.scopes.map((kind) => t(`entitlements.scope.${kind}`)).join(', ')}
          {one.level !== '' && <span className="block small">{t('entitlements.levelNeeded', { level: t(`entitlements.level.${one.level}`) })}</span>}
          {one.seal && <Badge>{t('entitlements.seal')}</Badge>}
        </>
      ),
    },
    {
      heading: t('entitlements.change'),
      cell: (one) =>
        one.requestable ? (
          <Button variant="unstyled" icon="plus" aria-label={t('entitlements.ask.one', { name: nameOf(one) })} onClick={() => onAsk(one)}>
            {t('entitlements.ask.short')}
          </Button>
        ) : (
          <span className="quiet small">{t('entitlements.catalogue.closed')}</span>
        ),
    },
  ];
  return <Table caption={t('entitlements.catalogue.heading')} columns={columns} rows={rights} rowKey={(one) => one.id} />;
}

function AskDialog({ right, onClose }: { right: CatalogueRight | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const queries = useQueryClient();
  const toast = useToast();
  const ask = useMutation({
    mutationFn: askForRight,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rights'] });
      toast('success', t('entitlements.ask.sent'));
      onClose();
    },
  });
  const close = () => {
    ask.reset();
    onClose();
  };
  return (
    <Dialog open={right !== undefined} onClose={close} heading={t('entitlements.ask.one', { name: right === undefined ? '' : nameOf(right) })}>
      {right !== undefined && (
        <>
          <p>{t('entitlements.ask.text')}</p>
          <RightForm
            id="ask"
            right={right}
            asks
            submit={t('entitlements.ask.submit')}
            pending={ask.isPending}
            error={ask.error}
            onSubmit={({ until: _, ...wish }) => ask.mutate(wish)}
          />
        </>
      )}
    </Dialog>
  );
}
