import { accessible, asAdministrator, expect, test } from './fixtures';

const csv = (name: string, ...lines: string[]) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(lines.join('\r\n')) });

test('many employees from one file, with its errors left out', async ({ page }) => {
  await asAdministrator(page, '/employees/bulk');
  await accessible(page);
  await page.getByRole('link', { name: 'Indlæs fil' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Indlæs fil' })).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Læs filen' }).click();
  await expect(page.locator('#file-error')).toBeVisible();
  await page.getByLabel('Fil med medarbejdere').setInputFiles(
    csv(
      'nye.csv',
      'Medarbejdernummer;Fornavn;Efternavn;E-mail;Fødselsdato',
      'E2E1;Æske;Ørnstrup;aeske@example.dk;14-02-1991',
      'E2E2;Åge;Kærsgård;aage(at)example.dk;14-02-1992',
    ),
  );
  await page.getByLabel('Navn på masseændringen').fill('Nye i Ærø');
  await page.getByRole('button', { name: 'Læs filen' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Nye i Ærø' })).toBeVisible();
  await expect(page.getByRole('rowheader', { name: 'Æske Ørnstrup' })).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByLabel(/Spring 1 linje med fejl over/).check();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByText('Færdig', { exact: true })).toBeVisible({ timeout: 30_000 });
  await accessible(page);
  await page.getByRole('link', { name: 'Æske Ørnstrup' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Æske Ørnstrup' })).toBeVisible();
  await page.goto('/employees?q=ørnstrup');
  await expect(page.getByRole('link', { name: 'Æske Ørnstrup' })).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Hent som CSV' }).click();
  expect((await download).suggestedFilename()).toBe('employees.csv');
});

test('a full load above the limit asks for the number', async ({ page }) => {
  await asAdministrator(page, '/employees/bulk/new');
  await page.evaluate(() => localStorage.setItem('adgang-language', 'en'));
  await page.reload();
  await page.getByLabel('Full load').check();
  await page.getByLabel('File of employees').setInputFiles(csv('all.csv', 'local_user_id;email', ';aase@nobody.example', 'M000001;'));
  await page.getByRole('button', { name: 'Read the file' }).click();
  await expect(page.getByText(/needs more|full load needs/i).first()).toBeVisible();
  await page.goto('/employees/bulk/new');
  await page.getByLabel('Full load').check();
  await page.getByLabel('File of employees').setInputFiles(csv('all.csv', 'local_user_id', 'M000001'));
  await page.getByRole('button', { name: 'Read the file' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Are you sure?' });
  await expect(dialog.getByText(/are missing from the file/)).toBeVisible();
  await accessible(page);
  await dialog.getByRole('button', { name: 'Yes, start' }).click();
  await expect(dialog.getByText(/Type [\d,.]+ if it is right/)).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Discard the draft' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Many at once' })).toBeVisible();
});
