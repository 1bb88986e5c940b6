import type { QueryClient } from '@tanstack/react-query';
import { createRouter } from '@tanstack/react-router';
import { NotFound, PageError } from './frame/failure';
import { PageWaiting } from './frame/waiting';
import { auditRoutes } from './routes/audit';
import { inside, open, root } from './routes/base';
import { bulkRoutes } from './routes/bulk';
import { certificateOpenRoutes, certificatesRoutes } from './routes/certificates';
import { employeesRoutes, request } from './routes/employees';
import { homeRoutes } from './routes/home';
import { inventoryRoutes } from './routes/inventory';
import { identityProviderRoutes, loginFailed } from './routes/identity-providers';
import { migrationRoutes } from './routes/migration';
import { connectRoutes, setupRoutes } from './routes/onboarding';
import { console_, consoleRoutes, operatorOpenRoutes } from './routes/operator';
import { powersRoutes } from './routes/powers';
import { publicRoutes } from './routes/public';
import { rightsRoutes } from './routes/rights';
import { rolesRoutes } from './routes/roles';
import { serviceOpenRoutes, servicesRoutes } from './routes/services';
import { settingsRoutes } from './routes/settings';

const routeTree = root.addChildren([
  open.addChildren([...publicRoutes, loginFailed, request, ...certificateOpenRoutes, ...serviceOpenRoutes, ...connectRoutes, ...operatorOpenRoutes]),
  console_.addChildren([...consoleRoutes]),
  inside.addChildren([
    ...homeRoutes,
    ...migrationRoutes,
    ...employeesRoutes,
    ...rightsRoutes,
    ...bulkRoutes,
    ...servicesRoutes,
    ...certificatesRoutes,
    ...inventoryRoutes,
    ...setupRoutes,
    ...powersRoutes,
    ...rolesRoutes,
    ...settingsRoutes,
    ...identityProviderRoutes,
    ...auditRoutes,
  ]),
]);

// Search parameters are plain text both ways: the router's own reading would turn
// a RID in the address into a number.
const parseSearch = (text: string): Record<string, string> => Object.fromEntries(new URLSearchParams(text));

function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const text = new URLSearchParams(given).toString();
  return text === '' ? '' : `?${text}`;
}

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    context: { queries },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: NotFound,
    defaultPendingComponent: PageWaiting,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
