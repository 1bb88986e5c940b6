import { accessible, asAdministrator, expect, logIn, mailed, test } from './fixtures';

const password = 'rødgrød med fløde på';

/** The employee of story.spec.ts, who is left to it. */
const another = 'astrid.ravn.5000001@nordvind.example';

test('a lost key file is blocked without login, with the code of its activation', async ({ page, browser }) => {
  // An administrator invites; the employee activates in a browser of his own.
  await asAdministrator(page, '/employees');
  let code = '';
  let email = '';
  // The demo's own migration may still be on its way to the first of them.
  await expect(async () => {
    const found = (await (await page.request.get('/api/v1/employees?q=ravn')).json()) as { items: { id: string; email: string }[] };
    for (const one of found.items.filter((item) => item.email !== another)) {
      const shown = await page.request.get(`/api/v1/employees/${one.id}/installation-code`);
      if (!shown.ok()) continue;
      ({ code } = (await shown.json()) as { code: string });
      email = one.email;
      break;
    }
    expect(code, 'an employee with an open invitation').not.toBe('');
  }).toPass();
  const link = await mailed(page, email, /\/activate#/);
  const context = await browser.newContext({ locale: 'da-DK' });
  const employee = await context.newPage();
  await employee.goto(link);
  await employee.getByLabel('Installationskode', { exact: true }).fill(code);
  await employee.getByRole('button', { name: 'Fortsæt' }).click();
  await employee.getByLabel('Adgangskode', { exact: true }).fill(password);
  await employee.getByLabel('Gentag adgangskoden', { exact: true }).fill(password);
  await employee.getByRole('button', { name: /^Lav nøglefil/ }).click();
  const download = employee.waitForEvent('download', { timeout: 60_000 });
  await employee.getByRole('button', { name: 'Gem nøglefilen' }).click();
  const file = await (await download).path();
  await employee.getByLabel(/^Jeg har gemt/).check();
  await employee.getByRole('button', { name: /^Afslut/ }).click();
  const revocation = (await employee.getByTestId('revocation-code').textContent()) ?? '';
  const serial = (await employee.locator('dd.code').textContent()) ?? '';
  await accessible(employee);

  await employee.goto('/login');
  await logIn(employee, { file, password });
  await expect(employee).toHaveURL('/me');

  // Somebody at another machine: first mistyped, then right.
  const stranger = await (await browser.newContext({ locale: 'da-DK' })).newPage();
  await stranger.goto('/login');
  await stranger.getByRole('link', { name: 'Spær en mistet nøglefil' }).click();
  await stranger.getByRole('button', { name: 'Spær nu' }).click();
  await expect(stranger.getByRole('alert')).toContainText('Vælg en årsag');
  await stranger.getByLabel('Certifikatets serienummer', { exact: true }).fill(serial);
  await stranger.getByLabel('Spærrekode', { exact: true }).fill('0000-0000-0000-0000');
  await stranger.getByLabel('Årsag', { exact: true }).selectOption('key_compromise');
  await stranger.getByRole('button', { name: 'Spær nu' }).click();
  await expect(stranger.getByText('Spærrekoden passer ikke til det, du skrev')).toBeVisible();
  await stranger.getByLabel('Spærrekode', { exact: true }).fill(revocation.toLowerCase());
  await stranger.getByRole('button', { name: 'Spær nu' }).dblclick();
  await expect(stranger.getByText('Der er spærret', { exact: true })).toBeVisible();
  await accessible(stranger);

  // At once: the open session and the next login.
  await employee.reload();
  await expect(employee).toHaveURL(/\/login/);
  await logIn(employee, { file, password });
  await expect(employee.getByText('Du blev ikke logget ind')).toBeVisible();
});
