import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessibleInBoth, asAdministrator, expect, test } from './fixtures';

/** A certificate in the name of a year, made by OpenSSL. */
function certificate(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'adgang-partner-'));
  const [key, made] = [join(folder, 'key'), join(folder, 'certificate')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', made, '-days', '30', '-subj', `/CN=${name}`], { stdio: 'ignore' });
  const text = readFileSync(made, 'utf8').replace(/-----[^-]+-----|\s/g, '');
  rmSync(folder, { recursive: true });
  return text;
}

const metadata = (of: string) => `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://partner.example/metadata">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${of}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://partner.example/acs" index="0"/>
</md:SPSSODescriptor></md:EntityDescriptor>`;

/** The partner, who publishes what is set last. */
async function publisher(first: string): Promise<{ server: Server; url: string; publish: (next: string) => void }> {
  let document = first;
  const server = createServer((_, answer) => answer.setHeader('Content-Type', 'application/samlmetadata+xml').end(document));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`, publish: (next) => (document = next) };
}

test('a partner’s new key is shown as a difference, and counts when it is accepted', async ({ page }) => {
  const [old, next] = [metadata(certificate('Gammel')), metadata(certificate('Ny'))];
  const partner = await publisher(old);
  await asAdministrator(page, '/services');
  const { csrf_token: token } = (await (await page.request.get('/api/v1/session')).json()) as { csrf_token: string };
  const registered = await page.request.post('/api/v1/services', { data: old, headers: { 'Content-Type': 'application/xml', 'X-CSRF-Token': token } });
  const { id } = (await registered.json()) as { id: string };
  const subjects = async () => {
    const { certificates } = (await (await page.request.get(`/api/v1/services/${id}`)).json()) as { certificates: { subject: string }[] };
    return certificates.map((one) => one.subject);
  };

  await page.goto(`/services/${id}?tab=source`);
  await page.getByLabel('Adresse på metadata').fill(partner.url);
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Hent nu' })).toBeVisible();
  await expect(page.getByText('Nye metadata venter på dig')).toHaveCount(0);

  partner.publish(next);
  await page.getByRole('button', { name: 'Hent nu' }).click();
  await expect(page.getByRole('heading', { name: 'Nye metadata venter på dig' })).toBeVisible();
  await expect(page.getByText('CN=Ny').first()).toBeVisible();
  await expect(page.getByText('CN=Gammel').first()).toBeVisible();
  await accessibleInBoth(page);
  expect(await subjects()).toEqual(['CN=Gammel']);

  await page.getByRole('button', { name: 'Godkend de nye metadata' }).click();
  await expect(page.getByText('De nye metadata gælder.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Nye metadata venter på dig' })).toHaveCount(0);
  expect(await subjects()).toEqual(['CN=Ny']);

  // One that is turned down does not come back by itself.
  partner.publish(metadata(certificate('Falsk')));
  await page.getByRole('button', { name: 'Hent nu' }).click();
  await page.getByRole('button', { name: 'Afvis dem' }).click();
  await expect(page.getByText('De nye metadata er afvist.')).toBeVisible();
  const fetched = page.waitForResponse((answer) => answer.url().endsWith('/source/fetch'));
  await page.getByRole('button', { name: 'Hent nu' }).click();
  expect(((await (await fetched).json()) as { proposal?: object }).proposal).toBeUndefined();
  await expect(page.getByRole('heading', { name: 'Nye metadata venter på dig' })).toHaveCount(0);
  expect(await subjects()).toEqual(['CN=Ny']);
  await accessibleInBoth(page);
  partner.server.close();
});
