import { accessibleInBoth, asAdministrator, expect, test } from './fixtures';

test('the demo’s own service passes the conformance test', async ({ page, baseURL }) => {
  const base = baseURL ?? '';
  await asAdministrator(page, '/services');
  const { items } = (await (await page.request.get('/api/v1/services')).json()) as { items: { id: string; entity_id: string }[] };
  const id = items.find((one) => one.entity_id === `${base}/demo/service/metadata`)?.id ?? '';
  await page.goto(`/services/${id}?tab=conformance`);
  await page.getByLabel('Startadresse').fill('https://bank.example/login');
  await page.getByLabel('Side, der viser, om man er logget ind').fill(`${base}/demo/service`);
  await page.getByLabel('Tekst, som siden kun har').fill('Adgang Konformitetstest');
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await expect(page.getByText('Adressen skal være på en vært fra tjenestens metadata.')).toBeVisible();
  await page.getByLabel('Startadresse').fill(`${base}/demo/service/login?level=substantial`);
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await page.getByRole('button', { name: 'Prøv tjenesten nu' }).click();
  await expect(page.getByText('Tjenesten bestod alle prøver')).toBeVisible();
  await expect(page.getByText('16 bestået, 0 ikke bestået, 0 uafklaret, 0 ikke prøvet')).toBeVisible();
  await accessibleInBoth(page);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Hent rapporten (JSON)' }).click();
  expect((await download).suggestedFilename()).toMatch(/^conformance-\d{4}-\d\d-\d\d\.json$/);

  // A start address that leads nowhere leaves nothing to judge.
  await page.getByLabel('Startadresse').fill(`${base}/demo/service`);
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await page.getByRole('button', { name: 'Prøv tjenesten nu' }).click();
  await expect(page.getByText('Vent lidt.')).toBeVisible();
});
