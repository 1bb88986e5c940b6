import { accessible, administrator, asAdministrator, expect, logIn, look, test } from './fixtures';

test('pages that need no login', async ({ page }) => {
  await page.goto('/login');
  for (const path of ['/login', '/login/failed?code=localidp.person.unknown', '/activate', '/activate#unknown', '/block', '/directory', '/saml-key', '/ca', '/connect', '/recover', '/request/12345678', '/operator/login', '/operator/setup#unknown', '/connect/application#unknown', '/recover/case#unknown', '/certificate', '/certificate#unknown', '/certificate-email', '/no-such-page']) await look(page, path);
});

test('pages of an administrator', async ({ page }) => {
  test.setTimeout(900_000); // forty pages
  await asAdministrator(page);
  const { items: batches } = (await (await page.request.get('/api/v1/batches')).json()) as { items: { id: string }[] };
  const { items: people } = (await (await page.request.get('/api/v1/employees')).json()) as { items: { id: string }[] };
  const { items: services } = (await (await page.request.get('/api/v1/services')).json()) as { items: { id: string }[] };
  const { items: certificates } = (await (await page.request.get('/api/v1/inventory')).json()) as { items: { id: string }[] };
  const { items: campaigns } = (await (await page.request.get('/api/v1/inventory/campaigns')).json()) as { items: { id: string }[] };
  const { items: groups } = (await (await page.request.get('/api/v1/groups')).json()) as { items: { id: string }[] };
  const { items: reviews } = (await (await page.request.get('/api/v1/reviews')).json()) as { items: { id: string }[] };
  const paths = [
    '/',
    '/me',
    '/me/secure-mail',
    '/migration',
    '/migration/new',
    `/migration/${batches[0]?.id}`,
    '/employees',
    '/employees/secure-mail',
    '/employees/letters',
    '/employees?q=zzzz',
    `/employees/${people[0]?.id}`,
    `/employees/${people[0]?.id}/edit`,
    '/employees/no-such-employee',
    '/employees/erasures',
    `/rights/groups/${groups[0]?.id}`,
    `/rights/reviews/${reviews[0]?.id}`,
    '/services',
    '/services/new',
    `/services/${services[0]?.id}`,
    `/inventory/${certificates[0]?.id}`,
    `/inventory/campaigns/${campaigns[0]?.id}`,
    ...['openid', 'source', 'policy', 'access', 'attributes', 'statistics', 'diagnosis', 'trial', 'conformance', 'messages'].map((tab) => `/services/${services[0]?.id}?tab=${tab}`),
    '/services/used',
    `/services/used/${services[0]?.id}`,
  ];
  for (const path of paths) await look(page, path);
});

const administration = [
  '/identity-providers',
  '/identity-providers/new',
  '/notices',
  '/employees/new',
  '/employees/requests',
  '/employees/bulk',
  '/employees/bulk/new',
  '/rights',
  '/rights/basic',
  '/rights/groups',
  '/rights/holders',
  '/rights/requests',
  '/rights/reviews',
  '/powers/given',
  '/powers/received',
  '/certificates',
  '/certificates/new',
  '/certificates/revoke',
  '/inventory',
  '/inventory?q=zzzz',
  '/inventory?plan=open',
  '/inventory/no-such-certificate',
  '/inventory/upload',
  '/inventory/hosts',
  '/inventory/forecast',
  '/inventory/forecast?spread=6&earlier=2',
  '/inventory/campaigns',
  '/inventory/campaigns/new',
  '/inventory/reminders',
  '/organisation/agreement',
  '/organisation/approvals',
  '/organisation/audit',
  '/organisation/recoveries',
  '/organisation/roles',
  '/organisation/roles/table',
  '/organisation/settings',
  '/organisation/setup',
  '/organisation/templates',
  '/organisation/terms',
  '/organisation/usage',
];

for (const path of administration)
  test(`page of identity administration ${path}`, async ({ page }) => {
    await asAdministrator(page, path);
    await look(page, path);
  });

test('a draft with mistakes', async ({ page }) => {
  await asAdministrator(page, '/migration/new');
  const lines = ['RID;Fornavn;Efternavn;E-mail;CPR', ';Bo;Berg;bo@example.dk;610101-1234', '77;Åse;Æbelø;åse@example.dk;620202-2222'];
  const file = { name: 'to.csv', mimeType: 'text/csv', buffer: Buffer.from(lines.join('\r\n')) };
  await page.getByLabel('Fil med medarbejdere', { exact: true }).setInputFiles(file);
  await page.getByRole('button', { name: 'Indlæs og kontrollér' }).click();
  await expect(page).toHaveURL(/\/migration\/[0-9a-f-]+$/);
  await look(page, new URL(page.url()).pathname);
  await page.getByLabel('Start without the row with errors').check();
  await page.getByRole('button', { name: 'Start later …' }).click();
  await expect(page.getByRole('dialog', { name: 'Start later' })).toBeVisible();
  await accessible(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Start later …' })).toBeFocused();
  await page.getByRole('button', { name: 'Discard the draft' }).click();
  await expect(page).toHaveURL('/migration');
});

test('a file that is none is refused in words', async ({ page }) => {
  await asAdministrator(page, '/migration/new');
  const file = { name: 'to.csv', mimeType: 'text/csv', buffer: Buffer.from('Navn;Adresse\r\nBo;Her\r\n') };
  await page.getByLabel('Fil med medarbejdere', { exact: true }).setInputFiles(file);
  await page.getByRole('button', { name: 'Indlæs og kontrollér' }).click();
  await expect(page.getByText('Filen blev ikke indlæst').first()).toBeVisible();
  await expect(page.getByRole('row', { name: /Kolonnen »rid« mangler i filen/ })).toBeVisible();
});

test('metadata that is none is refused in words', async ({ page }) => {
  await asAdministrator(page, '/services/new');
  await page.getByRole('button', { name: 'Gennemgå' }).first().click();
  await expect(page.getByRole('alert')).toBeFocused();
  await page.getByLabel('Metadata (XML)').fill('<html></html>');
  await page.getByRole('button', { name: 'Gennemgå' }).first().click();
  await expect(page.getByText('Metadata kan ikke bruges')).toBeVisible();
  await expect(page.getByText('Metadata kan ikke læses').or(page.getByText('Metadata er ikke'))).toBeVisible();
});

test('the keyboard alone reaches the content, the menu and the way back', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 800 });
  await asAdministrator(page, '/employees');
  await page.reload();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Gå til sidens indhold' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
  const menu = page.getByRole('button', { name: 'Menu', exact: true });
  await menu.focus();
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('dialog', { name: 'Menu' });
  await expect(drawer).toBeVisible();
  await accessible(page);
  await page.keyboard.press('Escape');
  await expect(menu).toBeFocused();
  await page.keyboard.press('Enter');
  await drawer.getByRole('link', { name: 'Migrering' }).focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/migration');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
});

test('a page whose session ends while it is open comes back after a new login', async ({ page, context }) => {
  await asAdministrator(page, '/employees');
  await expect(page.getByRole('table')).toBeVisible();
  await context.clearCookies();
  await page.getByLabel('Søg efter medarbejder').fill('anna');
  await expect(page).toHaveURL('/login?next=%2Femployees%3Fq%3Danna');
  await logIn(page, administrator());
  await expect(page).toHaveURL('/employees?q=anna');
});
