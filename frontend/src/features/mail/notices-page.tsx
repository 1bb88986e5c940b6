import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/client';
import { noticesQuery, readNotice, readNotices } from '@/api/mail';
import { dateTime } from '@/format';
import { LoadError } from '@/frame/failure';
import { Page } from '@/frame/page';
import { Alert } from '@/ui/alert';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Empty, Skeleton } from '@/ui/feedback';
import { LoadMore } from '@/ui/load-more';

/** What was sent to me, in the language of the page. */
export function NoticesPage() {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const query = useInfiniteQuery(noticesQuery(i18n.language === 'en' ? 'en' : 'da'));
  const notices = query.data?.pages.flatMap((page) => page.items) ?? [];
  const unread = query.data?.pages[0]?.unread ?? 0;
  const onSuccess = () => queries.invalidateQueries({ queryKey: ['notices'] });
  const readAll = useMutation({ mutationFn: readNotices, onSuccess });
  const read = useMutation({ mutationFn: readNotice, onSuccess });
  const failed = readAll.error ?? read.error;
  return (
    <Page
      title={t('notices.title')}
      lead={t('notices.lead')}
      narrow
      actions={
        unread > 0 && (
          <Button icon="check" pending={readAll.isPending} onClick={() => readAll.mutate()}>
            {t('notices.readAll')}
          </Button>
        )
      }
    >
      {failed !== null && (
        <Alert tone="error" live>
          {errorText(failed)}
        </Alert>
      )}
      {query.isPending && <Skeleton label={t('ui.loading')} lines={8} />}
      {query.error !== null && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && notices.length === 0 && (
        <Empty icon="email" heading={t('notices.empty.heading')}>
          {t('notices.empty.text')}
        </Empty>
      )}
      {notices.map((one) => (
        <article key={one.id} className="panel" aria-labelledby={one.id}>
          <h2 id={one.id}>{one.subject}</h2>
          <p className="quiet small">
            {dateTime(one.at)} {one.read_at === null && <Badge tone="info">{t('notices.unread')}</Badge>}
          </p>
          <p className="notice-text">{one.body}</p>
          {one.read_at === null && (
            <div className="actions">
              <Button
                icon="check"
                aria-label={t('notices.readOne', { subject: one.subject })}
                pending={read.isPending && read.variables === one.id}
                onClick={() => read.mutate(one.id)}
              >
                {t('notices.read')}
              </Button>
            </div>
          )}
        </article>
      ))}
      {notices.length > 0 && (
        <LoadMore
          shown={notices.length}
          more={query.hasNextPage}
          pending={query.isFetchingNextPage}
          onMore={() => void query.fetchNextPage()}
        />
      )}
    </Page>
  );
}
