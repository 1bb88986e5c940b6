import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { accessible, accessibleInBoth, activate, dataFolder, expect, logIn, look, mailed, test } from './fixtures';

// From nothing to an organisation whose administrator is at work.
const password = 'tordenskrald og blåbær';
const first = () => ({ file: join(dataFolder(), '..', 'first.p12'), password });
const second = () => ({ file: join(dataFolder(), '..', 'second.p12'), password });
const code = /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/;

test.describe.configure({ mode: 'serial' });

test('from nothing to the administrator at work', async ({ page, browser }) => {
  test.setTimeout(600_000); // the longest story, twenty pages judged in both languages
  await page.goto('/connect');
  await accessibleInBoth(page);
  await page.getByLabel('Hvem er du?').selectOption('representative');
  await page.getByLabel('Navn').fill('Ditte Ørum');
  await page.getByLabel('E-mail').first().fill('ditte@toner.example');
  await page.getByRole('button', { name: 'Send mig et link' }).click();
  await expect(page.getByText('Se i din indbakke')).toBeVisible();

  const own = await mailed(page, 'ditte@toner.example', /connect\/application#/);
  await page.goto(own);
  await page.getByLabel('CVR-nummer').fill('20202020');
  await page.getByRole('button', { name: 'Slå op' }).click();
  await expect(page.getByText('skriver 2 under')).toBeVisible();
  await accessibleInBoth(page);
  const second = page.getByRole('group', { name: 'Medunderskriver 1' });
  await second.getByLabel('Navn').fill('Mogens Æbelø');
  await second.getByLabel('E-mail').fill('mogens@toner.example');
  await page.getByLabel('Fornavn').fill('Ask');
  await page.getByLabel('Efternavn').fill('Lind');
  await page.getByLabel('Administratorens e-mail').fill('ask@toner.example');
  await page.getByRole('button', { name: 'Gem og fortsæt' }).click();
  await expect(page.getByText('Vi venter på Ditte Ørum, Mogens Æbelø.')).toBeVisible();
  await sign(page);
  await page.goto(await mailed(page, 'mogens@toner.example', /connect\/application#/));
  await page.reload();
  await sign(page);
  await expect(page.getByText('Driftsoperatøren behandler ansøgningen')).toBeVisible();

  const operator = await browser.newContext();
  const desk = await operator.newPage();
  const cdp = await operator.newCDPSession(desk);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await desk.goto(readFileSync(join(dataFolder(), 'demo/operator.link'), 'utf8').trim());
  await accessible(desk);
  await desk.getByRole('button', { name: 'Opret passkey' }).click();
  await desk.getByRole('button', { name: 'Log ind med passkey' }).click();
  await expect(desk.getByRole('heading', { level: 1, name: 'Organisationer' })).toBeVisible();
  await accessibleInBoth(desk);
  await desk.getByRole('link', { name: 'Ansøgninger' }).click();
  await desk.getByRole('link', { name: /Tårnby Toner/ }).click();
  await expect(desk.getByText('De navne, der har skrevet under')).toBeVisible();
  await accessibleInBoth(desk);
  await desk.getByLabel(/identitet kontrolleret/).selectOption('video');
  await desk.getByLabel('Begrundelse').fill('Begge set på video med pas i hånden.');
  await desk.getByRole('button', { name: 'Godkend og tilslut' }).click();
  await expect(desk.getByText('Godkendt').first()).toBeVisible();
  const { items: all } = (await (await desk.request.get('/api/v1/operator/organisations')).json()) as { items: { id: string }[] };
  const pages = ['applications', 'recoveries', 'block', 'usage', 'saml-keys', 'terms', 'operators'].map((page) => `/operator/${page}`);
  for (const path of ['/operator', `/operator/organisations/${all[0]?.id}`, ...pages]) await look(desk, path);
  await operator.close();

  await page.goto(own);
  await page.reload();
  await page.getByRole('button', { name: 'Vis installationskode' }).click();
  const shown = (await page.getByText(code).textContent()) ?? '';
  await activate(page, await mailed(page, 'ask@toner.example', /activate#/), shown, first());

  await page.goto('/organisation/setup');
  await logIn(page, first());
  await expect(page.getByRole('heading', { level: 1, name: 'Opsætning' })).toBeVisible();
  await accessibleInBoth(page);
  for (const step of [1, 2, 3, 4, 5]) {
    await page.getByRole('button', { name: new RegExp(`^${step % 2 === 0 ? 'Spring over' : 'Færdig'}: ${step}\\.`) }).click();
    await expect(page.getByRole('button', { name: new RegExp(`^Åbn igen: ${step}\\.`) })).toBeVisible();
  }
  await expect(page.getByText('Opsætningen er færdig')).toBeVisible();
  for (const path of ['/organisation/terms', '/organisation/recoveries']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await accessibleInBoth(page);
  }
});

test('the first employee is created, invited and activated', async ({ page, browser }) => {
  // The administrator of the organisation has yet to say who administers users.
  await page.goto('/organisation/roles');
  await logIn(page, first());
  await page.getByRole('button', { name: 'Ret roller for Ask Lind' }).click();
  await page.getByRole('dialog').getByLabel('Brugeradministrator').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Gem' }).click();
  await expect(page.getByText('Rollerne er ændret')).toBeVisible();
  await page.goto('/employees');
  await accessibleInBoth(page);
  await page.getByRole('link', { name: 'Opret medarbejder' }).click();
  await accessibleInBoth(page);
  await page.getByRole('button', { name: 'Opret medarbejder' }).click();
  await expect(page.getByRole('alert')).toContainText('Det kunne ikke gemmes');
  await page.getByLabel('Fornavn').fill('Åse');
  await page.getByLabel('Efternavn').fill('Østergård');
  await page.getByLabel('Mailadresse').fill('aase@toner.example');
  await page.getByLabel('Hvordan kendes personen?').selectOption('birth');
  await page.getByLabel('Fødselsdato').fill('1984-02-29');
  await page.getByRole('button', { name: 'Opret medarbejder' }).dblclick();
  await expect(page.getByRole('heading', { level: 1, name: 'Åse Østergård' })).toBeVisible();
  await accessibleInBoth(page);
  await page.getByRole('button', { name: 'Vis installationskode' }).click();
  const shown = (await page.getByText(code).textContent()) ?? '';

  const machine = await browser.newContext({ locale: 'da-DK' });
  const employee = await machine.newPage();
  await activate(employee, await mailed(employee, 'aase@toner.example', /activate#/), shown, second());
  await employee.goto('/login');
  await logIn(employee, second());
  await expect(employee).toHaveURL('/me');
  await machine.close();

  await page.reload();
  await expect(page.getByText('Aktiveret').first()).toBeVisible();
  await page.goto('/employees');
  await expect(page.getByRole('table').getByRole('row', { name: /Østergård/ })).toHaveCount(1);
});

test('the last administrator stays, until there is another', async ({ page }) => {
  await page.goto('/organisation/roles');
  await logIn(page, first());
  await expect(page.getByText('Der er kun én organisationsadministrator').first()).toBeVisible();
  await accessibleInBoth(page);
  const refused = 'Så ville organisationen stå uden en aktiv organisationsadministrator.';

  await page.getByRole('button', { name: 'Ret roller for Ask Lind' }).click();
  const roles = page.getByRole('dialog');
  await roles.getByLabel('Organisationsadministrator').uncheck();
  await roles.getByRole('button', { name: 'Gem' }).click();
  await expect(roles.getByRole('alert')).toContainText(refused);
  await accessible(page);
  await roles.getByRole('button', { name: 'Fortryd' }).click();

  await page.goto('/employees');
  await page.getByRole('table').getByRole('link', { name: /Ask Lind/ }).click();
  for (const act of ['Suspender', 'Slet medarbejder']) {
    await page.getByRole('button', { name: act }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Årsag').fill('Han holder op hos os.');
    await dialog.getByRole('button', { name: act }).click();
    await expect(dialog.getByRole('alert')).toContainText(refused);
    await accessible(page);
    await dialog.getByRole('button', { name: 'Fortryd' }).click();
  }

  await page.goto('/organisation/roles');
  await page.getByRole('button', { name: 'Udpeg efterfølger' }).click();
  await page.getByRole('dialog').getByLabel('Søg efter medarbejder').fill('øster');
  await page.getByRole('dialog').getByLabel('Medarbejder', { exact: true }).selectOption({ label: 'Åse Østergård (aase@toner.example)' });
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Gem' }).click();
  await expect(page.getByText(/Åse Østergård, udpeget/)).toBeVisible();

  await page.getByRole('button', { name: 'Giv en rolle' }).click();
  await page.getByRole('dialog').getByLabel('Søg efter medarbejder').fill('øster');
  await page.getByRole('dialog').getByLabel('Medarbejder', { exact: true }).selectOption({ label: 'Åse Østergård (aase@toner.example)' });
  await page.getByRole('dialog').getByLabel('Organisationsadministrator').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Gem' }).click();
  await expect(page.getByText('Rollerne er ændret')).toBeVisible();
  await expect(page.getByText('Der er kun én organisationsadministrator')).toHaveCount(0);

  // Now there are two, the first one may leave.
  await page.getByRole('button', { name: 'Ret roller for Ask Lind' }).click();
  await roles.getByLabel('Organisationsadministrator').uncheck();
  await roles.getByRole('button', { name: 'Gem' }).click();
  await expect(page.getByText('Rollerne er ændret').last()).toBeVisible();
  await accessibleInBoth(page);
});

async function sign(page: Page): Promise<void> {
  await page.getByLabel(/Jeg har læst vilkårene/).check();
  await page.getByRole('button', { name: 'Skriv under' }).click();
}

test('the way back in says nothing to strangers', async ({ page }) => {
  await page.goto('/recover');
  await accessibleInBoth(page);
  await page.getByLabel('CVR-nummer').fill('11223344');
  await page.getByLabel(/e-mail/).fill('nobody@example.dk');
  await page.getByRole('button', { name: 'Send link' }).click();
  await expect(page.getByText('Passer oplysningerne')).toBeVisible();
});
