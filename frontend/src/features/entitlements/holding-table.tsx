import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { type Holding, takeRight } from '@/api/rights';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';
import { Limits, Source, Term, useRightName } from './words';

interface HoldingTableProps {
  caption: string;
  holdings: Holding[];
  /** Which of them may be taken away here. */
  takes?: (holding: Holding) => boolean;
}

const keyOf = (one: Holding) => [one.right.id, one.source, one.group_id, one.assignment, one.urn].join(' ');

/** Rights that somebody has, with where from and until when. */
export function HoldingTable({ caption, holdings, takes }: HoldingTableProps) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const [asked, setAsked] = useState<Holding>();
  const columns = useMemo<Column<Holding>[]>(
    () => [
      { heading: t('entitlements.right'), rowHeading: true, cell: (one) => nameOf(one.right) },
      { heading: t('entitlements.service'), cell: (one) => one.right.service_name },
      { heading: t('entitlements.limits'), cell: (one) => <Limits {...one} /> },
      { heading: t('entitlements.source.title'), cell: (one) => <Source holding={one} /> },
      { heading: t('entitlements.term'), cell: (one) => <Term holding={one} /> },
      ...(takes === undefined
        ? []
        : [
            {
              heading: t('entitlements.change'),
              cell: (one: Holding) =>
                takes(one) && (
                  <Button variant="unstyled" icon="delete" aria-label={t('entitlements.takeOne', { name: nameOf(one.right) })} onClick={() => setAsked(one)}>
                    {t('entitlements.take')}
                  </Button>
                ),
            },
          ]),
    ],
    [t, nameOf, takes],
  );
  return (
    <>
      <Table caption={caption} columns={columns} rows={holdings} rowKey={keyOf} />
      <TakeDialog holding={asked} onClose={() => setAsked(undefined)} />
    </>
  );
}

function TakeDialog({ holding, onClose }: { holding: Holding | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const nameOf = useRightName();
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate, isPending, error } = useMutation({
    mutationFn: takeRight,
    onSuccess: async () => {
      await Promise.all([queries.invalidateQueries({ queryKey: ['rights'] }), queries.invalidateQueries({ queryKey: ['groups'] })]);
      toast('success', t('entitlements.taken'));
      onClose();
    },
  });
  const name = holding === undefined ? '' : nameOf(holding.right);
  return (
    <Dialog
      open={holding !== undefined}
      onClose={onClose}
      heading={t('entitlements.takeHeading', { name })}
      actions={
        <>
          <Button variant="warning" pending={isPending} onClick={() => mutate(holding?.assignment ?? '')}>
            {t('entitlements.take')}
          </Button>
          <Button onClick={onClose}>{t('ui.cancel')}</Button>
        </>
      }
    >
      <p>{t('entitlements.takeText')}</p>
      {error !== null && (
        <Alert tone="error" live>
          {errorText(error)}
        </Alert>
      )}
    </Dialog>
  );
}
