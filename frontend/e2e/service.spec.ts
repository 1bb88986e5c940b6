import { execFileSync } from 'node:child_process';
import { createSign, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { accessibleInBoth, asAdministrator, expect, test } from './fixtures';

const entityID = 'https://timer.example/metadata';
const acs = 'http://localhost:9/acs';

/** A service's key and certificate, made by OpenSSL. */
function keys(): { key: string; certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), 'adgang-service-'));
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '30', '-subj', '/CN=Timer'], { stdio: 'ignore' });
  const made = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8').replace(/-----[^-]+-----|\s/g, '') };
  rmSync(folder, { recursive: true });
  return made;
}

const metadata = (certificate: string) => `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityID}">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${acs}" index="0"/>
<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="da">Timer</md:ServiceName><md:RequestedAttribute Name="https://data.gov.dk/model/core/eid/fullName"/></md:AttributeConsumingService>
</md:SPSSODescriptor></md:EntityDescriptor>`;

/** The address that the service sends a person to. */
function request(base: string, key: string, level?: string): string {
  const wish =
    level === undefined
      ? ''
      : `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>https://data.gov.dk/concept/core/nsis/loa/${level}</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`;
  const xml = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_${randomUUID()}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${base}/saml/idp/sso"><saml:Issuer>${entityID}</saml:Issuer>${wish}</samlp:AuthnRequest>`;
  const algorithm = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
  const query = `SAMLRequest=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}&SigAlg=${encodeURIComponent(algorithm)}`;
  const signature = createSign('RSA-SHA256').update(query).sign(key, 'base64');
  return `/saml/idp/sso?${query}&Signature=${encodeURIComponent(signature)}`;
}

/** What the service was posted last. */
async function receive(page: Page): Promise<() => string> {
  let last = '';
  await page.route(acs, async (route) => {
    const form = new URLSearchParams(route.request().postData() ?? '');
    last = Buffer.from(form.get('SAMLResponse') ?? '', 'base64').toString();
    await route.fulfill({ contentType: 'text/html; charset=utf-8', body: '<!doctype html><html lang="da"><title>Timer</title><h1>Velkommen til Timer</h1></html>' });
  });
  return () => last;
}

test('a service is registered, a login is refused for its level, and the administrator sees why', async ({ page, baseURL }) => {
  const { key, certificate } = keys();
  const base = baseURL ?? '';
  await asAdministrator(page, '/services/new');
  await page.getByLabel('Metadata (XML)').fill(metadata(certificate));
  await page.getByRole('button', { name: 'Gennemgå' }).first().click();
  await expect(page.getByText('Timer kan registreres')).toBeVisible();
  await expect(page.getByText('Der er ingen krypteringsnøgle')).toBeVisible();
  await expect(page.getByText('Svaradressen er ikke https')).toBeVisible();
  await page.getByRole('button', { name: 'Registrér', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Timer' })).toBeVisible();
  const own = new URL(page.url()).pathname;

  const received = await receive(page);
  await page.goto(request(base, key));
  await expect(page.getByRole('heading', { name: 'Velkommen til Timer' })).toBeVisible();
  expect(received()).toContain('status:Success');
  expect(received()).toContain('eid/fullName');
  expect(received()).not.toContain('eid/email');

  await page.goto(request(base, key, 'Substantial'));
  await expect(page.getByRole('heading', { name: 'Du kom ikke ind i Timer' })).toBeVisible();
  await expect(page.getByText('kræver et login på sikringsniveau Betydelig')).toBeVisible();
  await page.getByRole('button', { name: /Tilbage til tjenesten/ }).click();
  await expect(page.getByRole('heading', { name: 'Velkommen til Timer' })).toBeVisible();
  expect(received()).toContain('NoAuthnContext');

  await page.goto(`${own}?tab=diagnosis`);
  await expect(page.getByText('Loginets sikringsniveau er lavere, end tjenesten kræver.').first()).toBeVisible();
  await page.getByText('Detaljer').first().click();
  await expect(page.getByText('https://data.gov.dk/concept/core/nsis/loa/Substantial')).toBeVisible();
  await accessibleInBoth(page);

  await page.goto(`${own}?tab=trial`);
  await page.getByRole('button', { name: 'Vis svaret' }).click();
  await expect(page.getByText('Du ville komme ind')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Påstanden som XML' })).toHaveValue(/SignatureValue/);
  await page.getByLabel('Niveau, tjenesten beder om').selectOption('Substantial');
  await page.getByRole('button', { name: 'Vis svaret' }).click();
  await expect(page.getByText('Du ville blive afvist')).toBeVisible();

  await page.goto(`${own}?tab=attributes`);
  await page.getByLabel('Giv Fulde navn').uncheck({ force: true });
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await expect(page.getByText('Ændringen er gemt.')).toBeVisible();
  await page.goto(request(base, key));
  await expect(page.getByRole('heading', { name: 'Velkommen til Timer' })).toBeVisible();
  expect(received()).not.toContain('eid/fullName');

  await page.goto(`${own}?tab=messages`);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: /^Hent Påstand/ }).first().click();
  expect((await download).suggestedFilename()).toContain('assertion.xml');
  await page.goto(`${own}?tab=statistics`);
  await expect(page.getByRole('img', { name: 'Login og afvisninger pr. dag' })).toBeVisible();
  await accessibleInBoth(page);
});

test('a person cancels on the login page and the service is told', async ({ page, baseURL, context }) => {
  const { key, certificate } = keys();
  const base = baseURL ?? '';
  await asAdministrator(page, '/services');
  const token = await page.request.get('/api/v1/session').then(async (answer) => ((await answer.json()) as { csrf_token: string }).csrf_token);
  const { items } = (await (await page.request.get('/api/v1/services')).json()) as { items: { id: string; entity_id: string }[] };
  const known = items.find((one) => one.entity_id === entityID);
  const headers = { 'Content-Type': 'application/xml', 'X-CSRF-Token': token };
  if (known === undefined) await page.request.post('/api/v1/services', { data: metadata(certificate), headers });
  else await page.request.put(`/api/v1/services/${known.id}`, { data: metadata(certificate), headers });
  await context.clearCookies();
  const received = await receive(page);
  await page.goto(request(base, key, 'Substantial'));
  await expect(page.getByText('Du er på vej til Timer')).toBeVisible();
  await expect(page.getByText('Tjenesten kræver mindst sikringsniveau Betydelig.')).toBeVisible();
  await page.getByRole('link', { name: 'Fortryd, og gå tilbage til tjenesten' }).click();
  await expect(page.getByRole('heading', { name: 'Velkommen til Timer' })).toBeVisible();
  expect(received()).toContain('AuthnFailed');
});
