import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '@/api/session';
import { Shell } from './shell';

/** Around pages that need no login. */
export const PublicShell = () => <Shell />;

/** Around pages behind the login; the router has fetched the session already. */
export function SessionShell() {
  const { data } = useQuery(sessionQuery);
  return <Shell session={data} />;
}
