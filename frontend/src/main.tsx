import './zod-setup';
import './styles/app.scss';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { isStatus, ProblemError } from './api/client';
import { startLanguage } from './i18n';
import { makeRouter } from './router';

const queries = new QueryClient({
  queryCache: new QueryCache({
    // The session ran out while a page was open: log in and come back.
    onError: (error) => {
      const { pathname, href } = router.state.location;
      if (isStatus(error, 401) && pathname.startsWith('/operator')) {
        queries.removeQueries({ queryKey: ['operator'] });
        void router.navigate({ to: '/operator/login' });
        return;
      }
      if (!isStatus(error, 401) || pathname === '/login' || pathname === '/activate') return;
      queries.removeQueries({ queryKey: ['session'] });
      void router.navigate({ to: '/login', search: { next: href } });
    },
  }),
  defaultOptions: {
    // Without a network a call fails with words; the default waits in silence.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 10_000,
      // A refusal will not change by asking again; a lost connection may.
      retry: (count, error) =>
        count < 2 && (!(error instanceof ProblemError) || error.status === 0 || error.status >= 502),
    },
  },
});
const router = makeRouter(queries);

async function start(): Promise<void> {
  await startLanguage();
  const place = document.createElement('div');
  place.id = 'app';
  document.body.append(place);
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

void start();
