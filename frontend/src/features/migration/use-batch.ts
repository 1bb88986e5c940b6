import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Batch, batchKey, batchQuery, eventsUrl, isUnderWay } from '@/api/batches';

const retryAfter = 5_000;
const pollEvery = 3_000;
const ratesKept = 40;

/** An event leaves out what is long and does not change. */
type BatchEvent = Omit<Batch, 'errors' | 'notices'>;

/**
 * Keeps a batch up to date from the server's events, and while there is no
 * connection by asking every few seconds. A page in the background lets go of
 * its connection: browsers allow six to a server over HTTP/1.1.
 */
export function useBatch(id: string) {
  const queries = useQueryClient();
  const [live, setLive] = useState(false);
  // The last rows per second, for a picture of the pace.
  const [rates, setRates] = useState<number[]>([]);
  const query = useQuery({
    ...batchQuery(id),
    refetchInterval: ({ state }) =>
      !live && state.data !== undefined && isUnderWay(state.data) ? pollEvery : false,
  });
  const watched = query.data !== undefined && query.data.state !== 'draft' && query.data.state !== 'cancelled';
  useEffect(() => {
    if (!watched) return undefined;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = undefined;
      setLive(false);
    };
    const open = () => {
      close();
      if (document.hidden) return;
      source = new EventSource(eventsUrl(id));
      source.addEventListener('open', () => setLive(true));
      source.addEventListener('batch', (event: MessageEvent<string>) => {
        const news = JSON.parse(event.data) as BatchEvent;
        queries.setQueryData<Batch>(batchKey(id), (old) => old && { ...old, ...news });
        const rate = news.rows_per_second;
        if (rate !== null) setRates((all) => [...all.slice(1 - ratesKept), rate]);
      });
      source.addEventListener('error', () => {
        setLive(false);
        // The browser tries again by itself unless the answer was no stream.
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, retryAfter);
      });
    };
    open();
    document.addEventListener('visibilitychange', open);
    return () => {
      document.removeEventListener('visibilitychange', open);
      close();
    };
  }, [id, watched, queries]);
  return { ...query, live, rates };
}
