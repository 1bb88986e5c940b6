import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, redirect } from '@tanstack/react-router';
import { isStatus } from '@/api/client';
import { sessionQuery } from '@/api/session';
import { ErrorShell, NotFoundShell, PublicShell, SessionShell } from '@/frame/shells';

interface Context {
  queries: QueryClient;
}

export const root = createRootRouteWithContext<Context>()({ notFoundComponent: NotFoundShell });

export const open = createRoute({ getParentRoute: () => root, id: 'open', component: PublicShell });

// Everything below needs a session; without one the way goes over /login and back.
export const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: SessionShell,
  errorComponent: ErrorShell,
  beforeLoad: async ({ context, location }) => {
    try {
      return { session: await context.queries.query({ ...sessionQuery, staleTime: 'static' }) };
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      const next = location.href === '/' ? undefined : location.href;
      return redirect({ to: '/login', search: { next }, throw: true });
    }
  },
});
