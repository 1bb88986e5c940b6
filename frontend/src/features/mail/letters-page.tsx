import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { baseUrl, errorText } from '@/api/client';
import { handOver, type Letter, lettersQuery } from '@/api/mail';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { Icon } from '@/ui/icon';
import { type Column, Table } from '@/ui/table';
import { useToast } from '@/ui/toast';

/** Letters to those without e-mail: printed here, then handed over. */
export function LettersPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toast = useToast();
  const { data, error, refetch } = useQuery(lettersQuery);
  const done = useMutation({
    mutationFn: handOver,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: lettersQuery.queryKey });
      toast('success', t('letters.done'));
    },
  });
  const columns: Column<Letter>[] = [
    {
      heading: t('letters.to'),
      rowHeading: true,
      cell: (one) =>
        one.employee_id === '' ? (
          one.name
        ) : (
          <Link to="/employees/$id" params={{ id: one.employee_id }}>
            {one.name}
          </Link>
        ),
    },
    { heading: t('letters.subject'), cell: (one) => one.subject },
    { heading: t('letters.at'), cell: (one) => dateTime(one.at) },
    {
      heading: t('certificates.acts'),
      cell: (one) => (
        <Button variant="unstyled" icon="check" aria-label={t('letters.handOverOne', { name: one.name })} pending={done.isPending} onClick={() => done.mutate([one.id])}>
          {t('letters.handOver')}
        </Button>
      ),
    },
  ];
  const items = data?.items ?? [];
  return (
    <Page title={t('letters.title')} lead={t('letters.lead')}>
      {error !== null && <LoadError error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton label={t('ui.loading')} lines={6} />}
      {data !== undefined && items.length === 0 && (
        <Empty icon="email" heading={t('letters.none')}>
          {t('letters.noneText')}
        </Empty>
      )}
      {done.error !== null && (
        <Alert tone="error" live>
          {errorText(done.error)}
        </Alert>
      )}
      {items.length > 0 && (
        <>
          <div className="actions">
            <a className="button button-primary" href={`${baseUrl}/letters.pdf`} download>
              <Icon name="download" /> {t('letters.print')}
            </a>
            <Button pending={done.isPending} onClick={() => done.mutate(items.map((one) => one.id))}>
              {t('letters.handOverAll', { count: items.length })}
            </Button>
          </div>
          <p className="quiet">{t('letters.logged')}</p>
          <Table caption={t('letters.title')} columns={columns} rows={items} rowKey={(one) => one.id} />
        </>
      )}
    </Page>
  );
}
