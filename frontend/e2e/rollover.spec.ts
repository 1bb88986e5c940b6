import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { accessible, accessibleInBoth, asAdministrator, expect, speak, test } from './fixtures';

// Certificates from their expiry to their successors, on the demo's inventory.

const folder = mkdtempSync(join(tmpdir(), 'adgang-rollover-'));
const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

test('the forecast shows the wave, and what spreading it would do', async ({ page }) => {
  await asAdministrator(page, '/inventory/forecast');
  await expect(page.getByText(/^\d+ certifikater udløber i /)).toBeVisible();
  await page.getByRole('button', { name: 'Efter plan' }).click();
  await expect(page.getByRole('button', { name: 'Efter plan' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByText('Vis tallene som tabel').click();
  const table = page.getByRole('table', { name: 'Udløb pr. måned' });
  await expect(table.getByRole('columnheader', { name: 'Ingen plan' })).toBeVisible();
  await expect(table.getByRole('row')).toHaveCount(37);
  await accessible(page);
  const peaks = async (): Promise<number[]> =>
    [...((await page.getByText(/^Den travleste måned/).textContent()) ?? '').matchAll(/\d+/g)].map((match) => Number(match[0]));
  const [before = 0, planned = 0] = await peaks();
  await page.getByLabel('Måneder før udløb').fill('99');
  await page.getByRole('button', { name: 'Beregn' }).click();
  await expect(page.getByText('Skriv et tal inden for grænserne')).toBeVisible();
  await page.getByLabel('Måneder før udløb').fill('0');
  await page.getByLabel('Spredt over måneder').fill('6');
  await page.getByRole('button', { name: 'Beregn' }).click();
  await expect(page).toHaveURL(/spread=6/);
  await expect(async () => {
    const [now, after = planned] = await peaks();
    expect(now).toBe(before);
    expect(after).not.toBe(planned);
  }).toPass();
  const csv = await page.request.get((await page.getByRole('link', { name: 'Hent som CSV' }).getAttribute('href')) ?? '');
  expect(await csv.text()).toContain('month');
  await accessibleInBoth(page);
});

test('a key file is opened in the browser, and only its certificate is sent', async ({ page }) => {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-nodes', '-keyout', 'old.key', '-subj', '/O=Gammel Leverance (fiktiv)/CN=gammel-leverance.example', '-days', '40', '-out', 'old.pem');
  openssl('pkcs12', '-export', '-legacy', '-inkey', 'old.key', '-in', 'old.pem', '-passout', 'pass:blåbær', '-out', 'old.p12');
  const secret = readFileSync(join(folder, 'old.key'), 'utf8').split('\n')[1] ?? '';
  // The browser does not tell Playwright what is in the files of a form.
  await page.addInitScript(() => {
    const kept = window as unknown as { sent: string[] };
    kept.sent = [];
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own this below
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      const files = body instanceof FormData ? [...body.values()].filter((value) => value instanceof File) : [];
      for (const file of files) void file.text().then((text) => kept.sent.push(text));
      send.call(this, body);
    };
  });
  await asAdministrator(page, '/inventory/upload');
  await page.getByRole('button', { name: 'Indlæs', exact: true }).click();
  await expect(page.getByText('Vælg mindst én fil.')).toBeVisible();
  await page.locator('#files').setInputFiles(join(folder, 'old.p12'));
  await page.getByLabel('Adgangskode til old.p12', { exact: true }).fill('forkert');
  await page.getByRole('button', { name: 'Indlæs', exact: true }).click();
  await expect(page.getByText('Adgangskoden passer ikke til nøglefilen').first()).toBeVisible();
  await page.getByLabel('Adgangskode til old.p12', { exact: true }).fill('blåbær');
  await page.getByRole('button', { name: 'Indlæs', exact: true }).click();
  await expect(page.getByText('1 nyt certifikat.')).toBeVisible();
  await expect(page.getByText('Private nøgler i filerne blev i browseren')).toBeVisible();
  await accessible(page);
  expect(secret).toHaveLength(64);
  const sent = await page.evaluate(() => (window as unknown as { sent: string[] }).sent);
  expect(sent.some((body) => body.includes('BEGIN CERTIFICATE'))).toBe(true);
  for (const body of sent) expect(body.includes('PRIVATE KEY') || body.includes(secret)).toBe(false);
  await page.getByRole('link', { name: 'gammel-leverance.example' }).click();
  await expect(page.getByText('Privat udsteder')).toBeVisible();
  await expect(page.getByText('Kun kendt på ordene i certifikatet')).toBeVisible();
});

test('renewals are spread after a dry run', async ({ page }) => {
  await asAdministrator(page, '/inventory?plan=open');
  await expect(page.getByRole('table')).toBeVisible();
  await page.getByLabel('Vælg EDI-gateway (fiktiv)').check();
  await page.getByLabel('Vælg Lager og told (fiktiv)').check();
  await page.getByRole('button', { name: 'Planlæg fornyelse af 2 valgte' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Prøvekørsel' }).click();
  await expect(dialog.getByText('2 certifikater får en dag.')).toBeVisible();
  await expect(dialog.getByRole('table', { name: 'Fornyelser i hver uge' }).getByRole('row')).not.toHaveCount(1);
  await expect(dialog.getByRole('columnheader', { name: 'Sådan fornyes det' })).toBeVisible();
  await expect(dialog.getByRole('row', { name: /^EDI-gateway/ })).toContainText('Ingen at spørge');
  await accessible(page);
  await dialog.getByRole('button', { name: 'Gennemfør planen' }).click();
  await expect(dialog.getByText('Fornyelsen af 2 certifikater er planlagt')).toBeVisible();
  await dialog.getByRole('button', { name: 'Luk', exact: true }).last().click();
  await expect(page.getByRole('link', { name: 'EDI-gateway (fiktiv)' })).toHaveCount(0);
});

test('a campaign is drafted, started, and counts what is moved', async ({ page }) => {
  await asAdministrator(page, '/inventory/campaigns/new');
  await page.getByLabel('Navn', { exact: true }).fill('Det sidste af OCES2');
  await page.getByRole('button', { name: 'Vis prøvekørsel' }).click();
  await expect(page.getByText('Skriv en dato, der findes').first()).toBeVisible();
  const closing = new Date(Date.now() + 50 * 86_400_000);
  await page.getByLabel('Dag', { exact: true }).fill(String(closing.getUTCDate()));
  await page.getByLabel('Måned', { exact: true }).fill(String(closing.getUTCMonth() + 1));
  await page.getByLabel('År', { exact: true }).fill(String(closing.getUTCFullYear()));
  await page.getByRole('button', { name: 'Vis prøvekørsel' }).click();
  await expect(page.getByText('Kampagnen vil begynde med 4 certifikater: OCES2.')).toBeVisible();
  await accessibleInBoth(page);
  await page.getByRole('button', { name: 'Start kampagnen' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start kampagnen' }).click();
  await expect(page.getByText('0 af 4 certifikater er færdige')).toBeVisible();
  const campaign = new URL(page.url()).pathname;

  await page.getByRole('table', { name: 'Certifikater i kampagnen' }).getByRole('link', { name: 'VOCES Nordvind (fiktiv)' }).click();
  await page.getByRole('button', { name: 'Ret ansvar og plan' }).click();
  const successor = page.getByLabel('Efterfølger', { exact: true });
  const option = await successor.getByRole('option', { name: /^Virksomhedscertifikat 2 / }).getAttribute('value');
  await successor.selectOption(option);
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await expect(page.getByText('Efterfølgeren er klar og mangler at blive installeret 2 steder.')).toBeVisible();
  await accessible(page);
  for (const place of ['Bank, betalinger', 'Told, indfortolkning']) {
    const row = page.getByRole('row', { name: new RegExp(`^${place}`) });
    await row.getByRole('checkbox').click();
    await expect(row.getByRole('checkbox')).toBeChecked();
  }
  await expect(page.getByText('Efterfølgeren er installeret alle steder')).toBeVisible();

  await page.goto(campaign);
  await expect(page.getByText('1 af 4 certifikater er færdige')).toBeVisible();
  const report = await page.request.get((await page.getByRole('link', { name: 'Hent rapport (CSV)' }).getAttribute('href')) ?? '');
  expect(await report.text()).toContain('VOCES Nordvind (fiktiv)');

  // It can be held up and moved, and the list says what is left.
  await page.getByRole('button', { name: 'Sæt på pause' }).click();
  await page.getByRole('button', { name: 'Genoptag' }).click();
  await expect(page.getByRole('button', { name: 'Sæt på pause' })).toBeVisible();
  const later = new Date(closing.getTime() + 20 * 86_400_000);
  await page.getByLabel('Dag', { exact: true }).fill(String(later.getUTCDate()));
  await page.getByLabel('Måned', { exact: true }).fill(String(later.getUTCMonth() + 1));
  await page.getByLabel('År', { exact: true }).fill(String(later.getUTCFullYear()));
  await page.getByRole('button', { name: 'Flyt lukningen' }).click();
  await expect(page.getByText('Lukningen er flyttet')).toBeVisible();
  await page.goto('/inventory/campaigns');
  const listed = page.getByRole('row', { name: /^Det sidste af OCES2/ });
  await expect(listed).toContainText('3 mangler');
  await expect(listed).toContainText(String(later.getUTCFullYear()));
  await page.goto(campaign);
  await speak(page, 'en');
  await expect(page.getByText('1 of 4 certificates are done')).toBeVisible();
  await accessible(page);
});

/** A request of a new P-256 key, as a server would make it. */
function request(name: string): string {
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
  return join(folder, `${name}.csr`);
}

async function handIn(page: Page, words: { field: string; submit: string; issued: string }, file: string): Promise<void> {
  await page.locator('#csr').setInputFiles(file);
  await page.getByRole('button', { name: words.submit }).click();
  await expect(page.getByText(words.issued).first()).toBeVisible();
}

const inDanish = {
  language: 'da', order: 'Bestil', next: 'Vis certifikatet', name: 'Navn i certifikatet', contact: 'Kontaktpersonens navn', address: 'Kontaktpersonens mailadresse',
  field: 'Certifikatanmodning (CSR)', submit: 'Udsted certifikatet', issued: 'Certifikatet er udstedt', renew: 'Forny', renewed: 'Bestil', revoke: /^Spær [0-9a-f]+$/,
  revokeSubmit: 'Spær certifikatet', revoked: 'Spærret',
} as const;
const inEnglish = {
  language: 'en', order: 'Order', next: 'Show the certificate', name: 'Name in the certificate', contact: 'Name of the contact person', address: 'E-mail address of the contact person',
  field: 'Certificate request (CSR)', submit: 'Issue the certificate', issued: 'The certificate is issued', renew: 'Renew', renewed: 'Order', revoke: /^Revoke [0-9a-f]+$/,
  revokeSubmit: 'Revoke the certificate', revoked: 'Revoked',
} as const;

test('certificates of the organisation may be ordered', async ({ page }) => {
  await asAdministrator(page, '/organisation/settings');
  const panel = page.getByRole('region', { name: 'Certifikater' });
  await panel.getByLabel('Organisationscertifikater').check();
  await panel.getByRole('button', { name: 'Gem' }).click();
  await expect(panel.getByRole('button', { name: 'Fortryd' })).toHaveCount(0);
});

for (const words of [inDanish, inEnglish])
  test(`a certificate of the organisation is ordered, issued, renewed and revoked (${words.language})`, async ({ page }) => {
    await asAdministrator(page, '/certificates/new');
    await speak(page, words.language);
    await page.getByLabel(words.name, { exact: true }).fill(`Nordvind ${words.language} (fiktiv)`);
    await page.getByLabel(words.contact, { exact: true }).fill('Asta Nordvind');
    await page.getByLabel(words.address, { exact: true }).fill('asta@nordvind.example');
    await accessible(page);
    await page.getByRole('button', { name: words.order, exact: true }).click();
    await page.getByRole('link', { name: words.next }).click();
    await handIn(page, words, request(`first-${words.language}`));
    await accessible(page);
    await page.getByRole('button', { name: words.renew, exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: words.renewed, exact: true }).click();
    await handIn(page, words, request(`second-${words.language}`));
    await expect(page.getByRole('button', { name: words.revoke })).toHaveCount(2);
    await page.getByRole('button', { name: words.revoke }).last().click();
    await accessible(page);
    await page.getByRole('dialog').getByRole('combobox').selectOption('superseded');
    await page.getByRole('dialog').getByRole('button', { name: words.revokeSubmit }).click();
    await expect(page.getByRole('button', { name: words.revoke })).toHaveCount(1);
    await expect(page.getByRole('table').first().getByText(words.revoked, { exact: true })).toBeVisible();
  });
