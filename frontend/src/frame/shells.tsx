import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '@/api/session';
import { NotFound, PageError } from './failure';
import { Shell } from './shell';

/** Around pages that need no login. */
export const PublicShell = () => <Shell />;

/** Around pages behind the login; the router has fetched the session already. */
export function SessionShell() {
  const { data } = useQuery(sessionQuery);
  return <Shell session={data} />;
}

/** An address that leads nowhere; who is logged in is not asked for it. */
export const NotFoundShell = () => (
  <Shell>
    <NotFound />
  </Shell>
);

/** The session itself could not be fetched. */
export const ErrorShell = ({ error }: { error: unknown }) => (
  <Shell>
    <PageError error={error} />
  </Shell>
);
