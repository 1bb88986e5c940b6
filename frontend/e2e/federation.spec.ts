import type { Page } from '@playwright/test';
import { accessible, accessibleInBoth, administrator, asAdministrator, expect, logIn, test } from './fixtures';

/** From the login page through the club's own login, the built-in simulator. */
async function throughTheClub(page: Page, button: RegExp): Promise<void> {
  await page.getByLabel('Mailadresse på arbejdet eller CVR-nummer').fill('bo@fjordby-roklub.example');
  await page.getByRole('button', { name: 'Find mit login' }).click();
  await page.getByRole('link', { name: /^Log ind med Fjordby Roklubs login \(simulator\)/ }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Hvem er du?' })).toBeVisible();
  await expect(page.getByText('indbygget simulator')).toBeVisible();
  await page.getByLabel('Person').selectOption({ label: 'Bo Fjordby' });
  await page.getByRole('button', { name: button }).click();
}

test('a login of one’s own is connected, and its test says why nobody would get in', async ({ page }) => {
  await asAdministrator(page, '/identity-providers');
  await accessibleInBoth(page);
  const metadata = await (await page.request.get('/demo/idp/metadata')).text();
  await page.goto('/identity-providers/new');
  await page.locator('#metadata').fill(metadata);
  await accessible(page);
  await page.getByRole('button', { name: 'Registrér', exact: true }).click();
  await expect(page.getByText('Loginet er registreret som kladde')).toBeVisible();
  await page.getByRole('button', { name: 'Prøv at logge ind' }).click();
  // The simulator is the club's: it vouches for another CVR number than this one.
  await page.getByLabel('Person').selectOption({ label: 'Bo Fjordby' });
  await accessible(page);
  await page.getByRole('button', { name: /adgangskode/ }).click();
  await expect(page.getByText('ingen ville blive logget ind')).toBeVisible();
  await accessibleInBoth(page);
});

test('one is refused for a level, steps up, and logs out everywhere', async ({ page }) => {
  // A key file has the level Low, and the service asks for Substantial.
  await page.goto('/demo/service');
  await page.getByRole('button', { name: 'Log ind på niveau Betydelig' }).click();
  await logIn(page, administrator());
  await expect(page.getByRole('heading', { level: 1, name: /^Du kom ikke ind/ })).toBeVisible();
  await expect(page.getByText('sikringsniveau Betydelig')).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: /^Tilbage til tjenesten/ }).click();
  await expect(page.getByText('Du blev ikke logget ind')).toBeVisible();
  await accessible(page);

  // The own login gives that level, with two factors.
  await page.getByRole('button', { name: 'Log ind på niveau Betydelig' }).click();
  await throughTheClub(page, /to faktorer/);
  await expect(page.getByRole('heading', { level: 1, name: 'Velkommen, Bo Fjordby' })).toBeVisible();
  await accessible(page);
  await page.goto('/demo/service?lang=en');
  await expect(page.getByRole('heading', { level: 1, name: 'Welcome, Bo Fjordby' })).toBeVisible();
  await accessible(page);

  // Log out everywhere, from the service: nothing is left at any of the three.
  await page.getByRole('button', { name: 'Log out everywhere' }).click();
  await expect(page.getByText('of everything else that you were logged in to')).toBeVisible();
  await accessible(page);
  await page.goto('/demo/idp?lang=da');
  await expect(page.getByText('Ingen er logget ind her.')).toBeVisible();
  await accessible(page);
  await page.goto('/me');
  await expect(page).toHaveURL(/\/login/);
});

test('the club’s administrator logs in through its own login and out of all at once', async ({ page }) => {
  await page.goto('/login');
  await throughTheClub(page, /adgangskode/);
  await expect(page).toHaveURL(/\/$|\/setup|\/me/);
  await page.goto('/identity-providers');
  await expect(page.getByRole('table', { name: 'Eget login' })).toContainText('Slået til');
  await accessibleInBoth(page);

  // From the simulator itself.
  await page.goto('/demo/idp');
  await expect(page.getByText('Du er logget ind som Bo Fjordby')).toBeVisible();
  await page.getByRole('button', { name: 'Log ud alle steder' }).click();
  await expect(page.getByText('af Adgang og af tjenesterne')).toBeVisible();
  await accessible(page);
  await page.goto('/identity-providers');
  await expect(page).toHaveURL(/\/login/);
});
