// @vitest-environment node
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromBase64, toBase64 } from '@/keyfile/base64';
import type { KeyAlgorithm } from '@/keyfile/csr';
import { createVault } from '@/keyfile/vault';
import { OpenSsl, rsaKey } from './openssl';

const password = 'blåbær-grød-€-2026';

describe.each(['P-256', 'RSA-3072'] satisfies KeyAlgorithm[])('a new %s key file', (algorithm) => {
  const openssl = new OpenSsl();
  afterAll(() => openssl.remove());
  const vault = createVault();

  beforeAll(async () => {
    openssl.certificate('other', ...rsaKey);
    openssl.write('mine.csr', fromBase64(await vault.generate(algorithm)));
    openssl.sign('mine', '-inform', 'DER');
    const file = await vault.finish({
      certificate: toBase64(openssl.der('mine')),
      chain: [toBase64(openssl.der('ca'))],
      password,
      friendlyName: 'Ærø Ålborg, Nordlys A/S',
    });
    openssl.write('mine.p12', file);
  });

  test('asks for a certificate with a request that OpenSSL verifies', () => {
    const text = openssl.run('req', '-inform', 'DER', '-in', 'mine.csr', '-verify', '-noout', '-text');
    expect(text).toContain(algorithm === 'P-256' ? 'ASN1 OID: prime256v1' : 'Public-Key: (3072 bit)');
    expect(text).toContain(algorithm === 'P-256' ? 'ecdsa-with-SHA256' : 'sha256WithRSAEncryption');
  });

  test('opens in OpenSSL with its key, both certificates and the name', () => {
    const opened = openssl.run('pkcs12', '-in', 'mine.p12', '-passin', `pass:${password}`, '-nodes');
    expect(opened.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(opened).toContain('BEGIN PRIVATE KEY');
    expect(opened).toContain('friendlyName: Ærø Ålborg, Nordlys A/S');
    openssl.write('opened.pem', new TextEncoder().encode(opened));
    const inFile = openssl.run('pkey', '-in', 'opened.pem', '-pubout');
    const inRequest = openssl.run('req', '-inform', 'DER', '-in', 'mine.csr', '-pubkey', '-noout');
    expect(inFile).toBe(inRequest);
  });

  test('has many rounds at both doors to the password', () => {
    const info = openssl.info('mine.p12', password);
    expect(info).toContain('MAC: sha256, Iteration 600000');
    expect(info.match(/PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256/g)).toHaveLength(2);
  });

  test('opens again here, and what it signs OpenSSL verifies', async () => {
    const opened = await vault.open(openssl.read('mine.p12'), password);
    expect(opened.chain).toEqual([openssl.der('mine'), openssl.der('ca')].map(toBase64));
    expect(opened.algorithm).toBe(algorithm === 'P-256' ? 'ES256' : 'PS256');
    const text = 'adgang-keyfile-login-v1\nhttp://localhost:8080\nid\nnonce\n-\n2026-01-01T00:00:00Z';
    const signature = fromBase64(await vault.sign(text));
    expect(openssl.verify('mine', text, signature, opened.algorithm)).toContain('Verified OK');
    expect(() => openssl.verify('mine', `${text}x`, signature, opened.algorithm)).toThrow();
  });

  test('needs the password to the letter, composed or not', async () => {
    const file = openssl.read('mine.p12');
    await expect(vault.open(file, `${password} `)).rejects.toMatchObject({ code: 'wrong_password' });
    await expect(vault.open(file, password.normalize('NFD'))).resolves.toBeDefined();
  });
});

test('nothing is written before a key is made, nor signed before a file is open', async () => {
  const vault = createVault();
  const request = { certificate: '', chain: [], password, friendlyName: '' };
  await expect(vault.finish(request)).rejects.toMatchObject({ code: 'no_generated_key' });
  await expect(vault.sign('text')).rejects.toMatchObject({ code: 'not_open' });
  await vault.generate('P-256');
  await vault.forget();
  await expect(vault.finish(request)).rejects.toMatchObject({ code: 'no_generated_key' });
});
