import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { accessible, dataFolder, expect, logIn, test } from './fixtures';

// From nothing to an organisation whose administrator is at work.
const password = 'tordenskrald og blåbær';
const keyFile = (): string => join(dataFolder(), '..', 'first.p12');

/** The link of the newest mail to an address, from the demo's mailbox. */
async function mailed(page: Page, email: string, path: RegExp): Promise<string> {
  await expect(async () => {
    await page.goto(`/demo/mail?q=${encodeURIComponent(email)}`);
    await page.getByRole('listitem').getByRole('link').first().click({ timeout: 2_000 });
    await expect(page.getByRole('link', { name: path })).toBeVisible({ timeout: 2_000 });
  }).toPass();
  return (await page.getByRole('link', { name: path }).getAttribute('href')) ?? '';
}

async function both(page: Page): Promise<void> {
  await accessible(page);
  await page.evaluate(() => localStorage.setItem('adgang-language', 'en'));
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await accessible(page);
  await page.evaluate(() => localStorage.setItem('adgang-language', 'da'));
  await page.reload();
}

test('from nothing to the administrator at work', async ({ page, browser }) => {
  await page.goto('/connect');
  await both(page);
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
  await both(page);
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
  await both(desk);
  await desk.getByRole('link', { name: 'Ansøgninger' }).click();
  await desk.getByRole('link', { name: /Tårnby Toner/ }).click();
  await expect(desk.getByText('De navne, der har skrevet under')).toBeVisible();
  await both(desk);
  await desk.getByLabel(/identitet kontrolleret/).selectOption('video');
  await desk.getByLabel('Begrundelse').fill('Begge set på video med pas i hånden.');
  await desk.getByRole('button', { name: 'Godkend og tilslut' }).click();
  await expect(desk.getByText('Godkendt').first()).toBeVisible();
  for (const path of ['/operator/recoveries', '/operator/terms', '/operator/operators']) {
    await desk.goto(path);
    await expect(desk.getByRole('heading', { level: 1 })).toBeVisible();
    await both(desk);
  }
  await operator.close();

  await page.goto(own);
  await page.reload();
  await page.getByRole('button', { name: 'Vis installationskode' }).click();
  const code = (await page.getByText(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/).textContent()) ?? '';
  await page.goto(await mailed(page, 'ask@toner.example', /activate#/));
  await page.getByLabel('Installationskode').fill(code);
  await page.getByRole('button', { name: 'Fortsæt' }).click();
  await page.getByLabel('Adgangskode', { exact: true }).fill(password);
  await page.getByLabel('Gentag adgangskoden', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Lav nøglefilen' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Gem nøglefilen' }).click();
  await (await download).saveAs(keyFile());
  await page.getByLabel('Jeg har gemt nøglefilen og adgangskoden').check();
  await page.getByRole('button', { name: 'Afslut' }).click();

  await page.goto('/organisation/setup');
  await logIn(page, { file: keyFile(), password });
  await expect(page.getByRole('heading', { level: 1, name: 'Opsætning' })).toBeVisible();
  await both(page);
  for (const step of [1, 2, 3, 4, 5]) {
    await page.getByRole('button', { name: new RegExp(`^${step % 2 === 0 ? 'Spring over' : 'Færdig'}: ${step}\\.`) }).click();
    await expect(page.getByRole('button', { name: new RegExp(`^Åbn igen: ${step}\\.`) })).toBeVisible();
  }
  await expect(page.getByText('Opsætningen er færdig')).toBeVisible();
  for (const path of ['/organisation/terms', '/organisation/recoveries']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await both(page);
  }
});

async function sign(page: Page): Promise<void> {
  await page.getByLabel(/Jeg har læst vilkårene/).check();
  await page.getByRole('button', { name: 'Skriv under' }).click();
}

test('the way back in says nothing to strangers', async ({ page }) => {
  await page.goto('/recover');
  await both(page);
  await page.getByLabel('CVR-nummer').fill('11223344');
  await page.getByLabel(/e-mail/).fill('nobody@example.dk');
  await page.getByRole('button', { name: 'Send link' }).click();
  await expect(page.getByText('Passer oplysningerne')).toBeVisible();
});
