import { accessible, accessibleInBoth, asAdministrator, expect, speak, test } from './fixtures';

test('a right on its way: asked for, approved, given to a group, told to the service', async ({ page }) => {
  await asAdministrator(page, '/rights');
  await expect(page.getByRole('heading', { name: 'Rettigheder, du kan bede om' })).toBeVisible();
  await accessibleInBoth(page);

  await page.getByRole('button', { name: 'Bed om Registrér timer' }).click();
  await page.getByRole('button', { name: 'Send anmodning' }).click();
  await expect(page.getByText('Skriv mindst 10 tegn')).toBeVisible();
  await page.getByLabel('Begrundelse').fill('Jeg skal skrive timer for holdet.');
  await accessible(page);
  await page.getByRole('button', { name: 'Send anmodning' }).click();
  await expect(page.getByRole('table', { name: 'Mine anmodninger' })).toContainText('Venter');

  // Nobody approves their own request; another's is approved.
  await page.goto('/rights/requests');
  await page.getByRole('button', { name: 'Godkend anmodningen fra Asta Nordvind' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Godkend' }).click();
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Du har selv bedt om det');
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Fortryd' }).click();
  await page.getByRole('button', { name: 'Godkend anmodningen fra Søren Krag' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Godkend' }).click();
  await expect(page.getByText('Søren Krag har fået rettigheden.')).toBeVisible();
  await accessibleInBoth(page);

  // Asta joins the group that has it.
  await page.goto('/rights/groups');
  await accessibleInBoth(page);
  await page.getByRole('link', { name: 'Holdledere' }).click();
  await page.getByLabel('Føj en medarbejder til').fill('Asta');
  await page.getByRole('button', { name: /^Asta Nordvind/ }).click();
  await expect(page.getByRole('table', { name: 'Medlemmer' })).toContainText('Asta Nordvind');
  await accessibleInBoth(page);

  await page.goto('/demo/service');
  await page.getByRole('button', { name: 'Log ind med Adgang' }).click();
  await expect(page.getByRole('heading', { name: 'Det må du i tjenesten' })).toBeVisible();
  await expect(page.getByText('urn:dk:fiktiv:tid:registrer')).toBeVisible();
  await accessible(page);
});

// The same in English, to the other end.
test('a right is asked for and withdrawn, in English', async ({ page }) => {
  await asAdministrator(page, '/rights');
  await speak(page, 'en');
  await page.getByRole('button', { name: /^Ask for / }).first().click();
  await page.getByLabel('Reason').fill('I am to stand in for a colleague.');
  await accessible(page);
  await page.getByRole('button', { name: 'Send the request' }).click();
  await expect(page.getByRole('table', { name: 'My requests' })).toContainText('Waiting');
  await page.goto('/rights/requests');
  await page.getByRole('button', { name: 'Reject the request of Asta Nordvind' }).last().click();
  await accessible(page);
  await page.getByLabel('Reason, for the employee').fill('A colleague has it already.');
  await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
  // Nobody decides about their own request, and so it waits on.
  await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.goto('/rights');
  await page.getByRole('button', { name: /^Withdraw the request for / }).last().click();
  await expect(page.getByText('The request was withdrawn.')).toBeVisible();
});

test('who has what, and a review, in English', async ({ page }) => {
  await asAdministrator(page, '/rights/holders');
  await page.getByRole('button', { name: 'English' }).first().click();
  await page.getByLabel('Choose a service').selectOption({ label: 'Tidsregistrering (demotjeneste)' });
  await page.getByLabel('Choose a right').selectOption({ label: 'Approve hours' });
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await expect(page.getByRole('table', { name: 'Who has what' })).toContainText('Ida Holm');
  await expect(page.getByRole('table', { name: 'Who has what' })).not.toContainText('Mette Lund');
  await accessible(page);

  await page.goto('/rights/reviews');
  await accessible(page);
  await page.getByRole('link', { name: 'Årlig gennemgang af tidsregistrering' }).click();
  await page.getByRole('button', { name: 'Take Extract for payroll away from Mette Lund' }).click();
  await expect(page.getByRole('row', { name: /Mette Lund/ })).toContainText('Taken away');
  await expect(page.getByText('Somebody else answers for you').first()).toBeVisible();
  await accessible(page);
  await page.goto('/rights/basic');
  await expect(page.getByRole('table', { name: 'Basic package' })).toContainText('See own hours');
  await accessible(page);
});
