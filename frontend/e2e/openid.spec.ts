import { createHash, createPublicKey, type JsonWebKey, randomBytes, verify } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessible, accessibleInBoth, administrator, asAdministrator, expect, logIn, test } from './fixtures';

// Node's own cryptography is the client: what it accepts others will.
let site: Server;
let [redirect, farewell] = ['', ''];

test.beforeAll(async () => {
  site = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end('<!doctype html><html lang="da"><title>Rødgrød</title><h1>Velkommen</h1></html>');
  });
  await new Promise<void>((ready) => site.listen(0, '127.0.0.1', ready));
  const base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  [redirect, farewell] = [`${base}/svar?fra=adgang`, `${base}/farvel`];
});

test.afterAll(() => void site.close());

interface Configuration {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  userinfo_endpoint: string;
  end_session_endpoint: string;
  jwks_uri: string;
}

interface Tokens {
  id_token: string;
  access_token: string;
  error?: string;
}

const json = async <T>(address: string, init?: RequestInit): Promise<T> => (await (await fetch(address, init)).json()) as T;

/** The claims of an ID token, once its signature verifies by a published key. */
async function claimsOf(token: string, from: Configuration): Promise<Record<string, unknown>> {
  const [head = '', body = '', signature = ''] = token.split('.');
  const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg: string; kid: string };
  const { keys } = await json<{ keys: (JsonWebKey & { kid: string })[] }>(from.jwks_uri);
  const jwk = keys.find((one) => one.kid === kid);
  if (jwk === undefined) throw new Error(`no key ${kid}`);
  expect(alg).toBe('RS256');
  expect(verify('sha256', Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'))).toBe(true);
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
}

test('a service without metadata is registered, and one logs in to it and out with OpenID Connect', async ({ page, browser, baseURL }) => {
  await asAdministrator(page, '/services/new');
  await page.getByLabel('Tjenestens navn').fill('Rødgrød på nettet');
  await page.getByLabel('Svaradresse (redirect URI)').fill(redirect);
  await accessible(page);
  await page.getByRole('button', { name: 'Registrér med OpenID Connect' }).dblclick();
  await expect(page.getByText('Gem hemmeligheden nu')).toBeVisible();
  const [client = '', secret = ''] = await page.getByRole('alert').locator('dd').allTextContents();
  await accessible(page);
  const { items } = (await (await page.request.get('/api/v1/services')).json()) as { items: object[] };
  expect(items.filter((one) => JSON.stringify(one).includes('Rødgrød på nettet'))).toHaveLength(1);

  // On its page: where it may send people afterwards, and what it is told.
  await page.goto(`/services/${client}?tab=openid`);
  await page.getByLabel('Adresser efter logout').fill(farewell);
  await page.getByLabel('Fulde navn').check();
  await page.getByRole('button', { name: 'Gem', exact: true }).click();
  await expect(page.getByText('OpenID Connect er gemt.')).toBeVisible();
  await accessibleInBoth(page);

  const base = baseURL ?? '';
  const known = await json<Configuration>(`${base}/.well-known/openid-configuration`);
  expect(known.issuer).toBe(base);
  const verifier = randomBytes(32).toString('base64url');
  const [state, nonce] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
  const asked = new URLSearchParams({
    client_id: client, response_type: 'code', scope: 'openid profile', redirect_uri: redirect, state, nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  });
  const context = await browser.newContext({ locale: 'da-DK', baseURL: base });
  const person = await context.newPage();
  await person.goto(`${known.authorization_endpoint}?${asked.toString()}`);
  await expect(person.getByText('Rødgrød på nettet')).toBeVisible();
  await logIn(person, administrator());
  await expect(person.getByRole('heading', { name: 'Velkommen' })).toBeVisible();
  const answer = new URL(person.url()).searchParams;
  expect([answer.get('fra'), answer.get('state'), answer.get('iss')]).toEqual(['adgang', state, base]);

  const exchange = (code_verifier: string) =>
    json<Tokens>(known.token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: redirect, code_verifier }),
    });
  const tokens = await exchange(verifier);
  const claims = await claimsOf(tokens.id_token, known);
  expect(claims).toMatchObject({ iss: base, nonce, name: 'Asta Nordvind', acr: 'https://data.gov.dk/concept/core/nsis/loa/Low' });
  expect([claims.aud].flat()).toEqual([client]);
  const told = await json<Record<string, unknown>>(known.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect(told).toMatchObject({ sub: claims.sub, name: 'Asta Nordvind' });
  expect((await exchange(verifier)).error).toBe('invalid_grant'); // a code is good once

  // The service sends the person to log out, and gets her back.
  const leaving = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: farewell, state: 'æøå & b=c' });
  await person.goto(`${known.end_session_endpoint}?${leaving.toString()}`);
  await expect(person).toHaveURL(/\/farvel/);
  expect(new URL(person.url()).searchParams.get('state')).toBe('æøå & b=c');
  await person.goto('/me');
  await expect(person).toHaveURL(/\/login/);
  await context.close();

  await page.goto(`/services/${client}?tab=diagnosis`);
  await expect(page.getByText('Asta Nordvind').first()).toBeVisible();
});
