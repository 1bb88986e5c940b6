import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { accessible, administrator, asAdministrator, dataFolder, expect, logIn, test } from './fixtures';

// The main job as a newcomer meets it, one step a test; later steps need the
// earlier ones.
test.describe.configure({ mode: 'serial' });

const password = 'blåbær og tordenskrald';

/** The person who is moved from code card to key file, from the demo's own export. */
const employee = { name: 'Astrid Ravn', email: 'astrid.ravn.5000001@nordvind.example', rid: '1531355048271' };

const keyFile = (): string => join(dataFolder(), '..', 'employee.p12');
let installationCode = '';
let invitation = '';

/** The link of the newest mail to an address, from the demo's mailbox. */
async function linkFromMail(page: Page, email: string): Promise<string> {
  await page.goto(`/demo/mail?q=${encodeURIComponent(email)}`);
  await page.getByRole('listitem').getByRole('link').first().click();
  const link = page.getByRole('link', { name: /\/activate#/ });
  return (await link.getAttribute('href')) ?? '';
}

test('a wrong password is told apart, the right one leads to the overview', async ({ page }) => {
  await page.goto('/');
  await expect(page).toHaveTitle('Log ind med nøglefil – Adgang');
  await page.getByRole('button', { name: 'Log ind', exact: true }).click();
  await expect(page.getByRole('alert')).toBeFocused();
  await expect(page.getByRole('alert')).toContainText('Vælg din nøglefil');
  await logIn(page, { ...administrator(), password: 'something else' });
  await expect(page.getByText('Adgangskoden passer ikke til nøglefilen')).toBeVisible();
  await logIn(page, administrator());
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Velkommen, Asta Nordvind');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await expect(page.getByText('Nøglekort er i begrænset drift')).toBeVisible();
});

test('the migration that the demo began runs on while it is watched', async ({ page }) => {
  await asAdministrator(page, '/migration');
  await page.getByRole('link', { name: 'Alle medarbejdere med nøglekort' }).click();
  await expect(page.getByRole('heading', { name: 'Fremdrift' })).toBeVisible();
  await expect(page.getByText('Gennemført').first()).toBeVisible({ timeout: 90_000 });
  await expect(page.getByText(/1\.000 af 1\.000 rækker behandlet/)).toBeVisible();
  await page.getByRole('button', { name: /^Inviteret/ }).click();
  await expect(page).toHaveURL(/state=invited/);
  await expect(page.getByRole('row').nth(1)).toContainText('Inviteret');
});

test('an export with mistakes is shown before anything happens, and its good rows migrate', async ({ page }) => {
  await asAdministrator(page, '/migration/new');
  await page.getByLabel('Fil med medarbejdere', { exact: true }).setInputFiles(join(dataFolder(), 'demo/export.csv'));
  await page.getByLabel('Navn (frivilligt)').fill('Ekstra medarbejdere');
  await page.getByRole('button', { name: 'Indlæs og kontrollér' }).click();
  await expect(page.getByRole('heading', { name: /Prøvekørsel/ })).toBeVisible();
  const errors = page.getByRole('table', { name: /fejl$/ });
  await expect(errors.getByRole('row', { name: /^7 RID tom Cellen er tom/ })).toBeVisible();
  const report = await page.request.get(await page.getByRole('link', { name: /Hent rapport/ }).getAttribute('href') ?? '');
  expect(await report.text()).toContain('RID');
  await page.getByRole('button', { name: 'Start nu' }).click();
  await expect(page.getByText('Sæt kryds for at starte uden rækkerne med fejl')).toBeVisible();
  await page.getByLabel(/^Start uden de \d+ rækker med fejl/).check();
  await page.getByRole('button', { name: 'Start nu' }).dblclick();
  await expect(page.getByText('Alle rækker blev behandlet')).toBeVisible({ timeout: 60_000 });
  const letters = await page.request.get(await page.getByRole('link', { name: /^Brev 1/ }).getAttribute('href') ?? '');
  expect((await letters.body()).subarray(0, 5).toString()).toBe('%PDF-');
});

test('the administrator finds the employee and sees the installation code', async ({ page }) => {
  await asAdministrator(page, '/employees');
  await page.getByLabel('Søg efter medarbejder').fill(employee.email.slice(0, 20));
  await expect(page).toHaveURL(/q=astrid/);
  await page.getByRole('link', { name: employee.name }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: employee.name })).toBeVisible();
  await expect(page.getByText(employee.rid)).toBeVisible();
  await page.getByRole('button', { name: 'Vis installationskode' }).click();
  const code = page.getByText(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
  installationCode = (await code.textContent()) ?? '';
  await page.getByRole('button', { name: /^Kopiér Installationskode/ }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(installationCode);
});

test('the employee activates a key file that only the browser has seen', async ({ page }) => {
  const bodies: string[] = [];
  page.on('request', (request) => bodies.push(request.postData() ?? ''));
  invitation = await linkFromMail(page, employee.email);
  await page.goto(invitation);
  await expect(page.getByRole('heading', { name: `Velkommen, ${employee.name}` })).toBeVisible();
  await page.getByLabel('Installationskode').fill('AAAA-BBBB-CCCC-DDDD');
  await page.getByRole('button', { name: 'Fortsæt' }).click();
  await fillPassword(page);
  await expect(page.getByText('Installationskoden er forkert')).toBeVisible();
  await expect(page.getByText('Du har 4 forsøg tilbage')).toBeVisible();
  await page.getByLabel('Installationskode').fill(installationCode.toLowerCase().replaceAll('-', ' '));
  await page.getByRole('button', { name: 'Fortsæt' }).click();
  await fillPassword(page);
  await expect(page.getByRole('heading', { name: 'Gem din nøglefil' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Afslut' })).toBeDisabled();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Gem nøglefilen' }).click();
  await (await download).saveAs(keyFile());
  await page.getByLabel('Jeg har gemt nøglefilen og adgangskoden').check();
  await page.getByRole('button', { name: 'Afslut' }).click();
  await expect(page.getByText('Din nøglefil er aktiveret')).toBeVisible();
  nothingSecretIn(bodies);
});

async function fillPassword(page: Page): Promise<void> {
  await page.getByLabel('Adgangskode', { exact: true }).fill(password);
  await page.getByLabel('Gentag adgangskoden', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Lav nøglefilen' }).click();
}

/** Opens the file with OpenSSL and looks for the key and password in what was sent. */
function nothingSecretIn(bodies: string[]): void {
  const open = ['pkcs12', '-in', keyFile(), '-passin', `pass:${password}`];
  const pem = execFileSync('openssl', [...open, '-nocerts', '-nodes'], { encoding: 'latin1' });
  expect(pem).toContain('BEGIN PRIVATE KEY');
  const text = execFileSync('openssl', ['pkey', '-text', '-noout'], { input: pem, encoding: 'latin1' });
  const hex = (/priv:([0-9a-f:\s]+)pub:/.exec(text)?.[1] ?? '').replace(/[^0-9a-f]/g, '').slice(-64);
  expect(hex).toHaveLength(64);
  const secret = Buffer.from(hex, 'hex');
  const sent = bodies.filter((body) => body !== '');
  expect(sent.some((body) => body.includes('"csr"'))).toBe(true);
  for (const body of sent) {
    expect(body).not.toContain(password);
    for (const [, value] of body.matchAll(/"([A-Za-z0-9+/=]{40,})"/g)) {
      expect(Buffer.from(value ?? '', 'base64').includes(secret)).toBe(false);
    }
  }
  const leaf = execFileSync('openssl', [...open, '-clcerts', '-nokeys'], { encoding: 'latin1' });
  const chain = execFileSync('openssl', [...open, '-cacerts', '-nokeys'], { encoding: 'latin1' });
  expect(leaf.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
}

test('a used invitation is refused and says whom to ask', async ({ page }) => {
  await page.goto(invitation);
  await expect(page.getByText('Invitationen er brugt')).toBeVisible();
  await expect(page.getByText('Bed en brugeradministrator')).toBeVisible();
});

test('the employee logs in to a business service and comes back to it', async ({ page }) => {
  await page.goto('/demo/service');
  await page.getByRole('button', { name: 'Log ind med Adgang' }).click();
  await expect(page).toHaveURL(/\/login\?flow=/);
  await expect(page.getByText('Du er på vej til')).toBeVisible();
  await logIn(page, { file: keyFile(), password });
  await expect(page).toHaveURL(/\/demo\/service/);
  await expect(page.getByText(employee.rid)).toBeVisible();
  await page.goto('/');
  await expect(page).toHaveURL('/me');
  await expect(page.getByRole('heading', { name: employee.name })).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Hovedmenu' }).getByRole('link', { name: 'Medarbejdere' })).toHaveCount(0);
  // The service is told too; what it answered is shown before the way back.
  await page.getByRole('button', { name: 'Log ud' }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: /^Du er .*logget ud/ })).toBeVisible();
  await accessible(page);
  await page.getByRole('link', { name: 'Log ind igen' }).click();
  await expect(page).toHaveURL('/login');
});

test('the code card is blocked, then the key file, which ends its logins', async ({ page, browser }) => {
  await asAdministrator(page, `/employees?q=${employee.rid}`);
  await page.getByRole('link', { name: employee.name }).click();
  await page.getByRole('button', { name: 'Spær nøglekort' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Årsag/).fill('Flyttet til nøglefil');
  await dialog.getByRole('button', { name: 'Spær nøglekort' }).click();
  await expect(page.getByText('Nøglekortet er spærret.')).toBeVisible();
  await page.getByRole('button', { name: 'Spær nøglefil' }).click();
  await dialog.getByLabel('Årsag', { exact: true }).selectOption('key_compromise');
  await dialog.getByRole('button', { name: 'Spær nøglefil' }).click();
  await expect(page.getByText('Nøglefilen er spærret.')).toBeVisible();
  const other = await browser.newPage();
  await other.goto('/login');
  await logIn(other, { file: keyFile(), password });
  await expect(other.getByRole('alert')).toContainText('Nøglefilen er spærret');
  await other.close();
});

test('a blocked employee’s invitation is sent anew', async ({ page }) => {
  await asAdministrator(page, `/employees?q=${employee.rid}`);
  await page.getByRole('link', { name: employee.name }).click();
  await page.getByRole('button', { name: 'Send ny invitation' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send ny invitation' }).click();
  await expect(page.getByText('En ny invitation er på vej.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Vis installationskode' })).toBeVisible();
  await accessible(page);
});
